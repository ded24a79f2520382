"""Arguments: dtype, rank and agreement, one style of message; and where results go (`out=`).

Everything here happens before a kernel is called and before anything large is allocated.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from operator import index
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array, Generator, Named, Shape
from .overlap import apart, overlaps_itself

PLANAR, CHANNELS_LAST = "planar", "channels_last"
DTYPES = (np.dtype("float32"), np.dtype("float64"))
LINE = 64  # bytes of a cache line, and of the widest vector
SMALL = 1 << 16  # bytes of an array for which starting on a line costs more time than it saves
LARGEST = float.fromhex("0x1.fffffep127")  # the largest float32
MAX_ELEMENTS = 2**40  # a broadcast view can claim any size; beyond this a call would not end


def array(x: object, name: str, ndim: int | tuple[int, ...] | None = None) -> Array:
    """`x` as a float32 or float64 array in native byte order and aligned; a view where that is possible."""
    x = np.asarray(x)
    if x.dtype.newbyteorder("=") not in DTYPES:
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}; convert it with {name}.astype('float32')")
    if ndim is not None:
        rank_is(x, name, ndim)
    if x.size > MAX_ELEMENTS:
        raise ValueError(f"{name} has {x.size} elements, shape {x.shape}; at most 2**40 are accepted")
    if not x.dtype.isnative or not x.flags.aligned or any(s % x.itemsize for s in x.strides):
        x = x.astype(x.dtype.newbyteorder("="), order="C")
    return x


def given(x: Any, name: str, what: str = "an array") -> Array:
    """`x` as an array of any dtype; TypeError or ValueError for None, masked values, and rows of unequal lengths."""
    if x is None:
        raise TypeError(f"{name} must be {what}, got None")
    if isinstance(x, np.ma.MaskedArray) and x.mask.any():
        raise ValueError(
            f"{name} must hold no masked values, got {x.mask.sum()} of {x.size}; fill them with "
            f"{name}.filled(value), or leave out the samples that have them"
        )
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} must be one array, which this {type(x).__name__} is not: {error}") from None


def code(x: object, name: str) -> str:
    """Code that makes `x` an array, for advice in errors."""
    return name if isinstance(x, np.ndarray) else f"numpy.asarray({name})"


def rank_is(x: Array, name: str, ndim: int | tuple[int, ...]) -> None:
    """ValueError unless `x` has this rank (an int, or several allowed ones)."""
    allowed = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if x.ndim not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ValueError(f"{name} must have {wanted} dimensions, got {x.ndim}: shape {x.shape}")


def images(x: object, name: str) -> tuple[Array, bool]:
    """`x` as (N, C, H, W) with unit stride along W or C, and whether it came with a batch axis."""
    x = array(x, name, (3, 4))
    batched = x.ndim == 4
    if not batched:
        x = x[None]
    return with_unit_axis(x), batched


def with_batch(input_shape: Any, batched: bool) -> Shape:
    """(N, C, H, W) from the shape a person gives."""
    return shape(input_shape, "input_shape", 4) if batched else (1, *shape(input_shape, "input_shape", 3))


def with_unit_axis(x: Array) -> Array:
    """`x`, copied only if neither its W nor its C axis has unit stride."""
    return x if has_unit_axis(x) else np.ascontiguousarray(x)


def has_unit_axis(x: Array) -> bool:
    """Whether the W or the C axis of a four-dimensional array has unit stride."""
    one = x.itemsize
    return x.flags.c_contiguous or x.strides[3] == one or x.strides[1] == one


def runs_along(x: Array, axis: int) -> bool:
    """Whether neighbours along this axis, if there are any, lie side by side in memory."""
    return x.strides[axis] == x.itemsize or x.shape[axis] == 1


def in_planes(x: Array) -> bool:
    """Whether each row of a plane, along W, is one run of memory."""
    return runs_along(x, 3)


def channels_together(x: Array) -> bool:
    """Whether the channels of each pixel are one run of memory."""
    return runs_along(x, 1)


def layout_of(x: Array) -> str:
    """Where the unit stride of a four-dimensional array is: along W ("planar") or along C ("channels_last")."""
    if x.flags.c_contiguous or x.strides[1] != x.itemsize:
        return PLANAR
    if x.strides[3] == x.itemsize and x.shape[3] > 1:
        return PLANAR
    return CHANNELS_LAST


def same_dtype(**arrays: Any) -> None:
    """TypeError unless all arrays (None is skipped) have one dtype."""
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
    if tuple(x.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)} ({rule}), got {tuple(x.shape)}")


def shape(value: Any, name: str, length: int) -> Shape:
    """A tuple of this many integers >= 0."""
    try:
        extents = tuple(index(v) for v in value)
    except TypeError:
        raise TypeError(f"{name} must be a tuple of {length} integers, got {value!r}") from None
    if len(extents) != length or min(extents, default=0) < 0:
        raise ValueError(f"{name} must be {length} integers >= 0, got {extents}")
    return extents


def size(shape: Sequence[int], dtype: DTypeLike) -> int:
    """Bytes of an array; ValueError where they overflow."""
    elements = 1
    for extent in shape:
        elements *= extent
    if elements * np.dtype(dtype).itemsize > sys.maxsize:
        raise ValueError(f"an array of shape {tuple(shape)} and dtype {np.dtype(dtype)} is too large for this machine")
    return elements * np.dtype(dtype).itemsize


def empty(shape: Sequence[int], dtype: DTypeLike, layout: str | None = None) -> Array:
    """A new array; four-dimensional shapes may be asked for in channels-last memory."""
    return maker(shape, dtype, layout)()


def maker(shape: Sequence[int], dtype: DTypeLike, layout: str | None = None) -> Callable[[], Array]:
    """The function that makes such arrays; large ones start on a cache line, so that no vector crosses two."""
    nbytes = size(shape, dtype)
    if layout == CHANNELS_LAST:
        n, c, h, w = shape
        return partial(last, maker((n, h, w, c), dtype))
    if nbytes < SMALL:
        return partial(np.empty, shape, dtype)
    return partial(on_a_line, nbytes, shape, dtype)


def last(new: Callable[[], Array]) -> Array:
    """A new array (N, H, W, C) seen as (N, C, H, W)."""
    return new().transpose(0, 3, 1, 2)


def on_a_line(nbytes: int, shape: Sequence[int], dtype: DTypeLike) -> Array:
    """A new array that starts on a cache line."""
    return aligned(nbytes).view(dtype).reshape(shape)


def aligned(nbytes: int, new: Callable[..., Array] = np.empty) -> Array:
    """New bytes that start on a cache line."""
    raw = new(nbytes + LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE
    place: Array = raw[start : start + nbytes]
    return place


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


def check_output(out: object, shape: Shape, dtype: DTypeLike, elementwise: bool, inputs: Named) -> None:
    """TypeError or ValueError unless kernels may write the result into `out`."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, got {type(out).__name__}")
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
        np.copyto(target, y)
    return out


def integer(value: Any, name: str, minimum: int | None = None) -> int:
    """An int (not a bool); ValueError below `minimum`."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    try:
        n = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if minimum is not None and n < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {n}")
    return n


def pair(value: Any, name: str, minimum: int | None = None) -> tuple[int, int]:
    """Two ints from one int or from two."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if hasattr(value, "__index__"):
        both = integer(value, name, minimum)
        return both, both
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}")
    first, second = (integer(v, name) for v in value)
    if minimum is not None and min(first, second) < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {(first, second)}")
    return first, second


def number(value: Any, name: str) -> float:
    """A float from any real number."""
    if isinstance(value, bool | str | bytes):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {shown(value)}") from None
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float can hold") from None


def shown(value: object) -> str:
    """How an error shows what was given: a large array by its shape."""
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) and value.size > 9 else repr(value)


def random(seed: Any) -> Generator:
    """A generator from a seed, or fresh randomness from None."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be an integer >= 0 or None, got {shown(seed)}") from None


def flag(value: object, name: str) -> bool:
    """A bool; TypeError for anything else, also for 0 and 1."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(value: str, name: str, options: Sequence[str]) -> str:
    """One of these words."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value
