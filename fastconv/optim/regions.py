"""The memory of an array: its region, which regions overlap, who owns the memory, and the order of its elements."""

import mmap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..typing import Array, Shape


class Region(NamedTuple):
    """The bytes from `start` to `stop`, and (extent, stride) of the axes, with contiguous axes joined.

    All views with the same elements have the same region, whatever their shapes, orders of axes and signs of strides.
    """

    start: int
    stop: int
    dims: tuple[tuple[int, int], ...]
    dtype: np.dtype[Any]

    @property
    def __array_interface__(self) -> dict[str, object]:
        """What makes `numpy.asarray(region)` a view of the memory."""
        shape, strides = (tuple(dim[i] for dim in self.dims) for i in (0, 1))
        return {
            "version": 3,
            "typestr": self.dtype.str,
            "data": (self.start, True),
            "shape": shape,
            "strides": strides,
        }

    def dense(self) -> bool:
        """Whether every byte from `start` to `stop` belongs to an element."""
        return not self.dims or (len(self.dims) == 1 and self.dims[0][1] == self.dtype.itemsize)

    def meets(self, other: "Region") -> bool:
        """Whether two regions share bytes of an element, given that their ranges from start to stop overlap."""
        return (self.dense() and other.dense()) or np.shares_memory(np.asarray(self), np.asarray(other))


def region(a: Array) -> Region:
    """The region of an array that is not empty."""
    start = a.__array_interface__["data"][0]
    if a.flags.c_contiguous:
        return Region(start, start + a.nbytes, ((a.size, a.itemsize),) if a.size > 1 else (), a.dtype)
    axes = [(extent, stride) for extent, stride in zip(a.shape, a.strides, strict=True) if extent > 1]
    start += sum((extent - 1) * stride for extent, stride in axes if stride < 0)
    dims: list[tuple[int, int]] = []
    for stride, extent in sorted(((abs(stride), extent) for extent, stride in axes), reverse=True):
        if dims and dims[-1][1] == extent * stride:
            dims[-1] = (dims[-1][0] * extent, stride)
        else:
            dims.append((extent, stride))
    stop = start + sum((extent - 1) * stride for extent, stride in dims) + a.itemsize
    return Region(start, stop, tuple(dims), a.dtype)


def overlaps(regions: Sequence[Region]) -> Iterator[tuple[int, int]]:
    """Pairs (i, j) of regions that share memory."""
    order = sorted(range(len(regions)), key=lambda i: regions[i].start)
    for at, i in enumerate(order):
        stop = regions[i].stop
        for j in order[at + 1 :]:
            if regions[j].start >= stop:
                break
            if regions[i].meets(regions[j]):
                yield i, j


def owner(a: Array) -> Any:
    """The object that owns the memory of an array, for a weak reference; the array itself if the owner is unknown."""
    base: Any = a
    while (below := base.obj if isinstance(base, memoryview) else getattr(base, "base", None)) is not None:
        base = below
    known = base.flags.owndata if isinstance(base, np.ndarray) else isinstance(base, mmap.mmap)
    return base if known else a


class Order:
    """The order of elements in memory, from the strides: which axes are flipped, and the axes by decreasing stride."""

    def __init__(self, strides: Shape) -> None:
        self.flips: tuple[Any, ...] = (*(slice(None, None, -1 if stride < 0 else 1) for stride in strides), ...)
        self.axes = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))

    def of(self, a: Array) -> Array:
        """A view of `a` in this order; contiguous in C order if `a` has the strides of this order and no gaps."""
        view: Array = a[self.flips].transpose(self.axes)
        return view

    def undone(self, a: Array) -> Array:
        """The inverse of `of`: the view whose view in this order is `a`."""
        view: Array = a.transpose(sorted(range(a.ndim), key=self.axes.__getitem__))[self.flips]
        return view
