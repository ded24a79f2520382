"""Parts of values along any axis, put together and taken apart; axes are those of one image."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from .. import layers
from ..graph import Node, concat
from .arranged import arranged
from .refused import Refused
from .settled import settled

__all__ = ["cut", "joined", "picked", "taken_apart", "turned"]


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


def joined(nodes: Sequence[Node], axis: int) -> Node:
    """All nodes along this axis, one after another."""
    if axis == 0:
        return concat(*nodes)
    order = list(range(len(nodes[0].shape)))
    order[0], order[axis] = axis, 0
    return turned(concat(*(turned(node, order) for node in nodes)), order)


def taken_apart(x: Node, axis: int, sizes: Sequence[int]) -> list[Node]:
    """Parts of these sizes along an axis."""
    ends = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    found: list[Node] = along(x, axis, lambda y: [y[first:stop] for first, stop in pairwise(ends)])
    return found


def cut(x: Node, axis: int, part: slice) -> Node:
    """x[part] along an axis, also with a step > 0."""
    first, stop, step = part.indices(x.shape[axis])
    if step < 1 or stop <= first:
        raise Refused(f"its part {first}:{stop}:{step} of {x.shape[axis]} is empty or goes backwards")
    if (first, stop) != (0, x.shape[axis]):
        x = along(x, axis, partial(between, first, stop))
    return every(x, axis, step) if step > 1 else x


def between(first: int, stop: int, x: Node) -> Node:
    """The channels from `first` to before `stop`."""
    return x[first:stop]


def every(x: Node, axis: int, step: int) -> Node:
    """Each step-th row or column."""
    if axis == 0 or len(x.shape) != 3:
        raise Refused(f"its step {step} must be along H or W")
    return layers.MaxPool2D(1, (step, 1) if axis == 1 else (1, step))(x)


def picked(x: Node, axis: int, indices: Sequence[int]) -> Node:
    """Channels, rows or columns in this order; an index may repeat, or count from the end."""
    extent = x.shape[axis]
    places = [n + extent if n < 0 else n for n in indices]
    if not places or not all(0 <= n < extent for n in places):
        raise Refused(f"its indices {list(indices)[:8]} must be numbers below {extent}")
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
    return found
