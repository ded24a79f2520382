"""Numbers of 16 bits for the gradients that are sent: half the bytes, with the error of rounding.

    float16     11 bits of precision: relative error 2^-11 for 6e-5 <= |g| <= 65504, absolute error 3e-8 below
    bfloat16    8 bits of precision: relative error 2^-8 for all magnitudes of float32

Each sum of two numbers is rounded again: over R ranks some log2 R times along a tree, and once when it is sent.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..typing import Array

__all__ = ["WIRES", "packed", "summed", "unpacked"]

WIRES = ("float16", "bfloat16")


def packed(values: Array, wire: str) -> Array:
    """The values as uint16: the bits of a float16, or the upper half of a float32, rounded to even."""
    if wire == "float16":
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return values.astype(np.float16).view(np.uint16)
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)
    nan = np.isnan(values)
    if nan.any():
        rounded[nan] = 0x7FC0
    return rounded


def unpacked(halves: Array, wire: str, out: Array) -> None:
    """out = the values."""
    if wire == "float16":
        np.copyto(out, halves.view(np.float16))
    else:
        np.copyto(out, (halves.astype(np.uint32) << np.uint32(16)).view(np.float32))


def summed(wire: str) -> Callable[[Any, Any, Any], None]:
    """The function that MPI calls to add such numbers: b = a + b."""

    def add(a: Any, b: Any, datatype: Any) -> None:
        """Add in float32, and round."""
        x, y = (np.frombuffer(buffer, np.uint16) for buffer in (a, b))
        total, more = np.empty(len(x), np.float32), np.empty(len(x), np.float32)
        unpacked(x, wire, total)
        unpacked(y, wire, more)
        total += more
        y[:] = packed(total, wire)

    return add
