"""Micro-batching of predictions: the first fusions run for a few images at a time, so that values stay in the caches.

Early layers have large planes and small weights: their values fit into the caches for a few images, not for a batch.
Late layers have small planes and large weights, which are better read once for the whole batch.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import isqrt, prod
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ..graph import Node
from ..layer import Parameter
from ..typing import Array
from .analysis import Aliases
from .fusion import Fusion

# Bytes that a step may read and write so that they come from the caches and stay there. The limits in
# kernels/runtime/caches.pxd are of one result; this one is of all that a step reads and writes.
CACHES = 8 << 20
WORTH = 8  # micro-batches are used if they save at least 1 / WORTH of the bytes to and from memory
CALL = 1 << 18  # bytes that memory could deliver in the time that starting and joining the threads takes


class Cut(NamedTuple):
    """The first `fusions` fusions run for `images` images at a time."""

    fusions: int
    images: int


def choose(fusions: Sequence[Fusion], output: Node, aliases: Aliases, n: int, itemsize: int) -> Cut | None:
    """The cut that moves the fewest bytes to and from memory; None if no cut saves enough."""
    stops = sorted(cuts(fusions, output, aliases))
    images = divisors(n, largest(fusions[: stops[-1]], itemsize)) if stops else ()
    if len(images) == 0:
        return None
    whole = [0, *accumulate(moved(fusion, n, np.float64(n), itemsize) for fusion in fusions)]
    ends = set(stops)
    best: tuple[Any, int, Cut | None] = (whole[-1] - whole[-1] // WORTH, -1, None)
    parts: Any = 0  # bytes up to here for each number of images
    for stop, fusion in enumerate(fusions[: stops[-1]], 1):
        parts = parts + moved(fusion, n, images, itemsize)
        if stop in ends:
            i = int(parts.argmin())
            found = (parts[i] + whole[-1] - whole[stop], i, Cut(stop, int(images[i])))
            best = min(best, found, key=itemgetter(0, 1))
    return best[2]


def divisors(n: int, most: int) -> Array:
    """The divisors of n that are below n and at most `most`, as floats in ascending order."""
    low = np.arange(1, min(most, isqrt(n)) + 1)
    low = low[n % low == 0]
    both = np.union1d(low, n // low)
    return both[(both < n) & (both <= most)].astype(np.float64)


def largest(fusions: Sequence[Fusion], itemsize: int) -> int:
    """The most images worth trying: with more, the caches hold no value of any fusion, as with the whole batch."""
    return int(2 * CACHES // min(per_image(fusion, itemsize) for fusion in fusions)) + 1


def cuts(fusions: Sequence[Fusion], output: Node, aliases: Aliases) -> Iterator[int]:
    """The numbers of first fusions after which one value alone is still read: that of the last of them.

    Neither this value nor the image may lie inside a concatenation, nor may the value be a part of another.
    """
    read = {source.index: i for i, fusion in enumerate(fusions) for source in fusion.inputs}
    read[output.index] = len(fusions)
    alone = {node.index for node in (fusion.last for fusion in fusions) if aliases[node.index][0] is node}
    alive: set[int] = set()
    first = fusions[0].last.index
    for i, fusion in enumerate(fusions):
        last = fusion.last.index
        alive = {index for index in (*alive, last) if read.get(index, 0) > i}
        if alive == {last} and {first, last} <= alone and fusion.node.kind != "slice" and 0 < i < len(fusions) - 1:
            yield i + 1


def moved(fusion: Fusion, n: int, images: Any, itemsize: int) -> Any:
    """The bytes that a batch of `n` moves to and from memory in one fusion, `images` images at a time."""
    return n // images * (beyond_caches(fusion, images, itemsize) + weights(fusion, itemsize) + CALL)


def beyond_caches(fusion: Fusion, images: Any, itemsize: int) -> Any:
    """Estimated bytes to and from memory: none if the step fits into the caches, all from twice their size on.

    A step that is bound by arithmetic hides three quarters of them.
    """
    node, size = fusion.node, images * per_image(fusion, itemsize)
    beyond = np.maximum(0, np.minimum(size, 2 * (size - CACHES)))
    work = node.layer.multiply_adds(node.inputs[0].shape, node.shape) if node.layer else 0
    return beyond if work < 4 * per_image(fusion, itemsize) else beyond // 4


def per_image(fusion: Fusion, itemsize: int) -> int:
    """Bytes of one image that the step reads and writes."""
    return sum(prod(part.shape) for part in (*fusion.inputs, fusion.last)) * itemsize


def weights(fusion: Fusion, itemsize: int) -> int:
    """Bytes of the layer's parameters."""
    params: Iterable[Parameter] = fusion.node.spec.params.values() if fusion.node.spec else ()
    return sum(prod(p.shape) for p in params) * itemsize
