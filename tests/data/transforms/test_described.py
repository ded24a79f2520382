"""Transforms as names and arguments, as a file holds them, and back."""

import json
from functools import partial

import numpy as np
import pytest

from fastconv.data import Draws, transforms

MADE = [
    transforms.resize(20),
    transforms.resize((12, 16), "lanczos"),
    transforms.center_crop(8),
    transforms.random_crop(16, padding=(2, 3), fill="reflect"),
    transforms.random_resized_crop(12, scale=(0.3, 0.9), method="nearest"),
    transforms.random_flip(0.3, vertical=True),
    transforms.random_rotation(30),
    transforms.random_rotation((10, 20)),
    transforms.color_jitter(0.4, contrast=(0.5, 0.9), hue=0.1),
    transforms.color_jitter(),
    transforms.random_erasing(0.9, value=(1, 2, 3)),
    transforms.to_float(),
    transforms.normalize(),
    transforms.normalize(0.5, 0.25),
]
FIXED = ("resize", "center_crop", "to_float", "normalize")
FACTORIES = [name for name in transforms.__all__ if name.islower()]
OTHERS = {"apply", "described", "made", "mixup", "unchanging"}


def result(transform):
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16)).astype(np.uint8)
    return np.stack(list(transform(images, Draws(1, 2, range(5)))))


def test_every_factory_is_tried():
    assert {transforms.described(transform)["name"] for transform in MADE} == set(FACTORIES) - OTHERS


@pytest.mark.parametrize("transform", MADE, ids=[str(transforms.described(t)["name"]) for t in MADE])
def test_a_description_makes_the_same_transform_again(transform):
    description = transforms.described(transform)
    again = transforms.made(json.loads(json.dumps(description)))
    assert transforms.described(again) == description
    np.testing.assert_array_equal(result(again), result(transform))


def test_functions_of_ones_own_have_no_description():
    own = (lambda images, draws: images, partial(np.clip, min=0), partial(partial, 3), [], None)
    assert [transforms.described(each) for each in own] == [None] * len(own)


def test_those_without_random_numbers_stay_in_order_with_functions_of_ones_own():
    def own(images, draws):
        return images

    kept = transforms.unchanging([MADE[3], own, *MADE])
    assert kept[0] is own
    assert [transforms.described(t)["name"] for t in kept[1:]] == [
        name for name in (transforms.described(t)["name"] for t in MADE) if name in FIXED
    ]


@pytest.mark.parametrize("transform", transforms.unchanging(MADE))
def test_those_that_stay_do_not_depend_on_the_draws(transform):
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16)).astype(np.uint8)
    np.testing.assert_array_equal(transform(images, Draws(7, 8, range(5))), result(transform))


@pytest.mark.parametrize(
    ("description", "error", "says"),
    [
        ("resize", TypeError, 'description must be a dict such as {"name": "resize"'),
        ({"name": "resize", "size": 3}, TypeError, "description must be a dict"),
        ({"name": "rezise"}, ValueError, "got 'rezise'; did you mean resize?"),
        ({"name": "apply"}, ValueError, "name must be a transform of fastconv.data.transforms, got 'apply'"),
        ({"name": "mixup"}, ValueError, "name must be a transform of fastconv.data.transforms, got 'mixup'"),
        ({"name": "resize", "arguments": [3]}, TypeError, "arguments of resize must be a dict"),
        ({"name": "resize", "arguments": {}}, TypeError, "transforms.resize() cannot be made: "),
        ({"name": "resize", "arguments": {"size": 0}}, ValueError, "transforms.resize(size=0) cannot be made: size"),
    ],
)
def test_a_wrong_description_says_what_is_wrong(description, error, says):
    with pytest.raises(error) as caught:
        transforms.made(description)
    assert says in str(caught.value)
