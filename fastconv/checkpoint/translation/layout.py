"""How other programs lay an array out, and how it is laid out here.

"" as here; "dense" (K, C, h, w) as a matrix (K, C h w); "column" (C,) as (C, 1, 1);
"hwio" the filters (h, w, C, K) of Keras as (K, C, h, w); "hwcm" its filters per channel (h, w, C, 1) as (C, 1, h, w);
"io" its matrices (in, out) as (out, in); "hwc512" such a matrix whose inputs are pixels with 512 channels each.
"""

from math import isqrt, prod

from ...typing import Array, Shape

__all__ = ["arranged", "arranged_shape"]

AXES = {"hwio": (3, 2, 0, 1), "hwcm": (2, 3, 0, 1), "io": (1, 0)}
FLATTENED = {"hwc512": 512}


def split(shape: Shape, form: str) -> Shape | None:
    """The shape (h, w, C, K) of a matrix whose first axis is pixels and channels of a square; None if it is not so."""
    channels = FLATTENED[form]
    if len(shape) != 2:
        return None
    side = isqrt(shape[0] // channels)
    return (side, side, channels, shape[1]) if side * side * channels == shape[0] else None


def arranged_shape(shape: Shape, form: str, wanted: Shape) -> Shape | None:
    """The shape of the array laid out as here: `wanted` where a reshape leads to it; None if it has not this form.

    Arrays of one axis or none, such as biases, are the same in every form.
    """
    if form == "column" and len(shape) == 1:
        return (*shape, 1, 1)
    if len(shape) < 2 or form in ("", "column"):
        return shape
    if form == "dense":
        return wanted if len(wanted) == 2 and shape[0] == wanted[0] and prod(shape) == prod(wanted) else shape
    if form in FLATTENED:
        return shape[::-1] if split(shape, form) else None
    if form == "io" and shape[:-2] == (1, 1):
        shape = shape[2:]
    return tuple(shape[axis] for axis in AXES[form]) if len(AXES[form]) == len(shape) else None


def arranged(value: Array, form: str) -> Array:
    """The array laid out as here, up to a reshape; `arranged_shape` was not None for its shape."""
    if value.ndim < 2:
        return value
    if form in FLATTENED:
        return value.reshape(split(value.shape, form)).transpose(3, 2, 0, 1)
    if form == "io":
        value = value.reshape(value.shape[-2:])  # of a 1 x 1 convolution too
    return value.transpose(AXES[form]) if form in AXES else value
