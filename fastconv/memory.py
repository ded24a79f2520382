"""Where arrays live: places inside one arena, the allocator of those places, and named views of one flat vector."""

from bisect import insort
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import numpy as np

from .ops import check, pages
from .ops.check import LINE


def aligned(size, dtype="uint8"):
    """A new one-dimensional array of zeros that starts on a cache line, on large pages where it is large."""
    dtype = np.dtype(dtype)
    return pages.zeros(size * dtype.itemsize).view(dtype)


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
        """The same bytes, in their order, with another shape; None where they do not lie in C order."""
        if self.shape == shape:
            return self
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


def nbytes(shape, dtype):
    """Whole cache lines for an array of this shape."""
    return -(-prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE


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


class Named(Mapping):
    """Name -> live array; assigning writes into the array."""

    def __init__(self, arrays):
        self._arrays = dict(arrays)

    def __getitem__(self, name):
        return self._arrays[name]

    def __setitem__(self, name, value):
        array = self._arrays[name]
        if value is not array:  # not what `arrays[name] += 1` hands back
            check.shape_is(np.asarray(value), name, array.shape, "the shape of the array it is written into")
            array[...] = value

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __repr__(self):
        entries = (f"{name!r}: {array.shape} {array.dtype}" for name, array in self.items())
        return f"<{', '.join(entries)}>"


class Arrays(Named):
    """Arrays of one dtype that are views of one flat vector (gaps of less than a cache line hold zeros)."""

    def __init__(self, shapes, dtype):
        starts, total = {}, 0
        for name, shape in shapes.items():
            starts[name] = total
            total += nbytes(shape, dtype) // np.dtype(dtype).itemsize
        self.flat = aligned(total, dtype)
        self._shapes, self.starts = dict(shapes), starts  # name -> first element in `flat`
        super().__init__(
            {name: self.flat[starts[name] : starts[name] + prod(s)].reshape(s) for name, s in shapes.items()}
        )

    def like(self):
        """Zeros of the same names, shapes and dtype."""
        return Arrays(self._shapes, self.flat.dtype)

    def copy(self):
        """The caller's own copy."""
        new = self.like()
        np.copyto(new.flat, self.flat)
        return new
