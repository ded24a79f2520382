"""Axes as PyTorch counts them, and as those of one image."""

from typing import Any

from ....nodes.refused import Refused
from ..tensors import shape_of

__all__ = ["axes_of", "axis_of", "listed"]


def axis_of(x: Any, dim: Any) -> int:
    """The axis of one image."""
    return axes_of(x, (dim,))[0]


def axes_of(x: Any, dims: Any) -> list[int]:
    """The axes of one image; Refused for that of the images."""
    rank = len(shape_of(x)) + 1
    if not all(isinstance(dim, int) and -rank <= dim < rank for dim in dims):
        raise Refused(f"its dims {tuple(dims)} must be those of {rank} axes")
    found = [dim % rank - 1 for dim in dims]
    if -1 in found:
        raise Refused(f"its dims {tuple(dims)} hold that of the images, which it would mix")
    return found


def listed(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Integers that were given one by one, or as one list."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], list | tuple) else given
