"""Reshapes and transpositions, gathered until something reads the values.

A node (C, H, W) is split into axes, these are put into another order, and the result is read as another shape:

    y = x.reshape(split).transpose(order).reshape(shape)

Channel shuffle is split = (g, C / g, H, W), order = (1, 0, 2, 3), shape = (C, H, W): on the way it has more axes than
a node may have. So nothing is computed before the last of such operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from ..graph import Node
from ..typing import Shape
from .refused import Refused

__all__ = ["Arranged", "arranged", "channels_moved_last", "simplest", "without_axis", "without_batch"]


@dataclass(frozen=True)
class Arranged:
    """The values of a node, rearranged; shapes and axes are those of one image, `place` is where the batch axis is."""

    node: Node
    split: Shape
    order: tuple[int, ...]
    shape: Shape
    place: int = 0

    def reshaped(self, shape: Shape) -> "Arranged":
        """The same values in the same order, as another shape of the same size."""
        return Arranged(self.node, self.split, self.order, shape)

    def transposed(self, axes: Sequence[int], place: int = 0) -> "Arranged | None":
        """With the axes in this order; None where an axis of `shape` is part of one axis and part of another."""
        found = self.in_pieces()
        if found is None:
            return None
        fine, members = found
        order = tuple(piece for axis in axes for piece in members[axis])
        return replace(fine, order=order, shape=tuple(self.shape[axis] for axis in axes), place=place)

    def in_pieces(self) -> "tuple[Arranged, list[list[int]]] | None":
        """The same with `split` so fine that each axis of `shape` is whole pieces, and the numbers of these pieces."""
        fine = refined([self.split[axis] for axis in self.order], self.shape)
        if fine is None:
            return None
        parts, members = fine  # the pieces of each axis of `order`; the numbers of those of each axis of `shape`
        starts: dict[int, int] = {}
        split: list[int] = []
        for axis in range(len(self.split)):
            place = self.order.index(axis)
            starts[place] = len(split)
            split += parts[place]
        numbers = [starts[place] + i for place in range(len(parts)) for i in range(len(parts[place]))]
        own = [[numbers[piece] for piece in pieces] for pieces in members]
        order = tuple(piece for pieces in own for piece in pieces)
        return replace(self, split=tuple(split), order=order), own


def arranged(value: "Node | Arranged") -> Arranged:
    """A node as it is, or what it already is."""
    if isinstance(value, Arranged):
        return value
    return Arranged(value, value.shape, tuple(range(len(value.shape))), value.shape)


def without_axis(x: Arranged, axis: int) -> Arranged:
    """The same without an axis of one image whose extent is 1."""
    return replace(x, shape=(*x.shape[:axis], *x.shape[axis + 1 :]), place=x.place - (axis < x.place))


def refined(old: Sequence[int], new: Sequence[int]) -> tuple[list[list[int]], list[list[int]]] | None:
    """The pieces of each old axis, and the numbers of the pieces of each new axis; None where axes overlap in part."""
    parts: list[list[int]] = []
    members: list[list[int]] = [[] for _ in new]
    place, left, count = -1, 1, 0  # the new axis that pieces go to, and what it still lacks
    for extent in old:
        pieces: list[int] = []
        while extent > 1:
            while left == 1:
                place, left = place + 1, new[place + 1]
            piece = min(extent, left)
            if extent % piece or left % piece:
                return None
            extent, left = extent // piece, left // piece
            pieces.append(piece)
            members[place].append(count)
            count += 1
        parts.append(pieces)
    return parts, members


def simplest(value: Arranged) -> tuple[Shape, tuple[int, ...]]:
    """(split, order) without axes of extent 1, and with neighbours that stay neighbours as one axis."""
    order = [axis for axis in value.order if value.split[axis] != 1]
    runs: list[list[int]] = []
    for axis in order:
        between = value.split[runs[-1][-1] + 1 : axis] if runs and axis > runs[-1][-1] else (0,)
        if prod(between) == 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    first = sorted(range(len(runs)), key=lambda run: runs[run][0])
    split = tuple(prod(value.split[axis] for axis in runs[run]) for run in first)
    return split, tuple(first.index(run) for run in range(len(runs)))


def channels_moved_last(value: Arranged) -> bool:
    """Whether the channels of a node were only brought behind its pixels."""
    split, order = simplest(value)
    return order == (1, 0) and value.shape[-1] == split[0] == value.node.shape[0]


def without_batch(old: Shape, shape: tuple[int, ...], free: set[int | None]) -> Shape:
    """The new shape of one image (old); `free`: what stands for the number of images."""
    if not shape or not (shape[0] in free or (shape[0] == -1 and -1 not in shape[1:])):
        raise Refused(f"its shape {shape} does not begin with the number of images")
    known = prod(n for n in shape[1:] if n != -1)
    if -1 in shape[1:]:
        if known < 1 or prod(old) % known or shape[1:].count(-1) > 1:
            raise Refused(f"its shape {shape} does not fit (N, {old})")
        return tuple(prod(old) // known if n == -1 else n for n in shape[1:])
    if known != prod(old):
        raise Refused(f"its shape {shape} does not fit (N, {old})")
    return shape[1:]
