"""Parts of values along any axis, put together and taken apart; axes are those of one image."""

from collections.abc import Sequence
from itertools import pairwise

from .. import layers
from ..graph import Node
from .along import joined_along, parts_along
from .arranged import Arranged, arranged
from .refused import Refused, few
from .settled import settled

__all__ = ["cut", "cut_along", "joined", "picked", "picked_along", "sized_along", "taken_apart", "turned"]


def turned(x: Node, order: Sequence[int]) -> Node:
    """The node with its axes in this order."""
    value = arranged(x).transposed(order)
    if value is None:
        raise Refused(f"the axes of (N, {x.shape}) cannot be exchanged")
    return settled(value)


def joined(nodes: Sequence[Node], axis: int) -> Node:
    """All nodes along this axis, one after another."""
    return settled(joined_along([arranged(node) for node in nodes], axis))


def taken_apart(x: Node, axis: int, sizes: Sequence[int]) -> list[Node]:
    """Parts of these sizes along an axis."""
    return [settled(part) for part in sized_along(arranged(x), axis, sizes)]


def sized_along(x: Arranged, axis: int, sizes: Sequence[int]) -> list[Arranged]:
    """The same before axes are brought into order."""
    return parts_along(x, axis, [*pairwise(sum(sizes[:i]) for i in range(len(sizes) + 1))])


def cut(x: Node, axis: int, part: slice) -> Node:
    """x[part] along an axis, also with a step; backwards each row or column is a piece."""
    return settled(cut_along(arranged(x), axis, part))


def cut_along(x: Arranged, axis: int, part: slice) -> Arranged:
    """The same before axes are brought into order."""
    first, stop, step = part.indices(x.shape[axis])
    places = range(first, stop, step)
    if not places:
        raise Refused(f"its part {first}:{stop}:{step} of {x.shape[axis]} is empty")
    if step < 0:
        few(len(places))
        return picked_along(x, axis, places)
    (found,) = parts_along(x, axis, [(first, stop)])
    return arranged(every(settled(found), axis, step)) if step > 1 else found


def every(x: Node, axis: int, step: int) -> Node:
    """Each step-th row or column."""
    if axis == 0 or len(x.shape) != 3:
        raise Refused(f"its step {step} must be along H or W")
    return layers.MaxPool2D(1, (step, 1) if axis == 1 else (1, step))(x)


def picked(x: Node, axis: int, indices: Sequence[int]) -> Node:
    """Channels, rows or columns in this order; an index may repeat, or count from the end."""
    return settled(picked_along(arranged(x), axis, indices))


def picked_along(x: Arranged, axis: int, indices: Sequence[int]) -> Arranged:
    """The same before axes are brought into order."""
    found = parts_along(x, axis, runs_of(indices, x.shape[axis]))
    return found[0] if len(found) == 1 else joined_along(found, axis)


def runs_of(indices: Sequence[int], extent: int) -> list[tuple[int, int]]:
    """(first, stop) of neighbouring indices that follow one another."""
    places = [n + extent if n < 0 else n for n in indices]
    if not places or not all(0 <= n < extent for n in places):
        raise Refused(f"its indices {list(indices)[:8]} must be numbers below {extent}")
    runs: list[tuple[int, int]] = []
    for n in places:
        if runs and n == runs[-1][1]:
            runs[-1] = runs[-1][0], n + 1
        else:
            runs.append((n, n + 1))
    return runs
