"""Memory that two arrays share, or that one array reaches twice."""

import numpy as np

from ..kernels.runtime.calls import overlap
from ..typing import Array


def apart(out: Array, x: Array, name: str, same: bool) -> None:
    """ValueError where `out` and an input overlap; with `same` they may be the very same memory."""
    if (
        overlap(out, x)
        and np.may_share_memory(out, x)
        and np.shares_memory(out, x)
        and not (same and same_memory(out, x))
    ):
        raise ValueError(f"out must not share memory with {name}")


def overlaps_itself(x: Array) -> bool:
    """Whether two different indices reach the same element."""
    if x.flags.c_contiguous:
        return False
    axes = sorted((abs(stride), extent) for stride, extent in zip(x.strides, x.shape, strict=True) if extent > 1)
    reach = x.itemsize
    for stride, extent in axes:  # sufficient for every view made by slicing and transposing
        if stride < reach:
            return x.size > 0
        reach = stride * (extent - 1) + reach
    return False


def same_memory(a: Array, b: Array) -> bool:
    """Whether `a` is `b`, element for element, but for leading axes that `b` alone has."""
    return (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and (a.shape == b.shape[-a.ndim :] if a.ndim else True)
        and a.strides == b.strides[b.ndim - a.ndim :]
    )
