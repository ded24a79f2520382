"""Memory: where the unit stride of an array is, new arrays in a layout, and copies of any strides."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import kernels
from ..kernels.runtime.calls import (
    CHANNELS_LAST,
    LINE,
    PLANAR,
    channels_together,
    empty,
    in_four_axes,
    in_planes,
    is_batch,
    layout_of,
    size,
)
from ..typing import Array, Call

__all__ = [
    "CHANNELS_LAST",
    "PLANAR",
    "aligned",
    "assign",
    "assign_calls",
    "channels_together",
    "copied",
    "empty",
    "has_unit_axis",
    "in_planes",
    "is_batch",
    "layout_of",
    "near_layout",
    "on_a_line",
    "size",
    "with_unit_axis",
]

MOST_PARTS = 64  # of an array of more than four dimensions, each copied by one call of the kernel
PATTERNS: dict[int, Any] = {4: np.dtype("float32"), 8: np.dtype("float64")}  # by bytes of a value


def with_unit_axis(x: Array) -> Array:
    """`x`, copied if neither its W nor its C axis has unit stride, or if its pixels follow each other along H."""
    return x if is_batch(x) else copied(x, near_layout(x))


def near_layout(x: Array) -> str:
    """The layout of a copy of images."""
    return CHANNELS_LAST if has_unit_axis(x) else PLANAR


def has_unit_axis(x: Array) -> bool:
    """Whether the W or the C axis of a four-dimensional array has unit stride."""
    return x.flags.c_contiguous or x.strides[3] == x.itemsize or x.strides[1] == x.itemsize


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
    for call in assign_calls(y, x):
        call()


def assign_calls(y: Array, x: Array, whole: int = 0) -> list[Call]:
    """The prepared calls of y = x; `whole`: the values of an array of which x is a part."""
    if not y.size:
        return []
    if not movable(x, y):
        return [partial(np.copyto, y, x)]
    dtype = PATTERNS[y.itemsize]
    copy = kernels.load(dtype).layout.copies.copy
    views = zip(four_axes(x.view(dtype)), four_axes(y.view(dtype)), strict=True)
    return [partial(copy, *pair, whole) if whole else partial(copy, *pair) for pair in views]


def movable(x: Array, y: Array) -> bool:
    """Whether the kernel moves such values between such addresses."""
    if x.dtype != y.dtype or y.itemsize not in PATTERNS or prod(y.shape[:-4]) > MOST_PARTS:
        return False
    return all(a.flags.aligned and not any(s % a.itemsize for s in a.strides) for a in (x, y))


def four_axes(a: Array) -> list[Array]:
    """Views of four dimensions that together are `a`."""
    if a.ndim <= 4:
        return [in_four_axes(a)]
    return [a[at] for at in np.ndindex(a.shape[:-4])]
