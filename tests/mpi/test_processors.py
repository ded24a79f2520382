"""The processors of a machine among its ranks."""

import pytest

from fastconv.mpi.processors import part


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8, 20])
@pytest.mark.parametrize("processors", [1, 2, 7, 8, 64])
def test_ranks_of_all_processors_get_equal_parts(ranks, processors):
    own = set(range(processors))
    assert part(own, [own] * ranks) == max(1, processors // ranks)


def test_ranks_that_are_bound_keep_their_own_processors():
    sets = [{0, 1, 2, 3}, {4, 5, 6, 7}]
    assert [part(own, sets) for own in sets] == [4, 4]
    assert part({0, 1, 2, 3}, [{0, 1, 2, 3}, {2, 3}]) == 3  # two alone, and half of two
