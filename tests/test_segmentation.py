"""The example of examples/segmentation.py: a U-Net that finds discs and squares, and the pictures that it makes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import fastconv

EXAMPLE = Path(__file__).parents[1] / "examples" / "segmentation.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("segmentation", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_trains_to_an_intersection_over_union_of_nine_tenths(example):
    fastconv.set_num_threads(1)
    try:
        assert example.main() >= 0.9
    finally:
        fastconv.set_num_threads(None)


def test_every_picture_has_its_classes_and_unknown_edges(example):
    images, classes = example.pictures(20, 3)
    assert images.shape == (20, 1, 32, 32)
    assert images.dtype == np.float32
    assert set(np.unique(classes)) == {0, 1, 2, example.UNKNOWN}
    shares = [(classes == kind).mean() for kind in (0, 1, 2, example.UNKNOWN)]
    assert shares[0] > 0.5
    assert min(shares) > 0.02
    again, _ = example.pictures(20, 3)
    np.testing.assert_array_equal(images, again)
