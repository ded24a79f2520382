"""Memory: where the unit stride of an array is, new arrays in a layout, and copies of any strides."""

import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import kernels
from ..kernels.runtime.calls import LINE, SMALL
from ..typing import Array

PLANAR, CHANNELS_LAST = "planar", "channels_last"
MOST_PARTS = 64  # of an array of more than four dimensions, each copied by one call of the kernel
PATTERNS: dict[int, Any] = {4: np.dtype("float32"), 8: np.dtype("float64")}  # by bytes of a value


def with_unit_axis(x: Array) -> Array:
    """`x`, copied if neither its W nor its C axis has unit stride, or if its pixels follow each other along H."""
    if not has_unit_axis(x):
        return copied(x)
    return copied(x, CHANNELS_LAST) if in_columns(x) else x


def in_columns(x: Array) -> bool:
    """Whether the pixels of a channels-last array follow each other along H."""
    if x.strides[3] == x.itemsize or x.shape[1] == 1 or x.shape[2] == 1 or x.shape[3] == 1:
        return False
    return abs(x.strides[3]) > abs(x.strides[2])


def has_unit_axis(x: Array) -> bool:
    """Whether the W or the C axis of a four-dimensional array has unit stride."""
    one = x.itemsize
    return x.flags.c_contiguous or x.strides[3] == one or x.strides[1] == one


def runs_along(x: Array, axis: int) -> bool:
    """Whether neighbours along this axis, if there are any, lie side by side in memory."""
    return x.strides[axis] == x.itemsize or x.shape[axis] == 1


def in_planes(x: Array) -> bool:
    """Whether each row of a plane, along W, is one run of memory."""
    return runs_along(x, 3)


def channels_together(x: Array) -> bool:
    """Whether the channels of each pixel are one run of memory."""
    return runs_along(x, 1)


def layout_of(x: Array) -> str:
    """Where the unit stride of a four-dimensional array is: along W ("planar") or along C ("channels_last")."""
    if x.flags.c_contiguous or x.strides[1] != x.itemsize:
        return PLANAR
    if x.strides[3] == x.itemsize and x.shape[3] > 1:
        return PLANAR
    return CHANNELS_LAST


def size(shape: Sequence[int], dtype: DTypeLike) -> int:
    """Bytes of an array; ValueError where they overflow."""
    nbytes = prod(shape) * np.dtype(dtype).itemsize
    if nbytes > sys.maxsize:
        raise ValueError(f"an array of shape {tuple(shape)} and dtype {np.dtype(dtype)} is too large for this machine")
    return nbytes


def empty(shape: Sequence[int], dtype: DTypeLike, layout: str | None = None) -> Array:
    """A new array; four-dimensional shapes may be asked for in channels-last memory.

    Large ones start on a cache line, so that no vector crosses two.
    """
    nbytes = size(shape, dtype)
    if layout == CHANNELS_LAST:
        n, c, h, w = shape
        return empty((n, h, w, c), dtype).transpose(0, 3, 1, 2)
    return np.empty(shape, dtype) if nbytes < SMALL else on_a_line(nbytes, shape, dtype)


def on_a_line(nbytes: int, shape: Sequence[int], dtype: DTypeLike) -> Array:
    """A new array that starts on a cache line."""
    return aligned(nbytes).view(dtype).reshape(shape)


def aligned(nbytes: int, new: Callable[..., Array] = np.empty) -> Array:
    """New bytes that start on a cache line."""
    raw = new(nbytes + LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE
    place: Array = raw[start : start + nbytes]
    return place


# ---------------------------------------------------------------- copies of any strides, at the speed of memory


def copied(x: Array, layout: str | None = None) -> Array:
    """A copy of `x` in C order, or in this layout."""
    y = empty(x.shape, x.dtype, layout)
    assign(y, x)
    return y


def assign(y: Array, x: Array) -> None:
    """y = x, of one shape and dtype, for any strides; they share no memory."""
    if not y.size:
        return
    if not movable(x, y):
        np.copyto(y, x)
        return
    dtype = PATTERNS[y.itemsize]
    copy = kernels.load(dtype).layout.copies.copy
    for source, target in zip(four_axes(x.view(dtype)), four_axes(y.view(dtype)), strict=True):
        copy(source, target)


def movable(x: Array, y: Array) -> bool:
    """Whether the kernel moves such values between such addresses."""
    if x.dtype != y.dtype or y.itemsize not in PATTERNS or prod(y.shape[:-4]) > MOST_PARTS:
        return False
    return all(a.flags.aligned and not any(s % a.itemsize for s in a.strides) for a in (x, y))


def four_axes(a: Array) -> list[Array]:
    """Views of four dimensions that together are `a`."""
    if a.ndim <= 4:
        return [a[(None,) * (4 - a.ndim)]]
    return [a[at] for at in np.ndindex(a.shape[:-4])]
