"""Parts of a data set: each image once, each class with its share, by the seed alone."""

import numpy as np
import pytest
from numbers_data import NumbersData

from fastconv.data import Subset, split


def labelled(labels):
    data = NumbersData(len(labels))
    data.labels = np.asarray(labels)
    return data


def test_every_image_is_in_one_part():
    first, second = split(NumbersData(50), 0.3)
    assert sorted([*first.indices, *second.indices]) == list(range(50))
    assert len(second) == 15
    assert (np.diff(first.indices) > 0).all()
    assert (np.diff(second.indices) > 0).all()


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ((10, 20, 70), 0.1, (1, 2, 7)),
        ((15, 15, 10), 0.1, (2, 1, 1)),  # 1.5, 1.5 and 1: the first of the largest remainders gets one more
        ((97, 2, 1), 0.1, (10, 1, 0)),  # at least one where there are two; none of a single image
        ((2, 2), 0.9, (1, 1)),
        ((1, 1, 98), 0.5, (0, 0, 49)),
    ],
)
def test_each_class_keeps_its_share_by_the_largest_remainders(counts, share, expected):
    _, second = split(labelled(np.repeat(range(len(counts)), counts)), share)
    assert tuple(np.bincount(second.labels, minlength=len(counts))) == expected


def test_the_seed_alone_decides():
    parts = [split(NumbersData(60), 0.5, seed=seed)[1].indices for seed in (0, 0, 1)]
    assert (parts[0] == parts[1]).all()
    assert (parts[0] != parts[2]).any()


def test_without_labels_the_error_says_what_to_write():
    data = labelled([0] * 10)
    data.labels = None
    with pytest.raises(ValueError, match="write stratify=False"):
        split(data, 0.2)
    assert [len(part) for part in split(data, 0.2, stratify=False)] == [8, 2]
    assert not hasattr(split(data, 0.2, stratify=False)[0], "labels")


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan"), "half"])
def test_a_share_lies_between_0_and_1(share):
    with pytest.raises((TypeError, ValueError), match="share must"):
        split(NumbersData(10), share)


@pytest.mark.parametrize("labels", [list("aabb"), [0.0, 1.0, 0.0, 1.0], np.eye(4)], ids=["text", "floats", "one-hot"])
def test_labels_are_class_indices(labels):
    with pytest.raises(ValueError, match="must be class indices"):
        split(labelled(labels), 0.5)


def test_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="cannot be split"):
        split(NumbersData(1), 0.5)


def test_a_subset_reads_through_its_indices_and_passes_labels_and_classes_on():
    part = Subset(NumbersData(10), [7, 2, 2])
    images, targets = part.batch([2, 0])
    assert images[:, 0, 0, 0].tolist() == [2, 7]
    assert targets.tolist() == [2, 1]
    assert part.labels.tolist() == [1, 2, 2]
    assert part.classes == ("a", "b", "c")
    assert Subset(part, [0]).batch([0])[0][0, 0, 0, 0] == 7


@pytest.mark.parametrize("indices", [[-1], [10], [[1]], [0.5], ["a"]], ids=str)
def test_a_subset_takes_indices_of_the_data_set(indices):
    with pytest.raises((TypeError, ValueError), match="indices must be"):
        Subset(NumbersData(10), indices)
