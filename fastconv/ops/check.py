"""Arguments: dtype, rank and agreement, one style of message; and where results go (`out=`).

Everything here happens before a kernel is called and before anything large is allocated.
"""

import sys
from functools import partial
from operator import index

import numpy as np

PLANAR, CHANNELS_LAST = "planar", "channels_last"
DTYPES = (np.dtype("float32"), np.dtype("float64"))
LINE = 64  # bytes of a cache line, and of the widest vector
SMALL = 1 << 16  # bytes of an array for which starting on a line costs more time than it saves
MAX_ELEMENTS = 2**40  # a broadcast view can claim any size; beyond this a call would not end


def array(x, name, ndim=None):
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


def given(x, name, what="an array"):
    """`x` as an array of any dtype; TypeError or ValueError for None, masked values, and rows of unequal lengths."""
    if x is None:
        raise TypeError(f"{name} must be {what}, got None")
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise ValueError(
            f"{name} must hold no masked values, got {np.ma.count_masked(x)} of {x.size}; fill them with "
            f"{name}.filled(value), or leave out the samples that have them"
        )
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} must be one array, which this {type(x).__name__} is not: {error}") from None


def code(x, name):
    """Code that makes `x` an array, for advice in errors."""
    return name if isinstance(x, np.ndarray) else f"numpy.asarray({name})"


def rank_is(x, name, ndim):
    """ValueError unless `x` has this rank (an int, or several allowed ones)."""
    allowed = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if x.ndim not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ValueError(f"{name} must have {wanted} dimensions, got {x.ndim}: shape {x.shape}")


def images(x, name):
    """`x` as (N, C, H, W) with unit stride along W or C, and whether it came with a batch axis."""
    x = array(x, name, (3, 4))
    batched = x.ndim == 4
    if not batched:
        x = x[None]
    return with_unit_axis(x), batched


def with_batch(input_shape, batched):
    """(N, C, H, W) from the shape a person gives."""
    return shape(input_shape, "input_shape", 4) if batched else (1, *shape(input_shape, "input_shape", 3))


def with_unit_axis(x):
    """`x`, copied only if neither its W nor its C axis has unit stride."""
    return x if has_unit_axis(x) else np.ascontiguousarray(x)


def has_unit_axis(x):
    one = x.itemsize
    return x.flags.c_contiguous or x.strides[3] == one or x.strides[1] == one


def runs_along(x, axis):
    """Whether neighbours along this axis, if there are any, lie side by side in memory."""
    return x.strides[axis] == x.itemsize or x.shape[axis] == 1


def in_planes(x):
    """Whether each row of a plane, along W, is one run of memory."""
    return runs_along(x, 3)


def channels_together(x):
    """Whether the channels of each pixel are one run of memory."""
    return runs_along(x, 1)


def layout_of(x):
    """Where the unit stride of a four-dimensional array is: along W ("planar") or along C ("channels_last")."""
    if x.flags.c_contiguous or x.strides[1] != x.itemsize:
        return PLANAR
    if x.strides[3] == x.itemsize and x.shape[3] > 1:
        return PLANAR
    return CHANNELS_LAST


def same_dtype(**arrays):
    """TypeError unless all arrays (None is skipped) have one dtype."""
    known = [(name, x.dtype) for name, x in arrays.items() if x is not None]
    first, dtype = known[0]
    for name, other in known[1:]:
        if other != dtype:
            raise TypeError(
                f"{first} and {name} must have the same dtype, got {dtype} and {other}; "
                f"convert one, for example {name}.astype('{dtype}')"
            )


def shape_is(x, name, shape, rule):
    """ValueError unless `x` has this shape; `rule` says why it must."""
    if tuple(x.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)} ({rule}), got {tuple(x.shape)}")


def shape(value, name, length):
    """A tuple of this many integers >= 0."""
    try:
        value = tuple(index(v) for v in value)
    except TypeError:
        raise TypeError(f"{name} must be a tuple of {length} integers, got {value!r}") from None
    if len(value) != length or min(value, default=0) < 0:
        raise ValueError(f"{name} must be {length} integers >= 0, got {value}")
    return value


def size(shape, dtype):
    """Bytes of an array; ValueError where they overflow."""
    elements = 1
    for extent in shape:
        elements *= extent
    if elements * np.dtype(dtype).itemsize > sys.maxsize:
        raise ValueError(f"an array of shape {tuple(shape)} and dtype {np.dtype(dtype)} is too large for this machine")
    return elements * np.dtype(dtype).itemsize


def empty(shape, dtype, layout=None):
    """A new array; four-dimensional shapes may be asked for in channels-last memory."""
    return maker(shape, dtype, layout)()


def maker(shape, dtype, layout=None):
    """The function that makes such arrays; those of some size start on a cache line, which whole vectors want."""
    nbytes = size(shape, dtype)
    if layout == CHANNELS_LAST:
        n, c, h, w = shape
        return partial(last, maker((n, h, w, c), dtype))
    if nbytes < SMALL:
        return partial(np.empty, shape, dtype)
    return partial(on_a_line, nbytes, shape, dtype)


def last(new):
    return new().transpose(0, 3, 1, 2)


def on_a_line(nbytes, shape, dtype):
    return aligned(nbytes).view(dtype).reshape(shape)


def aligned(nbytes, new=np.empty):
    """New bytes that start on a cache line."""
    raw = new(nbytes + LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE
    return raw[start : start + nbytes]


def output(out, shape, dtype, layout=None, batched=True, elementwise=False, **inputs):
    """The array a kernel writes: a new one, `out` itself, or a temporary where kernels cannot write `out`'s strides."""
    if out is None:
        return empty(shape, dtype, layout)
    check_output(out, shape if batched else shape[1:], dtype, elementwise, inputs)
    target = out if batched else out[None]
    if not target.flags.aligned or (layout is not None and not has_unit_axis(target)):
        return empty(shape, dtype, layout)
    return target


def check_output(out, shape, dtype, elementwise, inputs):
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


def apart(out, x, name, same):
    """ValueError where `out` and an input overlap; with `same` they may be the very same memory."""
    if np.may_share_memory(out, x) and np.shares_memory(out, x) and not (same and same_memory(out, x)):
        raise ValueError(f"out must not share memory with {name}")


def overlaps_itself(x):
    """Whether two different indices reach the same element."""
    axes = sorted((abs(stride), extent) for stride, extent in zip(x.strides, x.shape, strict=True) if extent > 1)
    reach = x.itemsize
    for stride, extent in axes:  # sufficient for every view made by slicing and transposing
        if stride < reach:
            return x.size > 0
        reach = stride * (extent - 1) + reach
    return False


def same_memory(a, b):
    return (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and (a.shape == b.shape[-a.ndim :] if a.ndim else True)
        and a.strides == b.strides[b.ndim - a.ndim :]
    )


def give(y, out, batched=True):
    """What the user gets: `out` filled, or the new array, without the batch axis if there was none."""
    if out is None:
        return y if batched else y[0]
    target = out if batched else out[None]
    if not np.may_share_memory(y, target):
        np.copyto(target, y)
    return out


def integer(value, name, minimum=None):
    """An int (not a bool); ValueError below `minimum`."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    try:
        value = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if minimum is not None and value < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {value}")
    return value


def pair(value, name, minimum=None):
    """Two ints from one int or from two."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if hasattr(value, "__index__"):
        value = integer(value, name, minimum)
        return value, value
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}")
    first, second = (integer(v, name) for v in value)
    if minimum is not None and min(first, second) < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {(first, second)}")
    return first, second


def number(value, name):
    """A float from any real number."""
    if isinstance(value, bool | str | bytes):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {shown(value)}") from None
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float can hold") from None


def shown(value):
    """How an error shows what was given: a large array by its shape."""
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) and value.size > 9 else repr(value)


def random(seed):
    """A generator from a seed, or fresh randomness from None."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be an integer >= 0 or None, got {shown(seed)}") from None


def flag(value, name):
    """A bool; TypeError for anything else, also for 0 and 1."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(value, name, options):
    """One of these words."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value
