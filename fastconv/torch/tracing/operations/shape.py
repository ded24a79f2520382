"""Shapes: reshapes and transpositions are gathered (`nodes.arranged`) until something reads the values."""

from collections.abc import Callable
from math import prod
from typing import Any

import torch

from ....nodes.arranged import Arranged, without_batch
from ....nodes.broadcast import expanded
from ....nodes.refused import BATCH, Refused
from ..tensors import arranged_of, node_of, shape_of
from .activation import pointwise
from .axes import axes_of, axis_of, listed

__all__ = ["TABLE"]


def reshape(trace: Any, x: Any, *shape: Any, size: Any = None) -> Arranged:
    """`reshape` and `view`"""
    wanted = listed(shape if size is None else (size,))
    if not all(isinstance(n, int) for n in wanted):
        raise Refused("its shape must be integers")
    value = arranged_of(x)
    return value.reshaped(without_batch(value.shape, wanted, {BATCH}))


def flatten(trace: Any, x: Any, start_dim: int = 0, end_dim: int = -1) -> Arranged:
    """Some axes as one."""
    value = arranged_of(x)
    first, last = (axis_of(x, dim) for dim in (start_dim, end_dim))
    return value.reshaped((*value.shape[:first], prod(value.shape[first : last + 1]), *value.shape[last + 1 :]))


def unflatten(trace: Any, x: Any, dim: int, sizes: Any) -> Arranged:
    """One axis as some."""
    shape, axis = shape_of(x), axis_of(x, dim)
    return reshape(trace, x, (BATCH, *shape[:axis], *sizes, *shape[axis + 1 :]))


def permute(trace: Any, x: Any, *dims: Any) -> Arranged:
    """The axes in another order."""
    order = listed(dims)
    if not order or order[0] not in (0, -x.dim()) or len(order) != x.dim():
        raise Refused(f"its dims {order} must begin with that of the images, and hold all")
    return moved(x, axes_of(x, order[1:]))


def transpose(trace: Any, x: Any, dim0: int, dim1: int) -> Arranged:
    """Two axes exchanged."""
    a, b = axes_of(x, (dim0, dim1))
    order = list(range(len(shape_of(x))))
    order[a], order[b] = b, a
    return moved(x, order)


def moved(x: Any, order: list[int]) -> Arranged:
    """The axes of one image in this order."""
    found = arranged_of(x).transposed(order)
    if found is None:
        raise Refused(f"the order {order} parts axes that were joined")
    return found


def squeeze(trace: Any, x: Any, dim: Any = None) -> Arranged:
    """Without axes of extent 1."""
    value = arranged_of(x)
    dims = range(1, x.dim()) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    gone = {axis for axis in axes_of(x, dims) if value.shape[axis] == 1}
    return value.reshaped(tuple(n for axis, n in enumerate(value.shape) if axis not in gone))


def unsqueeze(trace: Any, x: Any, dim: int) -> Arranged:
    """With one more axis."""
    value = arranged_of(x)
    place = dim % (len(value.shape) + 2) - 1
    if place < 0:
        raise Refused("puts an axis before that of the images")
    return value.reshaped((*value.shape[:place], 1, *value.shape[place:]))


def expand(trace: Any, x: Any, *sizes: Any) -> Any:
    """Axes of extent 1 repeated."""
    wanted, shape = listed(sizes), shape_of(x)
    if len(wanted) != len(shape) + 1 or wanted[0] not in (BATCH, -1):
        raise Refused(f"its sizes {wanted} must begin with the number of images, and be one for each axis")
    return expanded(node_of(x), tuple(old if n == -1 else n for n, old in zip(wanted[1:], shape, strict=True)))


def shuffled(trace: Any, x: Any, groups: int) -> Arranged:
    """`channel_shuffle`"""
    channels, *rest = shape_of(x)
    value = arranged_of(x).reshaped((groups, channels // groups, *rest))
    found = value.transposed([1, 0, *range(2, len(rest) + 2)])
    if channels % groups or found is None:
        raise Refused(f"its groups={groups} must divide the channels, {channels}")
    return found.reshaped((channels, *rest))


def same(trace: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Other memory, or a conversion that changes nothing."""
    for given in (*args, *kwargs.values()):
        dtype = given if isinstance(given, torch.dtype) else getattr(given, "dtype", trace.dtype)
        elsewhere = isinstance(given, str | torch.device) and str(given) != "cpu"
        if dtype is not trace.dtype or elsewhere:
            raise Refused(f"makes {given} of {trace.dtype} on the processor")
    return pointwise(x, lambda node: node)


def of_dtype(dtype: Any) -> Callable[..., Any]:
    """`float` and `double`"""
    return lambda trace, x, **options: same(trace, x, dtype)


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("reshape", "view"), reshape),
    **dict.fromkeys(("reshape_as", "view_as"), lambda trace, x, other: reshape(trace, x, tuple(other.shape))),
    "flatten": flatten,
    "unflatten": unflatten,
    "permute": permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), transpose),
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "expand": expand,
    "expand_as": lambda trace, x, other: expand(trace, x, tuple(other.shape)),
    "channel_shuffle": shuffled,
    **dict.fromkeys(("contiguous", "clone"), lambda trace, x, **options: pointwise(x, lambda node: node)),
    **dict.fromkeys(("to", "type_as"), same),
    "float": of_dtype(torch.float32),
    "double": of_dtype(torch.float64),
}
