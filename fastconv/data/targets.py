"""Targets and indices of data sets: their checks, and class indices from names of classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..typing import Array

__all__ = ["checked_classes", "checked_indices", "checked_targets"]


def checked_targets(targets: Any, count: int, classes: Any = None) -> tuple[Array, tuple[str, ...] | None]:
    """Targets (N, ...) for `count` images, and the names of the classes, if there are any.

    Names of classes become class indices in alphabetical order, or in the order of `classes`; integers become int64.
    """
    array, names = np.asanyarray(targets), checked_classes(classes)
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("targets must not be masked; leave out those that are")
    if array.ndim == 0 or len(array) != count:
        raise ValueError(f"targets must be one for each image, {count}, got {array.shape[:1] or 'a single value'}")
    if array.dtype.kind == "O":
        texts = all(isinstance(value, str) for value in array.flat)
        if not texts or array.ndim != 1:
            raise TypeError("targets must be numbers, or all names of classes, got a mixture")
    if array.dtype.kind in "OU":
        return numbered(array, names)
    if array.dtype.kind not in "buif":
        raise TypeError(f"targets must be integers, floating-point numbers or names of classes, got {array.dtype}")
    if array.dtype.kind == "f":
        return array, names
    if array.ndim == 2 and array.shape[1] == 1:
        raise ValueError(f"targets of class indices must have the shape (N,), got {array.shape}; write targets[:, 0]")
    array = array.astype(np.int64)
    if array.ndim == 1:
        check_range(array, names)
    return array, names


def check_range(labels: Array, classes: tuple[str, ...] | None) -> None:
    """ValueError unless these can be class indices."""
    if labels.size and labels.min() < 0:
        raise ValueError(f"class indices must be >= 0, got {labels.min()}; for regression, give floating-point numbers")
    if classes is not None and labels.size and labels.max() >= len(classes):
        raise ValueError(f"class indices must be below {len(classes)}, the number of classes, got {labels.max()}")


def numbered(names: Array, classes: tuple[str, ...] | None) -> tuple[Array, tuple[str, ...]]:
    """The indices of these names, and the names of all classes: those given, else those found, sorted."""
    found = sorted({str(name) for name in names.flat})
    classes = tuple(found) if classes is None else classes
    index = {name: number for number, name in enumerate(classes)}
    unknown = [name for name in found if name not in index]
    if unknown:
        raise ValueError(f"targets hold {unknown[0]!r}, which is not one of the classes {', '.join(classes)}")
    return np.array([index[str(name)] for name in names.flat], np.int64).reshape(names.shape), classes


def checked_classes(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names of classes as a tuple, each there once."""
    if classes is None:
        return None
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"classes must be the names of the classes, got {classes!r}")
    twice = sorted({name for name in classes if list(classes).count(name) > 1})
    if twice:
        raise ValueError(f"classes must differ, got {twice[0]!r} more than once")
    return tuple(classes)


def checked_indices(indices: Any, count: int) -> Array:
    """Indices (N,) of images, each from 0 to `count` - 1."""
    array = np.asarray(indices)
    if array.dtype.kind == "b":
        raise TypeError("indices must be integers, got bools; write numpy.flatnonzero(mask)")
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise TypeError(f"indices must be integers (N,), got {array.dtype} {array.shape}")
    array = array.astype(np.intp)
    if array.size and (array.min() < 0 or array.max() >= count):
        wrong = array.min() if array.min() < 0 else array.max()
        raise IndexError(f"indices must be from 0 to {count - 1}, got {wrong}")
    return array
