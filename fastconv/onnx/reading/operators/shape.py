"""Shapes: reshapes and transpositions are gathered (`arranged`), channels are joined and parted."""

from dataclasses import replace
from math import prod

import numpy as np

from ....nodes.arranged import Arranged, without_batch
from ..call import Call
from ..constants import FOLDED
from ..values import BATCH, Flat, Refused, Value

__all__ = ["TABLE"]


def reshape(call: Call) -> Value:
    """`Reshape`: 0 keeps an extent, unless allowzero."""
    shape, old = call.list_of("shape", 1) or (), call.shape(0)
    if not call.flag("allowzero"):
        if any(n == 0 and i >= len(old) for i, n in enumerate(shape)):
            raise Refused(f"its shape {shape} keeps extents that there are not")
        shape = tuple(old[i] if n == 0 else n for i, n in enumerate(shape))
    x = call.arranged()
    if shape == (-1,) and call.translation.batch is None:
        return Flat(x)
    return x.reshaped(without_batch(x.shape, shape, {BATCH, call.translation.batch}))


def flatten(call: Call) -> Arranged:
    """`Flatten`"""
    x = call.arranged()
    axis, rank = call.integer("axis", 1), len(x.shape) + 1
    if axis not in (1, 1 - rank):
        raise Refused(f"its axis {axis} must be 1: axis 0 is the images")
    return x.reshaped((prod(x.shape),))


def transpose(call: Call) -> Arranged:
    """`Transpose`"""
    x = call.arranged(anywhere=True)
    rank = len(x.shape) + 1
    axes = call.axes(call.integers("perm", tuple(reversed(range(rank)))), rank)
    if len(axes) != rank:
        raise Refused(f"its perm {axes} is not one of {rank} axes")
    found = x.transposed([axis - (axis > x.place) for axis in axes if axis != x.place], axes.index(x.place))
    if found is None:
        raise Refused(f"its perm {axes} parts axes that were joined")
    return found


def squeeze(call: Call) -> Arranged:
    """`Squeeze`"""
    x, axes = call.arranged(anywhere=True), call.list_of("axes", 1)
    shape = call.shape(0)
    gone = call.axes(axes, len(shape)) if axes is not None else tuple(i for i, n in enumerate(shape) if n == 1)
    if any(shape[axis] != 1 for axis in gone):
        raise Refused(f"its axes {gone} of (N, {x.shape}) must have extent 1")
    left = [i for i in range(len(shape)) if i not in gone]
    return replace(x, shape=tuple(shape[i] for i in left if i != x.place), place=left.index(x.place))


def unsqueeze(call: Call) -> Arranged:
    """`Unsqueeze`"""
    x, axes = call.arranged(anywhere=True), call.list_of("axes", 1) or ()
    rank = len(x.shape) + 1 + len(axes)
    added = call.axes(axes, rank)
    place = [i for i in range(rank) if i not in added][x.place]
    rest = iter(x.shape)
    return replace(x, shape=tuple(1 if i in added else next(rest) for i in range(rank) if i != place), place=place)


def same(call: Call) -> Value:
    """`Identity`, and casts between floats."""
    found: Value = call.computed(0)
    return found


def cast(call: Call) -> Value:
    """`Cast` to floats."""
    if call.integer("to", 1) not in (1, 10, 11, 16):
        raise Refused("it makes other numbers than floats of the images")
    return same(call)


def alike(call: Call) -> Value:
    """`CastLike`: a constant, or floats, as floats."""
    if isinstance(call.value(0), np.ndarray):
        return call.constant(0).astype(np.float32)
    return same(call)


TABLE = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Identity": same,
    "Cast": cast,
    "CastLike": alike,
    "Shape": FOLDED["Shape"][1],
}
