"""Arrays of another shape, type or range than images have: the error, or the warning, says a line that works."""

import re
import warnings

import numpy as np
import pytest

from fastconv.data import DataError, read_images

GREY, RGB = (1, 6, 8), (3, 6, 8)
RNG = np.random.default_rng(0)


def bytes_of(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("given", "shape", "line", "count"),
    [
        ((2, 6, 8, 3), RGB, "numpy.moveaxis(array, -1, -3)", 2),
        ((6, 8, 3), RGB, "numpy.moveaxis(array, -1, -3)", 1),
        ((2, 6, 8, 1), GREY, "numpy.moveaxis(array, -1, -3)", 2),
        ((2, 48), GREY, "array.reshape(-1, 1, 6, 8)", 2),
        ((48,), GREY, "array.reshape(-1, 1, 6, 8)", 1),
        ((2, 144), RGB, "array.reshape(-1, 3, 6, 8)", 2),
        ((2, 6, 8), RGB, "array[..., None, :, :].repeat(3, axis=-3)", 2),
        ((6, 8), RGB, "array[..., None, :, :].repeat(3, axis=-3)", 1),
    ],
)
def test_the_line_for_arrays_of_another_shape_works(tmp_path, given, shape, line, count):
    path, array = tmp_path / "a.npy", bytes_of(*given)
    np.save(path, array)
    says = f"the network reads images of shape {shape}, got an array {given};"
    with pytest.raises(DataError, match=f"{re.escape(says)}.*{re.escape(line)}"):
        read_images(path, shape)
    np.save(path, eval(line, {"numpy": np, "array": array}))
    assert read_images(path, shape).shape == (count, *shape)


@pytest.mark.parametrize("given", [(1, 9), (3, 8, 6), (0, 6, 8), ()])
def test_where_no_line_helps_none_is_told(tmp_path, given):
    np.save(tmp_path / "a.npy", np.zeros(given, np.uint8))
    with pytest.raises(DataError, match=re.escape(f"got an array {given}") + "$"):
        read_images(tmp_path / "a.npy", GREY)


def test_labels_in_place_of_images_are_told_so(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(100, np.uint8))
    with pytest.raises(DataError, match=r"got an array \(100,\); are these the labels\? name the file of the images$"):
        read_images(tmp_path / "a.npy", GREY)


def test_bools_are_0_and_1(tmp_path):
    array = np.eye(6, 8, dtype=bool)
    np.save(tmp_path / "a.npy", array)
    found = read_images(tmp_path / "a.npy", GREY)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0, 0], array)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("scale", [1, 0.9])
def test_floats_that_look_like_bytes_are_a_warning_and_its_lines_work(tmp_path, dtype, scale):
    path, array = tmp_path / "a.npy", np.full((6, 8), 100, np.uint8)
    array[0, 0] = 0
    floats = (array * scale).astype(dtype)
    np.save(path, floats)
    said = (
        rf"a\.npy: numbers from 0 to {100 * scale:g}, not from 0 to 1 .* save array / 255, or array\.astype\('uint8'\)"
    )
    with pytest.warns(UserWarning, match=said) as caught:
        found = read_images(path, GREY)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(found[0, 0], floats.astype(np.float32))
    for line in (lambda array: array / 255, lambda array: array.astype("uint8")):
        np.save(path, line(floats))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert 0.3 < read_images(path, GREY).max() < 0.4


@pytest.mark.parametrize(
    "array",
    [
        np.eye(6, 8),
        np.linspace(0, 1, 48).reshape(6, 8),
        np.linspace(0, 1.4, 48).reshape(6, 8),  # sharpened
        np.linspace(-0.42, 2.82, 48).reshape(6, 8),  # mean and deviation of MNIST
        np.linspace(0, 3.24, 48).reshape(6, 8),  # divided by the deviation
        np.linspace(-100, 150, 48).reshape(6, 8),  # the mean subtracted, as Caffe does
        np.full((6, 8), np.nan),
        np.full((6, 8), np.inf),
        np.zeros((6, 8)),
        np.full((6, 8), 1000.0),
    ],
)
def test_other_floats_are_no_warning(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_images(tmp_path / "a.npy", GREY)[0, 0], array.astype(np.float32))
