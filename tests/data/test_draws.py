"""Random numbers of images: the published generator, uniform, independent, and functions of the image alone."""

import numpy as np
import pytest

from fastconv.data import Draws
from fastconv.data.draws import stream

PUBLISHED = {  # the first numbers of splitmix64 by its state
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F],
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
}


def splitmix64(state, count):
    """The published algorithm, in Python's integers."""
    mask, numbers = (1 << 64) - 1, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        numbers.append(z ^ (z >> 31))
    return numbers


@pytest.mark.parametrize("state", PUBLISHED)
def test_the_numbers_are_those_of_the_published_generator(state):
    numbers = PUBLISHED[state]
    assert stream(np.array([state], np.uint64), 0, len(numbers))[0].tolist() == numbers
    assert splitmix64(state, len(numbers)) == numbers


def test_any_part_of_a_stream_can_be_computed_alone():
    keys = np.array([5, 2**64 - 1], np.uint64)
    for key, row in zip(keys, stream(keys, 7, 9), strict=True):
        assert row.tolist() == splitmix64(int(key), 16)[7:]


def test_the_numbers_of_an_image_do_not_depend_on_the_other_images_or_their_order():
    indices = np.array([9, 0, 3, 3, 10**12])
    together = Draws(4, 2, indices).of(1).uniform(5)
    for index, row in zip(indices, together, strict=True):
        assert (Draws(4, 2, [index]).of(1).uniform(5)[0] == row).all()
    assert (together[2] == together[3]).all()


def test_a_call_continues_where_the_last_one_ended():
    once, draws = Draws(0, 0, [1, 2]).uniform(5), Draws(0, 0, [1, 2])
    assert (np.hstack([draws.uniform(2), draws.uniform(3)]) == once).all()


@pytest.mark.parametrize(
    "other",
    [Draws(1, 0, [0]), Draws(0, 1, [0]), Draws(0, 0, [1]), Draws(0, 0, [0], [1]), Draws(0, 0, [0]).of(0)],
    ids=["seed", "epoch", "image", "times", "transform"],
)
def test_each_thing_that_numbers_depend_on_changes_them_all(other):
    assert not np.isin(Draws(0, 0, [0]).bits(64), other.bits(64)).any()


def test_numbers_are_uniform_over_images_seeds_epochs_and_draws():
    """Chi-square over 256 cells: mean 255, standard deviation 22.6."""
    many = range(20_000)
    samples = {
        "images": Draws(0, 0, many).uniform(1),
        "draws": Draws(0, 0, [0]).uniform(20_000),
        "seeds": np.concatenate([Draws(seed, 0, [0]).uniform(1) for seed in range(5000)]),
        "epochs": np.concatenate([Draws(0, epoch, [0]).uniform(1) for epoch in range(5000)]),
    }
    for name, numbers in samples.items():
        assert numbers.min() >= 0
        assert numbers.max() < 1
        counts = np.bincount((numbers.ravel() * 256).astype(int), minlength=256)
        expected = numbers.size / 256
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * 22.6, name


def test_neighbours_are_independent():
    """The correlation of n independent pairs has the standard deviation 1 / sqrt(n)."""
    numbers = Draws(0, 0, range(5000)).uniform(8)
    neighbours = [(numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])]
    neighbours += [(numbers, Draws(0, 1, range(5000)).uniform(8)), (numbers, Draws(0, 0, range(5000)).of(0).uniform(8))]
    for a, b in neighbours:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_one_bit_of_an_index_changes_half_of_the_bits():
    changed = Draws(0, 0, [0]).bits(1) ^ Draws(0, 0, [1 << k for k in range(40)]).bits(1)
    assert 28 < np.mean([int(x).bit_count() for x in changed.ravel()]) < 36


def test_integers_cover_their_range_evenly_and_may_have_bounds_for_each_image():
    numbers = Draws(0, 0, range(6000)).integers(-1, 2)
    assert np.abs(np.bincount(numbers + 1, minlength=3) - 2000).max() < 200
    assert Draws(0, 0, [5, 6]).integers([3, 8], [4, 9]).tolist() == [3, 8]
    with pytest.raises(ValueError, match="high must be larger than low"):
        Draws(0, 0, [0]).integers(2, 2)


@pytest.mark.parametrize("arguments", [(-1, 0, [0]), (0, -1, [0]), (0, 0, [0.5]), (0.5, 0, [0]), (0, 0, 3)])
def test_what_is_no_seed_epoch_or_list_of_indices_is_refused(arguments):
    with pytest.raises((TypeError, ValueError), match=r"(seed|epoch|indices) must"):
        Draws(*arguments)


def test_no_images_have_no_numbers():
    assert Draws(0, 0, []).uniform(3).shape == (0, 3)
    assert len(Draws(0, 0, [])) == 0
