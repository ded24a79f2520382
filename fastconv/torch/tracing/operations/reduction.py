"""Means, sums, largest and smallest values over axes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ....nodes.reduction import Reduction, largest, mean, reduced, smallest, total
from ....nodes.refused import Refused
from ..tensors import Lost, arranged_of, is_traced, new
from .axes import axes_of

__all__ = ["TABLE"]


def over(reduction: Reduction, trace: Any, x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The reduction over these dims."""
    if dtype not in (None, trace.dtype):
        raise Refused(f"its dtype {dtype} is not that of the images")
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    if not dims or dims == (None,):
        raise Refused("without dims it mixes the images of a batch")
    return reduced(arranged_of(x), axes_of(x, dims), keepdim, reduction)


def extreme(reduction: Reduction, trace: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """`max` and `min` along a dim; their places are not computed."""
    if is_traced(dim) or not isinstance(dim, int):
        raise Refused("needs one dim")
    values = trace.wrapped(over(reduction, trace, x, dim, keepdim), [])
    places = new(Lost(tuple(values.shape), "the places of the largest values are not computed"), torch.int64)
    kind = torch.return_types.max if reduction is largest else torch.return_types.min
    return kind((values, places))


TABLE: dict[str, Callable[..., Any]] = {
    "mean": partial(over, mean),
    "sum": partial(over, total),
    "amax": partial(over, largest),
    "amin": partial(over, smallest),
    "max": partial(extreme, largest),
    "min": partial(extreme, smallest),
}
