"""Parts of values along any axis, and values put together along one: slices and `concat` of what is arranged."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from .. import layers
from ..graph import Node, concat
from .arranged import Arranged, arranged
from .refused import Refused
from .settled import MOST_AXES, of_own_node, reshaped, settled

__all__ = ["in_one_piece", "joined_along", "parts_along"]


def parts_along(x: Arranged, axis: int, ranges: Sequence[tuple[int, int]]) -> list[Arranged]:
    """The values from `first` to before `stop` along an axis of one image, for each (first, stop).

    The axis is brought to the front once, where it is not there, and the parts are slices of channels then. Before that
    a node is made of the values as they are arranged, where the axis is not in one piece.
    """
    if any(first >= stop for first, stop in ranges):
        raise Refused(f"its parts {[*ranges]} of {x.shape[axis]} must not be empty")
    if all(part == (0, x.shape[axis]) for part in ranges):
        return [x for _ in ranges]
    if not in_one_piece(x, axis):
        x = of_own_node(x)
    found = x.in_pieces()
    assert found is not None  # an axis is in one piece
    fine, members = found
    own = members[axis]
    first, stop = own[0], own[-1] + 1
    before, inside, after = fine.split[:first], fine.split[first:stop], fine.split[stop:]
    node = in_front(x.node, prod(before), prod(inside), prod(after))
    places = {piece: 1 + i for i, piece in enumerate((*range(first), *range(stop, len(fine.split))))}
    order = [0 if piece == first else places[piece] for piece in fine.order if piece == first or piece not in own]

    def part(first: int, stop: int) -> Arranged:
        """One of them."""
        shape = (*x.shape[:axis], stop - first, *x.shape[axis + 1 :])
        return replace(x, node=node[first:stop], split=(stop - first, *before, *after), order=tuple(order), shape=shape)

    return [part(*each) for each in ranges]


def in_one_piece(x: Arranged, axis: int) -> bool:
    """Whether the values along an axis are neighbours in the node; those of channels that were shuffled are not."""
    found = x.in_pieces()
    if found is None:
        return False
    own = found[1][axis]
    return not own or own == list(range(own[0], own[0] + len(own)))


def in_front(node: Node, before: int, inside: int, after: int) -> Node:
    """The values, as (before, inside, after) in their order, with the middle axis as channels."""
    if before == 1:
        return node if node.shape[0] == inside else reshaped(node, (inside, after) if after > 1 else (inside,))
    if after == 1:
        return layers.Permute((1, 0))(reshaped(node, (before, inside)))
    return layers.Permute((1, 0, 2))(reshaped(node, (before, inside, after)))


def joined_along(values: Sequence[Arranged], axis: int) -> Arranged:
    """The values one after another along an axis of one image."""
    first = values[0]
    others = [i for i in range(len(first.shape)) if i != axis]
    if any(len(v.shape) != len(first.shape) or any(v.shape[i] != first.shape[i] for i in others) for v in values):
        raise Refused(f"its inputs do not fit along axis {axis + 1}: {[v.shape for v in values]}")
    rest = tuple(first.shape[i] for i in others)
    whole = concat(*(with_channels(value, axis, others, rest) for value in values))
    found = arranged(whole).reshaped((whole.shape[0], *rest))
    back = found.transposed([others.index(i) + 1 if i != axis else 0 for i in range(len(first.shape))])
    assert back is not None  # whole axes
    return back


def with_channels(x: Arranged, axis: int, others: Sequence[int], rest: tuple[int, ...]) -> Node:
    """The node with this axis as channels, and the other axes as they are, or as one where they are too many."""
    moved = x.transposed([axis, *others]) or of_own_node(x).transposed([axis, *others])
    assert moved is not None  # a node of its own has all axes in one piece
    return settled(moved if len(rest) < MOST_AXES else moved.reshaped((x.shape[axis], prod(rest))))
