"""Parts of images, put together and taken apart: `Concat`, `Split`, `Slice`, `Gather`, `Expand`."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .... import Node
from ....nodes.along import in_one_piece, joined_along
from ....nodes.arranged import Arranged, without_axis
from ....nodes.broadcast import expanded
from ....nodes.parts import cut_along, picked_along, sized_along
from ....nodes.settled import of_own_node
from ..call import Call
from ..constants import parts_of, slices_of
from ..values import BATCH, Refused, few

__all__ = ["TABLE"]


def axis_of(call: Call, x: Arranged, default: int) -> int:
    """The axis of one image that the attribute names."""
    (axis,) = call.axes((call.integer("axis", default),), len(x.shape) + 1)
    return inside(x, axis)


def inside(x: Arranged, axis: int) -> int:
    """An axis as one of one image."""
    if axis == x.place:
        raise Refused(f"its axis {axis} is that of the images")
    return axis - (axis > x.place)


def in_pieces(call: Call, axes: Iterable[int]) -> Arranged:
    """The input with each of these axes in one piece; where a node is made for that, its readers share it."""
    x = call.arranged(anywhere=True)
    if not all(in_one_piece(x, axis) for axis in axes):
        x = call.translation.values[call.operation.inputs[0]] = call.values[0] = of_own_node(x)
    return x


def concatenated(call: Call) -> Arranged:
    """`Concat`"""
    values = [call.arranged(place) for place in range(len(call.values))]
    return joined_along(values, axis_of(call, values[0], 1))


def parted(call: Call) -> list[Arranged]:
    """`Split`"""
    axis = axis_of(call, call.arranged(anywhere=True), 0)
    x = in_pieces(call, [axis])
    return sized_along(x, axis, parts_of(call, x.shape[axis]))


def sliced(call: Call) -> Arranged:
    """`Slice`, also with steps > 0."""
    x, slices = call.arranged(anywhere=True), slices_of(call)
    x = in_pieces(call, [inside(x, axis) for axis, _ in slices if axis != x.place])
    for axis, part in slices:
        if axis == x.place:
            if part.indices(BATCH) != (0, BATCH, 1):
                raise Refused("it takes images out of a batch")
            continue
        x = cut_along(x, inside(x, axis), part)
    return x


def gathered(call: Call) -> Arranged:
    """`Gather` of channels, rows or columns by constants."""
    axis, indices = axis_of(call, call.arranged(anywhere=True), 0), call.constant(1)
    if indices.ndim > 1:
        raise Refused(f"its indices of shape {indices.shape} must be one axis of numbers")
    few(indices.size)
    y = picked_along(in_pieces(call, [axis]), axis, indices.reshape(-1).tolist())
    return y if indices.ndim else without_axis(y, axis)


def repeated(call: Call) -> Node:
    """`Expand`: axes of extent 1 are repeated."""
    x = call.node(0)
    wanted = tuple(int(n) for n in call.constant(1).reshape(-1))
    shape = np.broadcast_shapes(call.shape(0)[1:], wanted[1:] if len(wanted) == len(x.shape) + 1 else wanted)
    if len(shape) != len(x.shape) or len(wanted) > len(x.shape) + 1:
        raise Refused(f"its shape {wanted} has other axes than (N, {x.shape})")
    if len(wanted) == len(x.shape) + 1 and wanted[0] not in (1, call.shape(0)[0], call.translation.batch):
        raise Refused(f"its shape {wanted} repeats the images")
    return expanded(x, shape)


TABLE: dict[str, Callable[[Call], Any]] = {
    "Concat": concatenated,
    "Split": parted,
    "Slice": sliced,
    "Gather": gathered,
    "Expand": repeated,
}
