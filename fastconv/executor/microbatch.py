"""Which first steps of a prediction run for a few images at a time, so that what they pass on stays in the caches.

Early layers have large maps and small weights: a few images of theirs fit into the caches, a whole batch does not. Late
layers have small maps and large weights, which are better read once for the whole batch.
"""

from itertools import accumulate
from math import isqrt, prod
from operator import itemgetter
from typing import NamedTuple

import numpy as np

CACHES = 8 << 20  # bytes that a step may read and write and still find, or leave, in the caches
WORTH = 8  # at least one part in so many of the bytes to and from memory must be saved
CALL = 1 << 18  # bytes that memory could give in the time that starting and joining the threads takes


class Slices(NamedTuple):
    """The first `steps` units run for `images` images at a time."""

    steps: int
    images: int


def choose(units, output, homes, n, itemsize):
    """The slices that move the fewest bytes to and from memory; None where they would save little."""
    stops = sorted(cuts(units, output, homes))
    images = divisors(n, largest(units[: stops[-1]], itemsize)) if stops else ()
    if len(images) == 0:
        return None
    whole = [0, *accumulate(moved(unit, n, np.float64(n), itemsize) for unit in units)]
    ends = set(stops)
    best, sliced = (whole[-1] - whole[-1] // WORTH, -1, None), 0
    for stop, unit in enumerate(units[: stops[-1]], 1):
        sliced = sliced + moved(unit, n, images, itemsize)
        if stop in ends:
            i = int(sliced.argmin())
            found = sliced[i] + whole[-1] - whole[stop], i, Slices(stop, int(images[i]))
            best = min(best, found, key=itemgetter(0, 1))
    return best[2]


def divisors(n, most):
    """The divisors of n that are below n and at most `most`, as floats in ascending order."""
    low = np.arange(1, min(most, isqrt(n)) + 1)
    low = low[n % low == 0]
    both = np.union1d(low, n // low)
    return both[(both < n) & (both <= most)].astype(np.float64)


def largest(units, itemsize):
    """The number of images from which the caches hold nothing, so that larger parts of a batch are better."""
    return int(2 * CACHES // min(per_image(unit, itemsize) for unit in units)) + 1


def cuts(units, output, homes):
    """After how many units only the result of the last of them is still read; it and the input lie in no concat."""
    read = {source.index: i for i, unit in enumerate(units) for source in unit.inputs} | {output.index: len(units)}
    alone = {node.index for node in (unit.last for unit in units) if homes[node.index][0] is node}
    alive = set()
    for i, unit in enumerate(units):
        alive = {index for index in (*alive, unit.last.index) if read.get(index, 0) > i}
        if alive == {unit.last.index} and {units[0].last.index, unit.last.index} <= alone and 0 < i < len(units) - 1:
            yield i + 1


def moved(unit, n, images, itemsize):
    """The bytes that a batch of `n` moves to and from memory for a step, `images` at a time."""
    return n // images * (beyond_caches(unit, images, itemsize) + weights(unit, itemsize) + CALL)


def beyond_caches(unit, images, itemsize):
    """Of what the step reads and writes; from twice the caches' size on nothing is still there when it is read.

    Where a step computes much meanwhile, little of it is waited for.
    """
    node, size = unit.node, images * per_image(unit, itemsize)
    beyond = np.maximum(0, np.minimum(size, 2 * (size - CACHES)))
    work = node.layer.multiply_adds(node.inputs[0].shape, node.shape) if node.layer else 0
    return beyond if work < 4 * per_image(unit, itemsize) else beyond // 4


def per_image(unit, itemsize):
    """Bytes that a step reads and writes."""
    return sum(prod(part.shape) for part in (*unit.inputs, unit.last)) * itemsize


def weights(unit, itemsize):
    params = unit.node.spec.params.values() if unit.node.spec else ()
    return sum(prod(p.shape) for p in params) * itemsize
