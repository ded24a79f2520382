"""The sum of the gradients of the blocks of a batch, in an order that does not depend on who computed which block.

    g = ((g0 + g1) + (g2 + g3)) + ((g4 + g5) + (g6 + g7))

Blocks first ... stop - 1 are a span; a span is the sum of its two halves. Each rank adds the spans that lie in its own
blocks, and sends them cut into as many pieces as there are ranks: rank r adds piece r of all spans, and sends the sum
to all. So a rank sends and receives about 2 (R - 1) / R times the gradient, as in a ring, and every sum is the one that
a process alone makes.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from ..typing import Array
from .ranks import Ranks

__all__ = ["bounds", "halves", "spans", "total", "tree_sum"]

Span: TypeAlias = tuple[int, int]


def bounds(count: int, parts: int) -> list[int]:
    """Where `count` things are cut into parts that differ by at most one; with too few, the first parts have one."""
    return [-(-part * count // parts) for part in range(parts + 1)]


def halves(span: Span) -> tuple[Span, Span]:
    """The two spans of which one is the sum."""
    first, stop = span
    middle = first + (stop - first + 1) // 2
    return (first, middle), (middle, stop)


def spans(span: Span, own: Span) -> Iterator[Span]:
    """The largest spans of the tree below `span` that lie in `own`."""
    first, stop = max(span[0], own[0]), min(span[1], own[1])
    if first >= stop:
        return
    if (first, stop) == span:
        yield span
        return
    for half in halves(span):
        yield from spans(half, own)


def total(span: Span, known: Mapping[Span, Array]) -> Array:
    """The sum of a span; vectors of spans that are known are overwritten."""
    if span in known:
        return known[span]
    left, right = (total(half, known) for half in halves(span))
    left += right
    return left


def tree_sum(gradients: Mapping[int, Array], blocks: int, ranks: Ranks, out: Array) -> None:
    """out = the sum over all blocks, of which this rank has those in `gradients`, by number; they are overwritten."""
    whole, cuts = (0, blocks), bounds(blocks, ranks.size)
    held = [list(spans(whole, (cuts[r], cuts[r + 1]))) for r in range(ranks.size)]  # the spans of each rank
    known = {(number, number + 1): vector for number, vector in gradients.items()}
    sums = [total(span, known) for span in held[ranks.rank]]
    if ranks.size == 1:
        np.copyto(out, sums[0])
        return
    places = bounds(len(out), ranks.size)
    pieces = [slice(places[r], places[r + 1]) for r in range(ranks.size)]
    empty = out[:0]
    sent = [np.concatenate([empty, *(each[piece] for each in sums)]) for piece in pieces]
    length = places[ranks.rank + 1] - places[ranks.rank]
    received = ranks.exchange(sent, [len(each) * length for each in held])
    parts: dict[Span, Array] = {}
    for theirs, vector in zip(held, received, strict=True):
        parts.update(zip(theirs, vector.reshape(len(theirs), length), strict=True))
    np.copyto(out[pieces[ranks.rank]], total(whole, parts))
    ranks.join(out, places)
