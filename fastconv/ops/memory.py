"""Memory: where the unit stride of an array is, and new arrays in a layout."""

import sys
from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array

PLANAR, CHANNELS_LAST = "planar", "channels_last"
LINE = 64  # bytes of a cache line, and of the widest vector
SMALL = 1 << 16  # bytes of an array for which starting on a line costs more time than it saves


def with_unit_axis(x: Array) -> Array:
    """`x`, copied only if neither its W nor its C axis has unit stride."""
    return x if has_unit_axis(x) else np.ascontiguousarray(x)


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
