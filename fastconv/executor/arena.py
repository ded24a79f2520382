"""Where arrays live: places inside one arena, the allocator of those places, and named views of one flat vector."""

from bisect import insort
from math import prod
from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """An array still without memory: the byte where it starts in the arena, its shape, strides and dtype."""

    start: int
    shape: tuple
    strides: tuple
    dtype: np.dtype

    def array(self, arena):
        return np.ndarray(self.shape, self.dtype, arena, self.start, self.strides)

    def channels(self, first, count):
        """The slice [:, first : first + count]."""
        shape = (self.shape[0], count, *self.shape[2:])
        return self._replace(start=self.start + first * self.strides[1], shape=shape)

    def images(self, count):
        """The slice [:count]."""
        return self._replace(shape=(count, *self.shape[1:]))

    def reshaped(self, shape):
        """A view of the same bytes with another shape; None if they are not contiguous in C order or too few."""
        if self.shape == shape:
            return self
        if prod(self.shape) != prod(shape):
            return None
        if any(s != c for e, s, c in zip(self.shape, self.strides, c_strides(self), strict=True) if e > 1):
            return None
        return place(self.start, shape, self.dtype)


def c_strides(array):
    strides, step = [], array.dtype.itemsize
    for extent in reversed(array.shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def place(start, shape, dtype, channels_last=False):
    """A dense array at `start`: C order, or, for (N, C, H, W) in channels-last memory, the order N, H, W, C."""
    dtype = np.dtype(dtype)
    if channels_last and len(shape) == 4:
        _, c, h, w = shape
        size = dtype.itemsize
        return Place(start, shape, (h * w * c * size, size, w * c * size, c * size), dtype)
    dense = Place(start, shape, (), dtype)
    return dense._replace(strides=c_strides(dense))


class Space:
    """Gives out and takes back ranges of an address space that starts at 0; `size` is the most that was in use."""

    def __init__(self):
        self.holes, self.size = [], 0  # holes: sorted, disjoint [start, stop) below `size`

    def take(self, length):
        """The start of the smallest hole that fits, or of new space at the end."""
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

    def give(self, start, length):
        """Take the range back, and join it with the holes beside it."""
        if length == 0:
            return
        stop = start + length
        for hole in [hole for hole in self.holes if hole[1] == start or hole[0] == stop]:
            self.holes.remove(hole)
            start, stop = min(start, hole[0]), max(stop, hole[1])
        insort(self.holes, (start, stop))
