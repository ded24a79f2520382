"""Which first steps of a prediction run for a few images at a time, so that what they pass on stays in the caches.

Early layers have large maps and small weights: a few images of theirs fit into the caches, a whole batch does not. Late
layers have small maps and large weights, which are better read once for the whole batch.
"""

from itertools import accumulate
from math import prod
from operator import itemgetter
from typing import NamedTuple

CACHES = 8 << 20  # bytes that a step may read and write and still find, or leave, in the caches
WORTH = 8  # at least one part in so many of the bytes to and from memory must be saved
CALL = 1 << 18  # bytes that memory could give in the time that starting and joining the threads takes


class Slices(NamedTuple):
    """The first `steps` units run for `images` images at a time."""

    steps: int
    images: int


def choose(units, output, homes, n, itemsize):
    """The slices that move the fewest bytes to and from memory; None where they would save little."""
    stops = list(cuts(units, output, homes))
    whole = [0, *accumulate(moved(units, n, n, itemsize))]
    best = (whole[-1] - whole[-1] // WORTH, None)
    for images in (m for m in range(1, n) if n % m == 0):
        sliced = [0, *accumulate(moved(units, n, images, itemsize))]
        for stop in stops:
            best = min(best, (sliced[stop] + whole[-1] - whole[stop], Slices(stop, images)), key=itemgetter(0))
    return best[1]


def cuts(units, output, homes):
    """After how many units only the result of the last of them is still read; it and the input lie in no concat."""
    read = {source.index: i for i, unit in enumerate(units) for source in unit.inputs} | {output.index: len(units)}
    alone = {node.index for node in (unit.last for unit in units) if homes[node.index][0] is node}
    alive = set()
    for i, unit in enumerate(units):
        alive = {index for index in (*alive, unit.last.index) if read.get(index, 0) > i}
        if alive == {unit.last.index} and {units[0].last.index, unit.last.index} <= alone and 0 < i < len(units) - 1:
            yield i + 1


def moved(units, n, images, itemsize):
    """For each step the bytes that a batch of `n` moves to and from memory, `images` at a time."""
    return [n // images * (beyond_caches(unit, images, itemsize) + weights(unit, itemsize) + CALL) for unit in units]


def beyond_caches(unit, images, itemsize):
    """Of what the step reads and writes; from twice the caches' size on nothing is still there when it is read.

    Where a step computes much meanwhile, little of it is waited for.
    """
    node, size = unit.node, images * sum(prod(part.shape) for part in (*unit.inputs, unit.last)) * itemsize
    beyond = max(0, min(size, 2 * (size - CACHES)))
    work = images * node.layer.multiply_adds(node.inputs[0].shape, node.shape) if node.layer else 0
    return beyond if work < 4 * size else beyond // 4


def weights(unit, itemsize):
    params = unit.node.spec.params.values() if unit.node.spec else ()
    return sum(prod(p.shape) for p in params) * itemsize
