"""The arena: one piece of memory for all values of a plan. Slots are arrays in it; the allocator hands out ranges."""

from bisect import insort
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array, Shape


class Slot(NamedTuple):
    """An array that has an address but no memory yet: its first byte in the arena, its shape, strides and dtype."""

    start: int
    shape: Shape
    strides: Shape
    dtype: np.dtype[Any]

    def array(self, arena: Array | None) -> Array:
        """The array in this arena."""
        return np.ndarray(self.shape, self.dtype, arena, self.start, self.strides)

    def channels(self, first: int, count: int) -> "Slot":
        """The slice [:, first : first + count]."""
        shape = (self.shape[0], count, *self.shape[2:])
        return self._replace(start=self.start + first * self.strides[1], shape=shape)

    def transposed(self) -> "Slot":
        """With the last two axes exchanged."""
        shape, strides = ((*each[:-2], each[-1], each[-2]) for each in (self.shape, self.strides))
        return self._replace(shape=shape, strides=strides)

    def images(self, count: int) -> "Slot":
        """The slice [:count]."""
        return self._replace(shape=(count, *self.shape[1:]))

    def reshaped(self, shape: Shape) -> "Slot | None":
        """A view of the same bytes with another shape; None if the bytes are not in C order, or of another number."""
        if self.shape == shape:
            return self
        if prod(self.shape) != prod(shape):
            return None
        if any(s != c for e, s, c in zip(self.shape, self.strides, c_strides(self), strict=True) if e > 1):
            return None
        return dense_slot(self.start, shape, self.dtype)


def c_strides(slot: Slot) -> Shape:
    """The strides of a dense slot of this shape and dtype in C order."""
    strides, step = [], slot.dtype.itemsize
    for extent in reversed(slot.shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def dense_slot(start: int, shape: Shape, dtype: DTypeLike, channels_last: bool = False) -> Slot:
    """A slot without gaps: in C order, or, for (N, C, H, W) in channels-last memory, in the order N, H, W, C."""
    dtype = np.dtype(dtype)
    if channels_last and len(shape) == 4:
        _, c, h, w = shape
        size = dtype.itemsize
        return Slot(start, shape, (h * w * c * size, size, w * c * size, c * size), dtype)
    dense = Slot(start, shape, (), dtype)
    return dense._replace(strides=c_strides(dense))


class ArenaAllocator:
    """A free list over an address space that starts at 0; `size` is the most that was ever in use."""

    def __init__(self) -> None:
        self.holes: list[tuple[int, int]] = []  # free ranges [start, stop) below `size`, sorted and disjoint
        self.size = 0

    def allocate(self, length: int) -> int:
        """The start of the smallest hole that fits (best fit), or of new space at the end."""
        if length == 0:
            return 0
        fitting = [hole for hole in self.holes if hole[1] - hole[0] >= length]
        if fitting:
            start, stop = min(fitting, key=lambda hole: hole[1] - hole[0])
            self.holes.remove((start, stop))
            if stop - start > length:
                insort(self.holes, (start + length, stop))
            return start
        start = self.size
        if self.holes and self.holes[-1][1] == self.size:
            start = self.holes.pop()[0]
        self.size = start + length
        return start

    def free(self, start: int, length: int) -> None:
        """Give the range back, and merge it with the holes beside it."""
        if length == 0:
            return
        stop = start + length
        for hole in [hole for hole in self.holes if hole[1] == start or hole[0] == stop]:
            self.holes.remove(hole)
            start, stop = min(start, hole[0]), max(stop, hole[1])
        insort(self.holes, (start, stop))
