"""Parts of images, put together and taken apart: `Concat`, `Split`, `Slice`, `Gather`, `Expand`."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .... import Node, concat, layers
from ..arranged import arranged
from ..call import Call
from ..constants import parts_of, slices_of
from ..settled import settled
from ..values import BATCH, Refused
from .broadcast import expanded

__all__ = ["TABLE"]


def along(x: Node, axis: int, change: Callable[[Node], Any]) -> Any:
    """``change`` along the channels, where it is meant for another axis of (C, H, W): both are exchanged for it."""
    if axis == 0:
        return change(x)
    order = list(range(len(x.shape)))
    order[0], order[axis] = axis, 0
    found = change(turned(x, order))
    return [turned(each, order) for each in found] if isinstance(found, list) else turned(found, order)


def turned(x: Node, order: Sequence[int]) -> Node:
    """The node with its axes in this order."""
    value = arranged(x).transposed(order)
    if value is None:
        raise Refused(f"the axes of (N, {x.shape}) cannot be exchanged")
    return settled(value)


def axis_of(call: Call, rank: int, default: int) -> int:
    """The axis of one image that the attribute names."""
    (axis,) = call.axes((call.integer("axis", default),), rank)
    if axis == 0:
        raise Refused("its axis 0 is that of the images")
    return axis - 1


def concatenated(call: Call) -> Node:
    """`Concat`"""
    nodes = [call.node(place) for place in range(len(call.values))]
    axis = axis_of(call, len(nodes[0].shape) + 1, 1)
    if axis == 0:
        return concat(*nodes)
    order = list(range(len(nodes[0].shape)))
    order[0], order[axis] = axis, 0
    return turned(concat(*(turned(node, order) for node in nodes)), order)


def parted(call: Call) -> Any:
    """`Split`"""
    x = call.node(0)
    axis = axis_of(call, len(x.shape) + 1, 0)
    sizes = parts_of(call, x.shape[axis])
    ends = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    return along(x, axis, lambda y: [y[first:stop] for first, stop in pairwise(ends)])


def sliced(call: Call) -> Node:
    """`Slice`, also with steps > 0."""
    x = call.node(0)
    for axis, part in slices_of(call):
        if axis == 0:
            if part.indices(BATCH) != (0, BATCH, 1):
                raise Refused("it takes images out of a batch")
            continue
        first, stop, step = part.indices(x.shape[axis - 1])
        if step < 1 or stop <= first:
            raise Refused(f"its part {first}:{stop}:{step} of {x.shape[axis - 1]} is empty or goes backwards")
        if (first, stop) != (0, x.shape[axis - 1]):
            x = along(x, axis - 1, partial(between, first, stop))
        if step > 1:
            x = every(x, axis - 1, step)
    return x


def between(first: int, stop: int, x: Node) -> Node:
    """The channels from `first` to before `stop`."""
    return x[first:stop]


def every(x: Node, axis: int, step: int) -> Node:
    """Each step-th row or column."""
    if axis == 0 or len(x.shape) != 3:
        raise Refused(f"its step {step} must be along H or W")
    return layers.MaxPool2D(1, (step, 1) if axis == 1 else (1, step))(x)


def gathered(call: Call) -> Any:
    """`Gather` of channels, rows or columns by constants."""
    x, indices = call.node(0), call.constant(1)
    axis = axis_of(call, len(x.shape) + 1, 0)
    extent = x.shape[axis]
    places = [int(n) + extent if n < 0 else int(n) for n in indices.reshape(-1)]
    if indices.ndim > 1 or not places or not all(0 <= n < extent for n in places):
        raise Refused(f"its indices of shape {indices.shape} must be one axis of numbers below {extent}")
    runs: list[list[int]] = []
    for n in places:
        if runs and n == runs[-1][1]:
            runs[-1][1] = n + 1
        else:
            runs.append([n, n + 1])

    def change(y: Node) -> Node:
        nodes = [y[first:stop] for first, stop in runs]
        return concat(*nodes) if len(nodes) > 1 else nodes[0]

    found: Node = along(x, axis, change)
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
