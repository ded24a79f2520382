"""Values as short text: few of them whole, many as the first and last with the smallest, largest and mean."""

import numpy as np

from ..typing import Array

__all__ = ["head_and_tail", "one", "shape_of", "statistics"]

SIGNIFICANT = 4  # digits


def one(value: float) -> str:
    """One value with four digits, and a true minus."""
    return f"{value:.{SIGNIFICANT}g}".replace("-", "−")


def shape_of(values: Array) -> str:
    """``6 × 24 × 24``; a number alone is ``1 number``."""
    return " × ".join(map(str, values.shape)) or "1 number"


def is_short(values: Array, count: int) -> bool:
    """Whether an array is shown whole: up to twice the values that are shown of a long one."""
    return values.size <= 2 * count


def head_and_tail(values: Array, count: int) -> str:
    """All values where they are few, else the first and the last."""
    flat = values.ravel()
    if is_short(values, count):
        return "  ".join(map(one, flat))
    first = (count + 1) // 2
    last = flat[flat.size - (count - first) :]
    return "  ".join([*map(one, flat[:first]), "…", *map(one, last)])


def statistics(values: Array, count: int) -> str:
    """Smallest, largest and mean, where not all values are shown; else ''."""
    if is_short(values, count):
        return ""
    least, most, mean = (one(float(f(values))) for f in (np.min, np.max, np.mean))
    return f"from {least} to {most}, mean {mean}"
