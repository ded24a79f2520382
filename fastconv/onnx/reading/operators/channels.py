"""Parts of images, put together and taken apart: `Concat`, `Split`, `Slice`, `Gather`, `Expand`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import Node
from ....nodes.arranged import arranged
from ....nodes.broadcast import expanded
from ....nodes.parts import cut, joined, picked, taken_apart
from ..call import Call
from ..constants import parts_of, slices_of
from ..values import BATCH, Refused

__all__ = ["TABLE"]


def axis_of(call: Call, rank: int, default: int) -> int:
    """The axis of one image that the attribute names."""
    (axis,) = call.axes((call.integer("axis", default),), rank)
    if axis == 0:
        raise Refused("its axis 0 is that of the images")
    return axis - 1


def concatenated(call: Call) -> Node:
    """`Concat`"""
    nodes = [call.node(place) for place in range(len(call.values))]
    return joined(nodes, axis_of(call, len(nodes[0].shape) + 1, 1))


def parted(call: Call) -> Any:
    """`Split`"""
    x = call.node(0)
    axis = axis_of(call, len(x.shape) + 1, 0)
    return taken_apart(x, axis, parts_of(call, x.shape[axis]))


def sliced(call: Call) -> Node:
    """`Slice`, also with steps > 0."""
    x = call.node(0)
    for axis, part in slices_of(call):
        if axis == 0:
            if part.indices(BATCH) != (0, BATCH, 1):
                raise Refused("it takes images out of a batch")
            continue
        x = cut(x, axis - 1, part)
    return x


def gathered(call: Call) -> Any:
    """`Gather` of channels, rows or columns by constants."""
    x, indices = call.node(0), call.constant(1)
    axis = axis_of(call, len(x.shape) + 1, 0)
    if indices.ndim > 1:
        raise Refused(f"its indices of shape {indices.shape} must be one axis of numbers")
    found = picked(x, axis, [int(n) for n in indices.reshape(-1)])
    if indices.ndim:
        return found
    return arranged(found).reshaped((*x.shape[:axis], *x.shape[axis + 1 :]))


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
