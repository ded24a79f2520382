"""The images that a network is given."""

from collections.abc import Iterator
from math import prod

import numpy as np

from .ops import check


def batch(x, name, input_shape, dtype):
    """(N, *input_shape) of the network's dtype, and whether it came with a batch axis."""
    code, x = check.code(x, name), of_dtype(x, name, dtype)
    if x.shape == input_shape:
        return x[None], False
    if x.shape[1:] != input_shape or x.ndim == 0:
        cure = shape_cure(x.shape, input_shape, code)
        raise ValueError(f"{name} must have shape (N, *{input_shape}) or {input_shape}, got {x.shape}{cure}")
    return x, True


def of_dtype(x, name, dtype):
    """`x` as an array of the network's dtype."""
    if isinstance(x, tuple) and len(x) == 2 and all(isinstance(a, np.ndarray) for a in x) and x[0].ndim != x[1].ndim:
        raise TypeError(
            f"{name} must be an array of images, got a pair of arrays of shapes {x[0].shape} and {x[1].shape}; "
            f"of (images, labels) the images are {name}[0]"
        )
    code, cure, x = check.code(x, name), iterator_cure(x, name), check.given(x, name)
    if x.dtype.kind != "f" or x.dtype.newbyteorder("=") != dtype:
        real = ".real" if x.dtype.kind == "c" else ""
        if x.dtype.kind in "biufc" or (x.dtype.kind == "O" and are_numbers(x)):
            cure = f"; convert it with {code}{real}.astype('{dtype}')"
        raise TypeError(f"{name} must be {dtype} like the network, got {x.dtype}{cure}")
    return check.array(x, name)


# What to write instead.


def iterator_cure(given, name):
    """'; use ...' for a generator, which NumPy takes for one object; a zip gives pairs, which make no array."""
    if not isinstance(given, Iterator) or isinstance(given, zip):
        return ""
    return f"; use numpy.array(list({name}))"


def are_numbers(objects):
    """Whether astype loses nothing; of None it would make NaN."""
    return objects.ndim > 0 and all(isinstance(value, int | float | np.number) for value in objects.flat)


def shape_cure(shape, wanted, code):
    """'; ...' for images whose channels are last, that lack the one channel, or are to be vectors; else nothing."""
    if len(wanted) == 1:
        vectors = len(shape) > 2 and prod(shape[1:]) == wanted[0]
        return f"; make vectors of them with {code}.reshape(-1, {wanted[0]})" if vectors else ""
    last = (*wanted[1:], wanted[0])
    if shape[1:] == last:
        return f"; bring the channels to the front with {code}.transpose(0, 3, 1, 2)"
    if shape == last:
        return f"; bring the channels to the front with {code}.transpose(2, 0, 1)"
    if wanted[0] == 1 and shape[1:] in (wanted[1:], (prod(wanted),)):
        return f"; give each its one channel with {code}.reshape(-1, {', '.join(map(str, wanted))})"
    return f"; give it its one channel with {code}[None]" if shape == wanted[1:] and wanted[0] == 1 else ""
