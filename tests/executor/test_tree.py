"""Sums of blocks in a fixed order, for any number of ranks."""

import numpy as np
import pytest
from ranks import together

from fastconv.executor import Alone
from fastconv.executor.tree import bounds, halves, spans, tree_sum

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 16, 50])
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7, 16, 60])
def test_parts_hold_everything_once_and_differ_by_one(count, parts):
    cuts = bounds(count, parts)
    sizes = np.diff(cuts)
    assert (cuts[0], cuts[-1], len(cuts)) == (0, count, parts + 1)
    assert sizes.max() - sizes.min() <= 1
    assert sizes[0] >= 1  # the first rank always has something


def by_definition(vectors):
    """The two halves of the sum, the first one the larger."""
    if len(vectors) == 1:
        return vectors[0]
    middle = (len(vectors) + 1) // 2
    return by_definition(vectors[:middle]) + by_definition(vectors[middle:])


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 16])
def test_spans_of_all_ranks_are_the_whole_tree(blocks):
    for ranks in range(1, blocks + 1):
        cuts = bounds(blocks, ranks)
        found = [span for r in range(ranks) for span in spans((0, blocks), (cuts[r], cuts[r + 1]))]
        covered = [number for first, stop in found for number in range(first, stop)]
        assert covered == list(range(blocks))
    assert halves((0, 5)) == ((0, 3), (3, 5))


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_the_sum_has_the_bits_of_the_definition(blocks, size):
    vectors = RNG.standard_normal((blocks, 37)).astype("float32") * 10.0 ** RNG.integers(-3, 4, (blocks, 1))
    vectors = vectors.astype("float32")
    expected = by_definition(list(vectors))
    cuts = bounds(blocks, size)

    def work(ranks):
        out = np.full(37, np.nan, "float32")
        own = {k: vectors[k].copy() for k in range(cuts[ranks.rank], cuts[ranks.rank + 1])}
        tree_sum(own, blocks, ranks, out)
        return out.tobytes()

    assert together(size, work) == [expected.tobytes()] * size
    if size == 1:
        out = np.empty(37, "float32")
        tree_sum({k: vectors[k].copy() for k in range(blocks)}, blocks, Alone(), out)
        assert out.tobytes() == expected.tobytes()
