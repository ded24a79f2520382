"""Where arrays live: places inside one arena, the allocator of those places, and named views of one flat vector."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array
from . import huge_pages
from .check import LINE


def aligned(size: int, dtype: DTypeLike = "uint8") -> Array:
    """A new one-dimensional array of zeros that starts on a cache line, on large pages where it is large."""
    dtype = np.dtype(dtype)
    return huge_pages.zeros(size * dtype.itemsize).view(dtype)


def nbytes(shape: Sequence[int], dtype: DTypeLike) -> int:
    """Whole cache lines for an array of this shape."""
    return -(-prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE
