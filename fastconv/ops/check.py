"""Arguments: dtype, rank and agreement, one style of message; and where results go (`out=`).

Everything here happens before a kernel is called and before anything large is allocated. `check.` also reaches the
layouts and new arrays of `memory`, and the numbers and words of `scalars`.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..kernels.runtime.calls import LINE, MAX_ELEMENTS, have_one_dtype, is_batch, is_plain
from ..typing import Array, Named, Shape
from .advice import IMAGES, code, cure, described
from .memory import (
    CHANNELS_LAST,
    PLANAR,
    aligned,
    assign,
    assign_calls,
    channels_together,
    copied,
    empty,
    has_unit_axis,
    in_planes,
    layout_of,
    near_layout,
    on_a_line,
    size,
    with_unit_axis,
)
from .overlap import apart, overlaps_itself
from .scalars import choice, flag, integer, near, nearest, number, pair, random, shape, shown, word

__all__ = [
    "CHANNELS_LAST",
    "DTYPES",
    "INT64",
    "LARGEST",
    "LINE",
    "MAX_ELEMENTS",
    "PLANAR",
    "addressed",
    "aligned",
    "array",
    "assign",
    "assign_calls",
    "channels_together",
    "check_output",
    "choice",
    "code",
    "copied",
    "described",
    "empty",
    "flag",
    "give",
    "given",
    "has_unit_axis",
    "images",
    "in_planes",
    "integer",
    "is_batch",
    "layout_of",
    "near",
    "near_layout",
    "nearest",
    "number",
    "on_a_line",
    "output",
    "pair",
    "plain_output",
    "random",
    "rank_is",
    "same_dtype",
    "shape",
    "shape_is",
    "shown",
    "size",
    "with_batch",
    "with_unit_axis",
    "without_mask",
    "word",
]

INT64 = np.dtype("int64")  # of classes and indices
DTYPES = (np.dtype("float32"), np.dtype("float64"))
LARGEST = float.fromhex("0x1.fffffep127")  # the largest float32


def array(source: Any, name: str, ndim: int | tuple[int, ...] | None = None) -> Array:
    """`source` as a float32 or float64 array in native byte order and aligned; a view where that is possible."""
    if (
        is_plain(source)
        and source.size <= MAX_ELEMENTS
        and (ndim is None or source.ndim == ndim or (type(ndim) is tuple and source.ndim in ndim))
    ):
        return source
    x: Array = source if type(source) is np.ndarray else made_array(source, name)
    if x.dtype.newbyteorder("=") not in DTYPES:
        is_bytes = x.dtype == np.uint8 and name in IMAGES and x.ndim > 2
        raise TypeError(
            f"{name} must be float32 or float64, got {x.dtype}{cure(x, code(source, name), pixels=is_bytes)}"
        )
    if ndim is not None:
        rank_is(x, name, ndim, code(source, name))
    addressed(x.shape, name)
    if not x.dtype.isnative or not x.flags.aligned or any(s % x.itemsize for s in x.strides):
        x = x.astype(x.dtype.newbyteorder("="), order="C")
    return x


def addressed(extents: Sequence[int], name: str) -> None:
    """ValueError for more elements than a call could ever come to the end of."""
    if (count := prod(extents)) > MAX_ELEMENTS:
        raise ValueError(f"{name} has {count} elements, shape {tuple(extents)}; at most 2**40 are accepted")


def made_array(x: Any, name: str) -> Array:
    """An array of what NumPy takes for numbers: lists, scalars, other libraries' arrays."""
    if not isinstance(x, str | bytes | type):
        made = given(x, name)
        if made.dtype != object or made.ndim or isinstance(x, np.ndarray | np.generic):
            return made
    raise TypeError(f"{name} must be an array, got {described(x)}")


def given(x: Any, name: str, what: str = "an array") -> Array:
    """`x` as an array of any dtype; TypeError or ValueError for None, masked values, and rows of unequal lengths."""
    if type(x) is np.ndarray:
        return x
    if x is None:
        raise TypeError(f"{name} must be {what}, got None")
    without_mask(x, name)
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} must be one array, which this {type(x).__name__} is not: {error}") from None


def without_mask(x: Any, name: str) -> None:
    """ValueError for an array with masked values."""
    if is_masked(x) and x.mask.any():
        raise ValueError(
            f"{name} must hold no masked values, got {x.mask.sum()} of {x.size}; fill them with "
            f"{name}.filled(value), or leave out the samples that have them"
        )


def is_masked(x: object) -> bool:
    """Whether this is a masked array; asked last, for NumPy imports numpy.ma when it is first looked at."""
    return isinstance(x, np.ndarray) and type(x) is not np.ndarray and isinstance(x, np.ma.MaskedArray)


def rank_is(x: Array, name: str, ndim: int | tuple[int, ...], source: str) -> None:
    """ValueError unless `x`, made by the code `source`, has this rank (an int, or several allowed ones)."""
    allowed = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if x.ndim not in allowed:
        wanted = " or ".join(map(str, allowed))
        axes = f"; for one image (H, W) write {source}[None, None]" if name in IMAGES and x.ndim == 2 else ""
        if x.ndim == 5:
            axes = "; 3-D images (N, C, D, H, W) are not supported: there are (N, C, H, W) and signals (N, C, L)"
        raise ValueError(f"{name} must have {wanted} dimensions, got {x.ndim}: shape {x.shape}{axes}")


def images(x: object, name: str) -> tuple[Array, bool]:
    """`x` as (N, C, H, W) with unit stride along W or C, and whether it came with a batch axis."""
    if is_batch(x):
        return x, True
    x, batched = strided_images(x, name)
    return with_unit_axis(x), batched


def strided_images(x: object, name: str) -> tuple[Array, bool]:
    """`x` as (N, C, H, W) of any strides, and whether it came with a batch axis."""
    if is_batch(x):
        return x, True
    x = array(x, name, (3, 4))
    batched = x.ndim == 4
    return x if batched else x[None], batched


def with_batch(input_shape: Any, batched: bool) -> Shape:
    """(N, C, H, W) from the shape a person gives."""
    return shape(input_shape, "input_shape", 4) if batched else (1, *shape(input_shape, "input_shape", 3))


def same_dtype(**arrays: Any) -> None:
    """TypeError unless all arrays (None is skipped) have one dtype."""
    if have_one_dtype(arrays):
        return
    known = [(name, x.dtype) for name, x in arrays.items() if x is not None]
    first, dtype = known[0]
    for name, other in known[1:]:
        if other != dtype:
            raise TypeError(
                f"{first} and {name} must have the same dtype, got {dtype} and {other}; "
                f"convert one, for example {name}.astype('{dtype}')"
            )


def shape_is(x: Array, name: str, shape: Sequence[int], rule: str) -> None:
    """ValueError unless `x` has this shape; `rule` says why it must."""
    if x.shape != shape and x.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)} ({rule}), got {tuple(x.shape)}")


def output(
    out: Array | None,
    shape: Shape,
    dtype: DTypeLike,
    layout: str | None = None,
    batched: bool = True,
    elementwise: bool = False,
    **inputs: Any,
) -> Array:
    """The array a kernel writes: a new one, `out` itself, or a temporary where kernels cannot write `out`'s strides."""
    if out is None:
        return empty(shape, dtype, layout)
    check_output(out, shape if batched else shape[1:], dtype, elementwise, inputs)
    target: Array = out if batched else out[None]
    if not target.flags.aligned or (layout is not None and not has_unit_axis(target)):
        return empty(shape, dtype, layout)
    return target


def plain_output(out: object) -> Array:
    """`out` as it is; TypeError for what is no array, and for arrays with rules of their own."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, got {described(out)}")
    if is_masked(out) or isinstance(out, np.matrix):
        raise TypeError(f"out must be a plain numpy.ndarray, got a {type(out).__name__}; write out=numpy.asarray(out)")
    return out


def check_output(out: object, shape: Shape, dtype: DTypeLike, elementwise: bool, inputs: Named) -> None:
    """TypeError or ValueError unless kernels may write the result into `out`."""
    out = plain_output(out)
    if out.dtype != dtype or not out.dtype.isnative:
        raise TypeError(f"out must have dtype {np.dtype(dtype)}, got {out.dtype}")
    shape_is(out, "out", shape, "the shape of the result")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    if overlaps_itself(out):
        raise ValueError(f"out must not overlap itself, got strides {out.strides} for shape {out.shape}")
    for name, x in inputs.items():
        if x is not None:
            apart(out, x, name, elementwise)


def give(y: Array, out: Array | None, batched: bool = True) -> Array:
    """What the user gets: `out` filled, or the new array, without the batch axis if there was none."""
    if out is None:
        return y if batched else y[0]
    target = out if batched else out[None]
    if not np.may_share_memory(y, target):
        assign(target, y)
    return out
