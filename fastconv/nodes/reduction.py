"""Means, sums, largest and smallest values over axes of one image."""

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

from .. import layers
from ..graph import Node
from .arranged import Arranged, arranged
from .pieces import affine
from .refused import Refused
from .settled import settled

__all__ = ["Reduction", "largest", "mean", "reduced", "smallest", "total"]

Reduction: TypeAlias = Callable[[Node, int], Node]  # (planes, the size of a plane) -> one value of each


def reduced(x: Arranged, axes: Sequence[int], keepdims: bool, reduction: Reduction) -> Arranged:
    """What `reduction` makes of the values along these axes."""
    inside = sorted(axes)
    kept = [axis for axis in range(len(x.shape)) if axis not in inside]
    size, shape = prod(x.shape[axis] for axis in inside), tuple(x.shape[axis] for axis in kept)
    y = reduction(as_planes(x, kept, inside), size)
    if keepdims:
        shape = tuple(1 if axis in inside else n for axis, n in enumerate(x.shape))
    return arranged(y).reshaped(shape)


def as_planes(x: Arranged, kept: Sequence[int], inside: Sequence[int]) -> Node:
    """Images whose channels are what is kept, and whose pixels are what is reduced."""
    if (list(kept), list(inside)) == ([0], [1, 2]):
        return settled(x)
    moved = x.transposed([*kept, *inside])
    if moved is None:
        raise Refused(f"axes {kept} and {inside} of (N, {x.shape}) cannot be parted")
    channels = prod(x.shape[axis] for axis in kept)
    return settled(moved.reshaped((channels, prod(x.shape) // channels, 1)))


def mean(x: Node, size: int) -> Node:
    """The mean of each plane."""
    return layers.AdaptiveAvgPool2D(1)(x)


def largest(x: Node, size: int) -> Node:
    """The largest value of each plane."""
    return layers.AdaptiveMaxPool2D(1)(x)


def total(x: Node, size: int) -> Node:
    """The sum of each plane."""
    return affine(mean(x, size), size, 0.0)


def smallest(x: Node, size: int) -> Node:
    """The smallest value of each plane."""
    return affine(largest(affine(x, -1.0, 0.0), size), -1.0, 0.0)
