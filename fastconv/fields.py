"""Batches of several arrays as one: an array of NumPy with a field for each input or output of a network.

A network of one input has an `input_shape` such as (3, 32, 32); of several, a dict name -> shape, or a tuple of shapes,
whose names are then "0", "1", ... Outputs likewise. A batch of several is an array (N,) with these names as fields, so
that it can be sliced, indexed and shuffled as every other.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from .ops import check
from .typing import Array, Shape

Shapes: TypeAlias = Shape | dict[str, Shape] | tuple[Shape, ...]  # of one array, or of several
T = TypeVar("T")


def several(shape: Any) -> dict[str, Any] | None:
    """name -> shape of several arrays; None for the shape of one. Values other than shapes go the same way."""
    if isinstance(shape, dict):
        return shape
    if isinstance(shape, tuple | list) and shape and not isinstance(shape[0], int | np.integer):
        return {str(i): each for i, each in enumerate(shape)}
    return None


def structured(like: Any, values: Iterable[T]) -> dict[str, T] | tuple[T, ...]:
    """The values as a dict with the names of `like`, or as a tuple if it is one."""
    return dict(zip(like, values, strict=True)) if isinstance(like, dict) else tuple(values)


def for_each(shape: Any, change: Callable[[Any], Any]) -> Any:
    """``change(shape)`` of one array; of several a dict or tuple of these. Values other than shapes go the same way."""
    found = several(shape)
    return change(shape) if found is None else structured(shape, map(change, found.values()))


def batch_shape(n: int, shape: Any) -> Any:
    """The shape of `n` of these: of one array, or of each of several."""
    return for_each(shape, lambda each: (n, *each))


def empty(n: int, shape: Any, dtype: DTypeLike) -> Array:
    """A new array for `n` of these."""
    found = several(shape)
    return np.empty((n, *shape), dtype) if found is None else np.empty(n, dtype_of(found, dtype))


def dtype_of(shapes: Mapping[str, Shape], dtype: DTypeLike) -> np.dtype[Any]:
    """With a field of `dtype` for each of several arrays."""
    return np.dtype([(name, np.dtype(dtype), shape) for name, shape in shapes.items()])


def unpacked(batch: Array, shape: Any) -> Any:
    """The arrays of a batch, each by itself in C order; one array stays."""
    found = several(shape)
    return batch if found is None else structured(shape, (np.ascontiguousarray(batch[name]) for name in found))


def packed(values: Any, shape: Any, name: str) -> Any:
    """Arrays of several as one batch, with the dtypes that they have; what belongs to one array stays as it is."""
    found = several(shape)
    if found is None or values is None or is_packed(values, found):
        return values
    parts = {key: check.given(value, f"{name}[{key!r}]") for key, value in named(values, shape, name).items()}
    return joined(parts, name)


def is_packed(values: Any, names: Iterable[str]) -> bool:
    """Whether this is a batch with these fields."""
    return isinstance(values, np.ndarray) and values.dtype.names == tuple(names)


def joined(parts: Mapping[str, Array], name: str) -> Array:
    """Arrays of one length as the fields of one."""
    lengths = {key: len(array) if array.ndim else None for key, array in parts.items()}
    if None in lengths.values() or len({*lengths.values()}) > 1:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in parts.items())
        raise ValueError(f"{name} must be arrays with one row for each image, got {shapes}")
    made = np.empty(len(next(iter(parts.values()))), [(key, a.dtype, a.shape[1:]) for key, a in parts.items()])
    for key, array in parts.items():
        made[key] = array
    return made


def named(values: Any, shape: Any, name: str) -> dict[str, Any]:
    """key -> value, as given in a dict, a tuple or a list; TypeError or ValueError if they are not those of `shape`."""
    keys = list(several(shape) or ())
    if isinstance(shape, dict):
        rule = f"{name} must be a dict with {', '.join(map(repr, keys))}"
        if not isinstance(values, Mapping):
            raise TypeError(f"{rule}, got {check.described(values)}")
        if {*values} != {*keys}:
            raise ValueError(f"{rule}, got {', '.join(map(repr, values))}")
        return {key: values[key] for key in keys}
    if not isinstance(values, tuple | list):
        raise TypeError(f"{name} must be a tuple of {len(keys)} arrays, got {check.described(values)}")
    if len(values) != len(keys):
        raise ValueError(f"{name} must be a tuple of {len(keys)} arrays, got {len(values)}")
    return dict(zip(keys, values, strict=True))
