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


def arranged_shape(shape: Shape, form: str, wanted: Shape) -> Shape:
    """The shape here: `wanted` if the array can be laid out so, else the best that can be said of it."""
    if form in FLATTENED:
        four = split(shape, form)
        return wanted if four and wanted == (shape[1], shape[0]) else shape[::-1]
    if form == "io" and len(shape) == 4 and shape[:2] == (1, 1):  # a 1 x 1 convolution for a dense layer
        shape = shape[2:]
    if form in AXES and len(AXES[form]) == len(shape):
        shape = tuple(shape[axis] for axis in AXES[form])
    if form == "dense" and len(wanted) == 2 and shape[:1] == wanted[:1] and prod(shape) == prod(wanted):
        return wanted
    if form == "column" and len(shape) == 1:
        shape = (*shape, 1, 1)
    return shape


def arranged(value: Array, form: str) -> Array:
    """The array laid out as here, up to a reshape; its shape was checked by `arranged_shape`."""
    if form in FLATTENED:
        four = split(value.shape, form)
        return value.reshape(four).transpose(3, 2, 0, 1) if four else value
    if form == "io" and value.ndim == 4:
        value = value[0, 0]
    return value.transpose(AXES[form]) if form in AXES and len(AXES[form]) == value.ndim else value
