"""The images that a network is given."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array, Shape


def batch(x: Any, name: str, input_shape: Shape, dtype: np.dtype[Any]) -> tuple[Array, bool]:
    """(N, *input_shape) of the network's dtype, and whether it came with a batch axis."""
    code, x = check.code(x, name), of_dtype(x, name, dtype)
    if x.shape == input_shape:
        return x[None], False
    if x.shape[1:] != input_shape or x.ndim == 0:
        cure = cure_of_shape(x.shape, input_shape, code)
        raise ValueError(f"{name} must have shape {shape_of_batch(input_shape)} or {input_shape}, got {x.shape}{cure}")
    return x, True


def shape_of_batch(input_shape: Shape) -> str:
    """'(N, 3, 32, 32)' for images of shape (3, 32, 32)."""
    return f"(N, {', '.join(map(str, input_shape))})"


def cure_of_shape(shape: Shape, input_shape: Shape, code: str) -> str:
    """'; use ...' where channels come last, the channel axis is missing or images are flattened; else ''."""
    if len(input_shape) == 3:
        last = (*input_shape[1:], input_shape[0])
        if shape == last or (len(shape) == 4 and shape[1:] == last):
            axes = "(2, 0, 1)" if len(shape) == 3 else "(0, 3, 1, 2)"
            return f"; channels come before height and width: use {code}.transpose{axes}"
        if input_shape[0] == 1 and shape[-2:] == input_shape[1:] and len(shape) < 4:
            return f"; use {code}[{':, ' if len(shape) == 3 else ''}None]"
    if len(shape) > 1 and 1 in (len(shape) - 1, len(input_shape)) and prod(shape[1:]) == prod(input_shape):
        return f"; use {code}.reshape(-1, {', '.join(map(str, input_shape))})"
    return ""


def of_dtype(x: Any, name: str, dtype: np.dtype[Any]) -> Array:
    """`x` as an array of the network's dtype."""
    if isinstance(x, tuple) and len(x) == 2 and all(isinstance(a, np.ndarray) for a in x) and x[0].ndim != x[1].ndim:
        raise TypeError(
            f"{name} must be an array of images, got a pair of arrays of shapes {x[0].shape} and {x[1].shape}; "
            f"if it is (images, labels), pass {name}[0]"
        )
    code, cure, x = check.code(x, name), iterator_cure(x, name), check.given(x, name)
    if x.dtype.kind != "f" or x.dtype.newbyteorder("=") != dtype:
        real = ".real" if x.dtype.kind == "c" else ""
        if x.dtype.kind in "biufc" or (x.dtype.kind == "O" and are_numbers(x)):
            cure = f"; convert it with {code}{real}.astype('{dtype}')"
        if x.dtype == np.uint8:
            cure += ", and divide by 255 if 255 is white"
        raise TypeError(f"{name} must be {dtype} like the network, got {x.dtype}{cure}")
    return check.array(x, name)


def iterator_cure(given: object, name: str) -> str:
    """'; use ...' for a generator, which NumPy takes for one object; a zip gives pairs, which make no array."""
    if not isinstance(given, Iterator) or isinstance(given, zip):
        return ""
    return f"; use numpy.array(list({name}))"


def are_numbers(objects: Array) -> bool:
    """Whether `astype` loses nothing; it would turn None into NaN."""
    return objects.ndim > 0 and all(isinstance(value, int | float | np.number) for value in objects.flat)
