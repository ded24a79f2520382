"""Numbers as people read them."""

import math
from typing import Any

from ..system.words import counted

__all__ = ["bytes_of", "counted", "number", "percent", "size"]


def percent(share: Any, digits: int = 2) -> str:
    """A share from 0 to 1 in percent; a dash where there is none."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def number(value: Any) -> str:
    """A number with four digits; a dash for None."""
    return "–" if value is None else f"{value:.4g}"


def size(shape: Any) -> str:
    """``3 × 32 × 32``."""
    return " × ".join(map(str, shape))


def bytes_of(count: float) -> str:
    """``12.1 MB``."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
