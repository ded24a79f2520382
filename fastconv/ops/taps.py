"""Weighted sums along H and W: which pixels each row and each column of a result reads, and the prepared call.

y[n, c, oh, ow] = sum of a[oh, h] b[ow, w] x[n, c, h, w] over h and w; `Taps` is one of the matrices a and b, with few
entries in each row. The gradient of x is the same sum with both matrices transposed.
"""

from typing import NamedTuple

import numpy as np

from .. import kernels
from ..kernels.runtime.calls import transposed_taps
from ..typing import Array, Call
from .geometry import made
from .pool.prepared import on_one_layout


class Taps(NamedTuple):
    """A matrix (outputs, size): output o reads the places source[ends[o] : ends[o + 1]], in this order."""

    ends: Array  # (outputs + 1,), int64
    source: Array  # int64
    weight: Array  # of each place: the bits of float64 as int64, for tables of a call are integers


def read_only(*arrays: Array) -> Taps:
    """A table of three arrays, which calls share."""
    for a in arrays:
        a.flags.writeable = False
    return Taps(*arrays)


def taps(places: Array, weights: Array) -> Taps:
    """The table of outputs that read the places (outputs, K) with these weights; the same place twice is one tap.

    A weight of 0 is no tap: what it would read does not matter, even if it is NaN.
    """
    order = np.argsort(places, axis=1, kind="stable")
    places, weights = np.take_along_axis(places, order, 1), np.take_along_axis(weights, order, 1).astype(np.float64)
    for k in range(places.shape[1] - 1):
        same = places[:, k] == places[:, k + 1]
        weights[same, k + 1] += weights[same, k]
        weights[same, k] = 0
    is_tap = weights != 0
    ends = np.concatenate([[0], np.cumsum(is_tap.sum(1))])
    return read_only(ends.astype(np.int64), places[is_tap].astype(np.int64), weights[is_tap].view(np.int64))


def picks(places: Array) -> Taps:
    """The table of outputs that are one of the places each."""
    return taps(places[:, None], np.ones((len(places), 1)))


def transposed(table: Taps, size: int) -> Taps:
    """The table of the gradient: for each of the `size` places the outputs that read it, in their order."""
    return made(Taps, transposed_taps(*table, size))


def weighted_call(x: Array, y: Array, rows: Taps, columns: Taps) -> Call:
    kernel = kernels.load(y.dtype).pool.windows.weighted_sums
    return on_one_layout(kernel, (x,), (y,), *rows, *columns)
