"""Memory that lives long, on large pages: one entry of the processor's page table covers 2 MB of it, not 4 KB.

On small pages a pass over tens of megabytes takes 1.2 to 1.7 times as long, for it waits for the page table.
"""

import mmap
from contextlib import suppress
from typing import Any

import numpy as np

from ..typing import Array
from . import check

PAGE = 2 << 20
LARGE = PAGE // 2  # bytes: from here on a large page is at least half full
ADVICE = getattr(mmap, "MADV_HUGEPAGE", None)  # Linux


def zeros(nbytes: int) -> Array:
    """Zeros that start on a cache line; on large pages if they are many and the system has such pages."""
    if ADVICE is None or nbytes < LARGE:
        return check.aligned(nbytes, np.zeros)
    try:
        region = mmap.mmap(-1, nbytes + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError) as error:
        raise MemoryError(f"no room for {nbytes} bytes") from error
    with suppress(OSError):  # a system without large pages
        region.madvise(ADVICE)
    raw = np.frombuffer(region, np.uint8)
    start = -raw.__array_interface__["data"][0] % PAGE
    place: Array = raw[start : start + nbytes]
    return place


class Shelf:
    """Copies of arrays side by side, `nbytes` of them expected in all: small arrays, too, lie on large pages."""

    def __init__(self, nbytes: int) -> None:
        self.board = min(nbytes, 2 * PAGE)
        self.left = zeros(0)

    def keep(self, array: Any) -> Any:  # None for None
        """A copy, in C order."""
        if array is None:
            return None
        length = -(-array.nbytes // check.LINE) * check.LINE
        if length > len(self.left):
            self.left = zeros(max(length, self.board))
        place, self.left = self.left[: array.nbytes], self.left[length:]
        copy = place.view(array.dtype).reshape(array.shape)
        copy[...] = array
        return copy
