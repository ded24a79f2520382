"""The order in which an epoch visits the images of a data set."""

import numpy as np

from ..typing import Array
from .draws import Draws

__all__ = ["balanced_order", "in_file_order", "occurrences", "shuffled_order"]

SHUFFLE = 1 << 32  # beside the numbers of transforms


def in_file_order(count: int) -> Array:
    """0, 1, ..., count - 1"""
    return np.arange(count, dtype=np.int64)


def shuffled_order(count: int, seed: int, epoch: int) -> Array:
    """A random permutation: the indices, sorted by their random numbers of 64 bits."""
    numbers = Draws(seed, epoch, np.arange(count)).of(SHUFFLE).bits(1)[:, 0]
    return numbers.argsort(kind="stable").astype(np.int64)


def balanced_order(labels: Array, seed: int, epoch: int) -> Array:
    """(N,) indices, in which every class occurs N / K times, as nearly as can be, in random order.

    Within a class every image is drawn once before one is drawn again. Which classes get one more, if K does not
    divide N, is random.
    """
    order = shuffled_order(len(labels), seed, epoch)
    names, members = np.unique(labels, return_inverse=True)
    counts = np.full(len(names), len(labels) // len(names))
    counts[shuffled_order(len(names), seed, epoch)[: len(labels) % len(names)]] += 1
    drawn = [np.resize(order[members[order] == label], count) for label, count in enumerate(counts)]
    indices = np.concatenate(drawn)
    return indices[shuffled_order(len(indices), seed + 1, epoch)]


def occurrences(indices: Array) -> Array:
    """(N,) how many times each index stands before its place."""
    order = indices.argsort(kind="stable")
    ordered = indices[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else order
    lengths = np.diff(np.append(starts, len(ordered)))
    times = np.empty(len(indices), np.int64)
    times[order] = np.arange(len(indices)) - np.repeat(starts, lengths)
    return times
