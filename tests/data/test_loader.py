"""Batches of an epoch: the same for any workers, in order, errors where they belong, and nothing left over."""

import threading

import numpy as np
import pytest
from numbers_data import Deadly, Noting, NumbersData, Uneven

from fastconv.data import ArrayData, Draws, Loader, transforms

AUGMENT = [transforms.random_crop(4, padding=1), transforms.random_flip(), transforms.to_float()]


def batches(loader, number=0):
    return [(images.copy(), targets.copy()) for images, targets in loader.epoch(number)]


def workers_alive():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("fastconv-loader")]


def same(first, second):
    return len(first) == len(second) and all(
        (a == b).all() and (s == t).all() for (a, s), (b, t) in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 4}, {"workers": 2, "processes": True}], ids=str)
def test_batches_have_the_same_bits_for_any_workers(options):
    data = NumbersData(23)
    expected = batches(Loader(data, 5, workers=0, transforms=AUGMENT), 3)
    assert same(batches(Loader(data, 5, transforms=AUGMENT, **options), 3), expected)
    assert workers_alive() == []


def test_an_image_is_the_same_in_batches_of_any_size():
    def by_target(size):
        data = NumbersData(24, classes=10)
        data.labels = np.arange(24)
        found = batches(Loader(data, size, transforms=AUGMENT))
        images, targets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return images[targets.argsort()]

    assert (by_target(1) == by_target(7)).all()
    assert (by_target(24) == by_target(7)).all()


def test_an_epoch_visits_every_image_once_in_an_order_of_its_own():
    loader = Loader(NumbersData(50), 7)
    orders = [np.concatenate([images[:, 0, 0, 0] for images, _ in loader.epoch(n)]) for n in (0, 1, 0)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert (orders[0] == orders[2]).all()
    assert (orders[0] != orders[1]).any()
    assert (orders[0] != Loader(NumbersData(50), 7, seed=1).order(0)).any()
    assert Loader(NumbersData(5), shuffle=False).order(9).tolist() == [0, 1, 2, 3, 4]


def test_plain_iteration_counts_the_epochs():
    loader = Loader(NumbersData(9), 4)
    first, second = ([targets.tolist() for _, targets in loader] for _ in range(2))
    assert first == [targets.tolist() for _, targets in loader.epoch(0)]
    assert second == [targets.tolist() for _, targets in loader.epoch(1)]


@pytest.mark.parametrize(("count", "size", "drop", "sizes"), [(7, 3, False, [3, 3, 1]), (7, 3, True, [3, 3])])
def test_the_last_batch_is_smaller_or_left_out(count, size, drop, sizes):
    loader = Loader(NumbersData(count), size, drop_last=drop)
    assert [len(images) for images, _ in loader] == sizes
    assert len(loader) == len(sizes)


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": 3}, {"workers": 2, "processes": True}], ids=str)
def test_an_error_comes_where_its_batch_would_and_names_the_file(options):
    loader, seen = Loader(NumbersData(12, broken=[7]), 2, shuffle=False, **options), []
    with pytest.raises(ValueError, match=r"picture 7\.jpg is damaged"):
        seen.extend(images[0, 0, 0, 0] for images, _ in loader)
    assert seen == [0, 2, 4]
    assert workers_alive() == []


def test_a_loop_that_is_left_early_ends_the_workers():
    for _ in Loader(NumbersData(100), 1, workers=3):
        break
    assert workers_alive() == []
    with pytest.raises(KeyboardInterrupt):
        interrupted(Loader(NumbersData(100), 1, workers=3))
    assert workers_alive() == []


def interrupted(loader):
    for _ in loader:
        raise KeyboardInterrupt


def test_few_batches_wait():
    data = Noting(100)
    iterator = Loader(data, 1, workers=2).epoch(0)
    for taken in range(1, 20):
        next(iterator)
        assert data.read <= taken + 3
    iterator.close()
    assert data.read < 30


def test_a_process_that_dies_is_an_error_and_not_a_wait():
    with pytest.raises(RuntimeError, match="a process that makes batches has ended"):
        list(Loader(Deadly(4), 2, workers=1, processes=True))


def test_what_cannot_be_pickled_is_refused_for_processes():
    with pytest.raises(TypeError, match="can be pickled"):
        list(Loader(NumbersData(4), transforms=lambda images, draws: images, processes=True))


def test_balanced_classes_occur_equally_often_and_no_image_rests():
    data = NumbersData(100)
    data.labels = np.array([0] * 88 + [1] * 9 + [2] * 3)
    loader = Loader(data, 10, balanced=True)
    order = loader.order(0)
    counts = np.bincount(data.labels[order])
    assert counts.sum() == 100
    assert counts.min() == 33
    for label in (1, 2):
        drawn = np.bincount(order)[data.labels.searchsorted(label) :][: (data.labels == label).sum()]
        assert drawn.max() - drawn.min() <= 1
    assert (order != loader.order(1)).any()


def test_an_image_that_is_drawn_again_has_other_random_numbers():
    data = NumbersData(40, classes=2)
    data.labels = np.array([0] * 39 + [1])
    seen = []
    loader = Loader(data, 5, balanced=True, transforms=lambda x, draws: seen.append(draws.uniform(1)) or x, workers=0)
    list(loader)
    numbers = np.concatenate(seen)
    assert len(np.unique(numbers)) == 40


def test_each_transform_has_random_numbers_of_its_own():
    seen = []

    def note(images, draws):
        seen.append(draws.uniform(1)[0, 0])
        return images

    list(Loader(NumbersData(1), transforms=[note, note], workers=0))
    assert seen == [Draws(0, 0, [0]).of(k).uniform(1)[0, 0] for k in (0, 1)]
    assert seen[0] != seen[1]


def test_images_of_different_sizes_are_refused_with_what_to_add():
    with pytest.raises(ValueError, match=r"must have one shape, got \(1, 1, 4\).*add to the transforms"):
        list(Loader(Uneven(4)))
    images, _ = next(Loader(Uneven(4), transforms=transforms.center_crop(2)).epoch(0))
    assert images.shape == (4, 1, 2, 2)


def test_mixing_is_the_last_step():
    loader = Loader(NumbersData(8), 4, transforms=AUGMENT, mix=transforms.mixup(1.0, classes=3), workers=2)
    for images, targets in loader:
        assert images.dtype == np.float32
        assert targets.shape == (4, 3)
    assert same(batches(loader), batches(loader))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data": (np.zeros((2, 1, 2, 2)), [0, 1])}, "data must be a data set"),
        ({"data": NumbersData}, "data must be a data set"),
        ({"data": NumbersData(0)}, "at least one batch, got 0 images"),
        ({"batch_size": 9, "drop_last": True}, "fewer than batch_size=9"),
        ({"batch_size": 0}, "batch_size must be >= 1"),
        ({"workers": -1}, "workers must be >= 0"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"shuffle": 1}, "shuffle must be True or False"),
        ({"transforms": [3]}, "each transform must be a function"),
        ({"transforms": transforms.to_float}, r"write transforms.to_float\(...\)"),
        ({"mix": 0.2}, "mix must be a function"),
        ({"balanced": True, "shuffle": False}, "balanced=True draws in random order"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_bad_arguments_are_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Loader(**({"data": NumbersData(8)} | options))


def test_balance_needs_labels():
    data = NumbersData(4)
    data.labels = None
    with pytest.raises(ValueError, match="has no labels"):
        Loader(data, balanced=True)


class Odd:
    """A data set whose batch gives whatever it was made with."""

    def __init__(self, result):
        self.result = result

    def __len__(self):
        return 2

    def batch(self, indices):
        return self.result


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (None, r"Odd.batch\(indices\) must return \(images, targets\), got None"),
        (np.zeros((2, 1, 2, 2)), "got an array|got .*array"),
        ((np.zeros((2, 1, 2, 2)), [0, 1], 3), r"must return \(images, targets\)"),
        ((np.zeros((3, 1, 2, 2)), [0, 1]), r"for 2 indices, got 3 images and targets of shape \(2,\)"),
        ((np.zeros((2, 1, 2, 2)), 5), r"got 2 images and targets of shape \(\)"),
    ],
    ids=["none", "array", "three", "counts", "number"],
)
def test_a_batch_that_is_no_pair_is_named(result, says):
    with pytest.raises((TypeError, ValueError), match=says):
        next(iter(Loader(Odd(result), workers=0)))


def test_lists_of_lists_are_images():
    images, targets = next(iter(Loader(Odd(([[[[0.0, 1.0]]], [[[2.0, 3.0]]]], [0, 1])), workers=0)))
    assert images.shape == (2, 1, 1, 2)
    assert targets.tolist() == [0, 1]


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("mixed", [False, True])
def test_shares_of_a_batch_are_its_parts(ranks, mixed):
    """Random numbers are those of the images, whoever reads them; a rank without images of a batch gets none."""
    images = np.random.default_rng(0).integers(0, 256, (13, 1, 4, 4), dtype=np.uint8)
    mix = transforms.mixup(0.3, classes=3) if mixed else None
    changes = [transforms.random_crop(4, padding=1), transforms.to_float()]
    loader = Loader(ArrayData(images, np.arange(13) % 3), 6, seed=2, transforms=changes, mix=mix)
    whole = list(loader.epoch(1))

    def share(rank):
        return lambda n: slice(rank * n // ranks, (rank + 1) * n // ranks)

    parts = [list(loader.epoch(1, share=share(rank))) for rank in range(ranks)]
    for number, (x, labels) in enumerate(whole):
        for rank, made in enumerate(parts):
            place = share(rank)(len(x))
            if place.start == place.stop:  # the last batch has one image
                assert mixed or len(made) == 2
                continue
            np.testing.assert_array_equal(made[number][0], x[place])
            np.testing.assert_array_equal(made[number][1], labels[place])
