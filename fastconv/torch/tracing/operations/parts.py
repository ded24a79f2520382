"""Values put together and taken apart: `cat`, `split`, `chunk`, and indices in brackets."""

from collections.abc import Callable
from typing import Any

import torch

from ....nodes.arranged import Arranged, arranged, without_axis
from ....nodes.parts import cut, joined, picked, taken_apart
from ....nodes.refused import BATCH, Refused
from ..tensors import arranged_of, node_of, shape_of
from .axes import axis_of

__all__ = ["TABLE"]


def cat(trace: Any, tensors: Any, dim: int = 0) -> Any:
    """All along one axis."""
    axis = axis_of(next(iter(tensors)), dim)
    return joined([node_of(x) for x in tensors], axis)


def stack(trace: Any, tensors: Any, dim: int = 0) -> Any:
    """All along a new axis before the channels."""
    shape = shape_of(tensors[0])
    if dim % (len(shape) + 2) != 1 or any(shape_of(x) != shape for x in tensors):
        raise Refused(f"its dim must be 1 and its inputs alike, got dim {dim}")
    return arranged(joined([node_of(x) for x in tensors], 0)).reshaped((len(tensors), *shape))


def split(trace: Any, x: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Parts of one size, or of these sizes."""
    node, axis, sizes = node_of(x), axis_of(x, dim), split_size_or_sections
    if isinstance(sizes, int):
        extent = node.shape[axis]
        sizes = [min(sizes, extent - first) for first in range(0, extent, sizes)]
    return tuple(taken_apart(node, axis, sizes))


def chunk(trace: Any, x: Any, chunks: int, dim: int = 0) -> Any:
    """So many parts, or fewer, of one size."""
    extent = shape_of(x)[axis_of(x, dim)]
    return split(trace, x, -(-extent // chunks), dim)


def unbind(trace: Any, x: Any, dim: int = 0) -> Any:
    """Each part of extent 1, without this axis."""
    axis = axis_of(x, dim)
    return tuple(without_axis(arranged(part), axis) for part in split(trace, x, 1, dim))


def narrow(trace: Any, x: Any, dim: int, start: int, length: int) -> Any:
    """A part of an axis."""
    return cut(node_of(x), axis_of(x, dim), slice(start, start + length))


def select(trace: Any, x: Any, dim: int, index: int) -> Any:
    """One place of an axis, without this axis."""
    return at(x, axis_of(x, dim), index)


def at(x: Any, axis: int, index: int) -> Arranged:
    """One place of an axis of one image, without this axis."""
    return without_axis(arranged(picked(node_of(x), axis, [index])), axis)


def index_select(trace: Any, x: Any, dim: int, index: Any) -> Any:
    """Places of an axis in this order."""
    return picked(node_of(x), axis_of(x, dim), index.tolist())


def flip(trace: Any, x: Any, dims: Any, *more: int) -> Any:
    """An axis in the opposite order."""
    node = node_of(x)
    for dim in (*(dims if isinstance(dims, list | tuple) else (dims,)), *more):
        axis = axis_of(x, dim)
        node = picked(node, axis, range(node.shape[axis] - 1, -1, -1))
    return node


def indexed(trace: Any, x: Any, index: Any) -> Any:
    """x[index]: slices, integers, None, ... and one list of places for an axis."""
    first, *parts = filled(index if isinstance(index, tuple) else (index,), x.dim())
    if not isinstance(first, slice) or first.indices(BATCH) != (0, BATCH, 1):
        raise Refused("takes images out of a batch")
    value: Any = x.value
    arranged_of(x)
    axis = 0
    for part in parts:
        if part is not None:
            if part != slice(None):
                value = taken(trace.wrapped(value, []), axis, part)
            axis += not isinstance(part, int)
    kept = [part for part in parts if not isinstance(part, int)]
    if any(part is None for part in kept):
        rest = iter(arranged(value).shape)
        value = arranged(value).reshaped(tuple(1 if part is None else next(rest) for part in kept))
    return value


def filled(parts: tuple[Any, ...], rank: int) -> list[Any]:
    """One index for each axis, where ... stands for those that are not written, and None for new ones."""
    given = sum(part is not None and part is not Ellipsis for part in parts)
    found = list(parts) if any(part is Ellipsis for part in parts) else [*parts, Ellipsis]
    place = next(i for i, part in enumerate(found) if part is Ellipsis)
    return [*found[:place], *[slice(None)] * (rank - given), *found[place + 1 :]]


def taken(x: Any, axis: int, part: Any) -> Any:
    """What one index takes of an axis."""
    if isinstance(part, slice):
        return cut(node_of(x), axis, part)
    if isinstance(part, int):
        return at(x, axis, part)
    if isinstance(part, torch.Tensor) and part.dim() == 1 and part.dtype is torch.int64:
        part = part.tolist()
    if isinstance(part, list) and all(type(n) is int for n in part):
        return picked(node_of(x), axis, part)
    raise Refused(f"an index must be a slice, an integer or a list of integers, got {type(part).__name__}")


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("cat", "concat", "concatenate"), cat),
    "stack": stack,
    **dict.fromkeys(("split", "split_with_sizes"), split),
    "chunk": chunk,
    "unbind": unbind,
    "narrow": narrow,
    "select": select,
    "index_select": index_select,
    "flip": flip,
    "__getitem__": indexed,
}
