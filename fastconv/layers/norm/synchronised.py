"""Batch norm of a batch that is computed in blocks: mean and variance are those of all blocks together.

forward    m, mean and sum of squares of each block, joined in the order of the blocks      Chan et al. 1983 [11]
           then y = f(z w + b + residual) with the joined mean and variance
backward   db and dw of each block, added in the same order; m values in all blocks together
           dx = w r dz - w r (db + z dw) / m, z = (x - mean) r, r = 1 / sqrt(var + eps)
"""

from functools import partial
from math import prod
from typing import Any

import numpy as np

from ...layer import Bound
from ...ops import norm
from ...ops.norm.moments import batch_moments_call
from ...ops.norm.running import more_than_one_value
from ...typing import Array, Call

__all__ = ["backward", "forward"]


def forward(b: Bound, weight: Any, bias: Any, momentum: float, eps: float) -> list[Call]:
    """The calls of the forward pass, with one meeting."""
    own, every, meeting = b.block.gathered((3, b.x_shape[1]))
    more_than_one_value((b.block.images, *b.x_shape[1:]))
    saved, state = b.saved, b.state
    y = (b.x, b.y, weight, bias, None, saved.mean, saved.invstd, 0.0, eps, False, b.activation, b.residual)
    return [
        batch_moments_call(b.x, own),
        meeting,
        partial(take_joined, every, saved.mean, saved.invstd, eps, state.running_mean, state.running_var, momentum),
        norm.batch_norm_call(*y),
        partial(np.add, state.num_batches_tracked, 1, state.num_batches_tracked),
    ]


def backward(b: Bound, weight: Any, bias: Any, gradients: tuple[Array, Array]) -> list[Call]:
    """The calls of the backward pass, with one meeting where dx is wanted; dx is the memory of dy, or its own."""
    saved, (dw, db) = b.saved, gradients
    arrays = (b.dy, b.x, b.dx, weight, saved.mean, saved.invstd, gradients)
    first = norm.batch_norm_backward_call(*arrays, False, b.activation, bias, b.y, b.dresidual)
    if b.dx is None:
        return [first]
    own, every, meeting = b.block.gathered((3, b.x_shape[1]))
    slope, offset = np.zeros_like(dw), np.zeros_like(db)
    rest = (b.x, b.dx, slope, offset, None, saved.mean, saved.invstd, 0.0, 1.0, False, None, b.dx)
    return [
        first,
        partial(put, own, prod(b.x_shape) // b.x_shape[1], dw, db),
        meeting,
        partial(take_means, every, weight, saved.invstd, slope, offset),
        norm.batch_norm_call(*rest),
    ]


def joined(every: Array) -> tuple[Array, Array, Array]:
    """(count, mean, sum of squares around it) of all blocks, from those of each: every (blocks, 3, C)."""
    count, mean, squares = every[0].copy()
    for n, other, more in every[1:]:
        total, delta = count + n, other - mean
        squares += more + delta * delta * (count * n / total)
        mean += delta * (n / total)
        count = total
    return count, mean, squares


def take_joined(
    every: Array, mean: Array, invstd: Array, eps: float, running_mean: Array, running_var: Array, momentum: float
) -> None:
    """Write what batch norm saves of the whole batch, and update the running statistics."""
    with np.errstate(all="ignore"):
        count, means, squares = joined(every)
        np.copyto(mean[0], means, casting="same_kind")
        np.copyto(mean[1], means - mean[0], casting="same_kind")
        inverse = 1 / np.sqrt(np.maximum(squares, 0) / count + eps)
        np.copyto(invstd, np.minimum(inverse, np.finfo(invstd.dtype).max), casting="same_kind")
        for running, new in ((running_mean, means), (running_var, squares / (count - 1))):
            mixed = new if momentum == 1 else (1 - momentum) * running.astype("float64") + momentum * new
            if momentum != 0:
                np.copyto(running, mixed, casting="same_kind")


def put(own: Array, count: int, dw: Array, db: Array) -> None:
    """The values of a channel in this block, and its sums."""
    own[0], own[1], own[2] = count, dw, db


def take_means(every: Array, weight: Any, invstd: Array, slope: Array, offset: Array) -> None:
    """slope = -w r dw / m and offset = -w r db / m, so that dx = w r dz + z slope + offset."""
    with np.errstate(all="ignore"):
        total = every[0].copy()
        for each in every[1:]:
            total += each
        scale = invstd.astype("float64") / -total[0]
        if weight is not None:
            scale = scale * weight
        np.copyto(slope, scale * total[1], casting="same_kind")
        np.copyto(offset, scale * total[2], casting="same_kind")
