"""Arrays as people hand them in: the same numbers in every kind of memory; and random data for tests."""

import numpy as np

DTYPES = ("float32", "float64")


def whole(rng, shape, dtype="float32", most=4):
    """Small whole numbers: sums of products of them are exact, so results must agree bit for bit."""
    return rng.integers(-most, most + 1, shape).astype(dtype)


def real(rng, shape, dtype="float64"):
    return rng.standard_normal(shape).astype(dtype)


def readonly(a):
    a = np.array(a, order="C")
    a.flags.writeable = False
    return a


def misaligned(a):
    buffer = np.zeros(a.nbytes + 1, np.uint8)
    view = buffer[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def negative(a):
    return np.flip(np.ascontiguousarray(np.flip(a)))


def negative_rows(a):
    axis = max(a.ndim - 2, 0)
    return np.flip(np.ascontiguousarray(np.flip(a, axis)), axis)


def fortran(a):
    return np.asfortranarray(a)


def swapped(a):
    return a.astype(a.dtype.newbyteorder())


def every_second(a):
    """Steps of two along every axis of a larger array, whose other elements are NaN."""
    wide = np.full([2 * n + 1 for n in a.shape], np.nan, a.dtype)
    view = wide[tuple(slice(1, 2 * n + 1, 2) for n in a.shape)]
    view[...] = a
    return view


def inside(a):
    """A block inside a larger C-ordered array of NaN: unit stride along the last axis only."""
    wide = np.full([n + 3 for n in a.shape], np.nan, a.dtype)
    view = wide[tuple(slice(1, n + 1) for n in a.shape)]
    view[...] = a
    return view


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, -3, -1)), -1, -3) if a.ndim >= 3 else a


def channel_slice(a):
    """Some channels of a channels-last buffer, the rest of it NaN: what concat hands on."""
    if a.ndim < 3:
        return inside(a)
    last = np.moveaxis(a, -3, -1)
    buffer = np.full((*last.shape[:-1], last.shape[-1] + 5), np.nan, a.dtype)
    buffer[..., 2:-3] = last
    return np.moveaxis(buffer[..., 2:-3], -1, -3)


def wild_strides(a):
    """Axes of extent 1 with strides that mean nothing."""
    a = np.array(a, order="C")
    strides = [s if n > 1 else 1237 * a.itemsize for s, n in zip(a.strides, a.shape, strict=True)]
    return np.lib.stride_tricks.as_strided(a, a.shape, strides)


def broadcast(a):
    """Zero strides: the first element of the last axis (and of the first, beyond vectors) everywhere."""
    first = a[..., :1] if a.ndim == 1 else a[:1, ..., :1]
    return np.broadcast_to(first, a.shape)


def constant(a):
    """All strides zero."""
    return np.broadcast_to(a[(0,) * a.ndim], a.shape)


SAME_NUMBERS = (
    readonly,
    misaligned,
    negative,
    negative_rows,
    fortran,
    swapped,
    every_second,
    inside,
    channels_last,
    channel_slice,
    wild_strides,
)
ODD = (*SAME_NUMBERS, broadcast, constant)  # the last two change the numbers: compare with np.array(odd(a))
