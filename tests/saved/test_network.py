"""Predictions from raw images: arrays and pictures of any size give what the steps give one by one."""

import numpy as np
import pytest
from PIL import Image

import fastconv
from fastconv import Network, models
from fastconv.data import DataError, Draws, read_images, transforms
from fastconv.layers import Conv2D, Flatten, Linear, LogSoftmax, Softmax
from fastconv.saved import SavedNetwork

STEPS = [transforms.resize(36), transforms.center_crop(32), transforms.normalize()]


@pytest.fixture(scope="module")
def colour():
    return Network(models.resnet20(3), (3, 32, 32), seed=0)


@pytest.fixture(scope="module")
def grey():
    return Network(models.lenet5(4), (1, 28, 28), seed=0)


def photos(count=3, channels=3):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (channels, 40 + n, 50 - n % 9)).astype(np.uint8) for n in range(count)]


def by_hand(image, network):
    y = image[None]
    for step in STEPS:
        y = step(y, Draws(0, 0, [0]))
    return network.predict(y)[0]


def test_images_of_different_sizes_go_through_the_preprocessing(colour):
    images = photos(70)  # more than are worked on at a time
    found = SavedNetwork(colour, preprocessing=STEPS).predict(images)
    for n in (0, 5, 69):
        np.testing.assert_array_equal(found[n], by_hand(images[n], colour))


def test_pictures_give_what_their_pixels_give(colour, tmp_path):
    saved, images = SavedNetwork(colour, preprocessing=STEPS), photos()
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    wanted = saved.predict(images)
    np.testing.assert_array_equal(saved.predict(paths), wanted)
    np.testing.assert_array_equal(saved.predict(str(paths[1])), wanted[1:2])
    np.testing.assert_array_equal(saved.predict(tmp_path), wanted)
    np.testing.assert_array_equal(saved.predict([tmp_path, paths[0]]), wanted[[0, 1, 2, 0]])


def test_pictures_without_preprocessing_are_those_of_read_images(colour, tmp_path):
    Image.fromarray(photos()[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", np.full((2, 3, 32, 32), 200, np.uint8))
    for path in (tmp_path / "a.png", tmp_path / "b.npy"):
        wanted = colour.predict(read_images(path, (3, 32, 32)))
        np.testing.assert_array_equal(SavedNetwork(colour).predict(path), wanted)


@pytest.mark.parametrize("steps", [[], [transforms.normalize()]])
def test_where_no_transform_changes_the_size_pictures_are_cut_to_a_square_first(steps, colour, tmp_path):
    image = np.zeros((3, 64, 128), np.uint8)
    image[:, :, 28:100] = 255  # the square in the middle, and what a filter sees of its sides
    Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "a.png")
    saved = SavedNetwork(colour, preprocessing=steps)
    np.testing.assert_array_equal(saved.predict(tmp_path / "a.png"), saved.predict(np.full((3, 32, 32), 255, np.uint8)))
    np.save(tmp_path / "b.npy", np.full((3, 32, 32), 255, np.uint8))
    np.testing.assert_array_equal(saved.predict([tmp_path / "b.npy"]), saved.predict(tmp_path / "a.png"))


def test_every_form_of_grey_images_is_the_same_batch(grey):
    x = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28)).astype(np.uint8)
    wanted = grey.predict((x / 255).astype("float32"))
    saved = SavedNetwork(grey)
    forms = (x, x[:, 0], list(x), list(x[:, 0]), tuple(x), x / 255, (x / 255).astype("float32"))
    for form in forms:
        np.testing.assert_allclose(saved.predict(form), wanted, rtol=1e-5, atol=1e-6)
    for one in (x[0], x[0, 0], [x[0]]):
        np.testing.assert_allclose(saved.predict(one), wanted[:1], rtol=1e-5, atol=1e-6)
    assert saved.predict([]).shape == saved.predict(x[:0]).shape == (0, 4)
    assert saved.predict(x[:, :, :, :]).dtype == np.float32


def test_networks_of_features_and_of_float64():
    network = Network(fastconv.sequential(Linear(3)), (4,), "float64", seed=0)
    x = np.random.default_rng(0).random((5, 4))
    np.testing.assert_array_equal(SavedNetwork(network).predict(x), network.predict(x))
    np.testing.assert_array_equal(SavedNetwork(network).predict(x[0]), network.predict(x[:1]))


@pytest.mark.parametrize(
    ("images", "error", "says"),
    [
        (np.zeros((5, 32, 32, 3), np.uint8), ValueError, "write images.transpose(0, 3, 1, 2)"),
        (np.zeros((32, 32, 3), np.uint8), ValueError, "write images.transpose(2, 0, 1)"),
        (np.zeros((5, 32, 32, 4), np.uint8), ValueError, "write images[..., :3].transpose(0, 3, 1, 2)"),
        ([np.zeros((32, 32, 3), np.uint8)], ValueError, "write images[0].transpose(2, 0, 1)"),
        (np.zeros((5, 32, 32), np.uint8), ValueError, "write images[:, None].repeat(3, 1)"),
        (np.zeros((32, 32), np.uint8), ValueError, "write images[None].repeat(3, 0)"),
        (np.zeros((5, 1, 32, 32), np.uint8), ValueError, "write images.repeat(3, 1)"),
        (np.zeros((5, 3, 32, 32), int), TypeError, "write numpy.asarray(images, 'uint8')"),
    ],
)
def test_other_axes_and_dtypes_are_refused_with_the_line_to_write(images, error, says, colour):
    saved = SavedNetwork(colour)
    with pytest.raises(error) as caught:
        saved.predict(images)
    assert says in str(caught.value)
    line = says.removeprefix("write ")
    fixed = eval(line, {"images": images, "numpy": np})
    assert len(saved.predict(fixed)) == (1 if fixed.ndim == 3 else 5)


@pytest.mark.parametrize(
    ("images", "error", "says"),
    [
        (np.zeros((2, 3, 30, 30), np.uint8), ValueError, "images must have shape (3, 32, 32) like the network's, got"),
        ([np.zeros((3, 30, 30), np.uint8)], ValueError, "preprocessing=[transforms.resize((32, 32)), ...]"),
        (None, TypeError, "images must be an array, a list of arrays or a path, got None"),
        (5, TypeError, "images must be an array, a list of arrays or a path, got 5"),
        (
            ["nix.png", np.zeros((3, 32, 32))],
            TypeError,
            "images must be all paths or all arrays, got the path 'nix.png'",
        ),
        ("nix.png", DataError, "nix.png: cannot be read: No such file"),
    ],
)
def test_what_is_no_image_of_this_network_is_refused(images, error, says, colour):
    with pytest.raises(error) as caught:
        SavedNetwork(colour).predict(images)
    assert says in str(caught.value)


def test_floats_that_are_bytes_are_warned_of(grey):
    with pytest.warns(UserWarning, match=r"if white is 255, write images.astype\('uint8'\)"):
        SavedNetwork(grey).predict(np.full((28, 28), 200.0))


def test_probabilities_are_the_softmax_of_logits(grey):
    x = np.random.default_rng(0).random((3, 28, 28))
    saved = SavedNetwork(grey)
    y = saved.predict(x).astype(float)
    wanted = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(saved.probabilities(x), wanted, rtol=1e-5)


def test_what_is_a_probability_already_stays():
    x = np.random.default_rng(0).random((3, 28, 28))
    paper = SavedNetwork(Network(models.zhang2016(), (1, 28, 28), seed=0))
    np.testing.assert_array_equal(paper.probabilities(x), paper.predict(x))
    for last in (Softmax(), LogSoftmax()):
        saved = SavedNetwork(Network(fastconv.sequential(Flatten(), Linear(4), last), (1, 28, 28), seed=0))
        np.testing.assert_allclose(saved.probabilities(x).sum(axis=1), 1, rtol=1e-5)


def test_maps_of_classes_have_probabilities_over_the_classes_and_no_one_class():
    saved = SavedNetwork(Network(Conv2D(4, 3), (1, 8, 8), seed=0))
    x = np.zeros((2, 8, 8), np.uint8)
    np.testing.assert_allclose(saved.probabilities(x).sum(axis=1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match=r"classify needs a network with outputs \(K,\), got \(4, 6, 6\)"):
        saved.classify(x)


def test_one_output_is_no_probability():
    saved = SavedNetwork(Network(fastconv.sequential(Flatten(), Linear(1)), (1, 8, 8), seed=0))
    with pytest.raises(ValueError, match=r"the network has one output; write predict\(images\)"):
        saved.probabilities(np.zeros((8, 8), np.uint8))


def test_the_most_probable_classes_come_first(grey):
    x = np.random.default_rng(0).random((3, 28, 28))
    saved = SavedNetwork(grey, ("a", "b", "c", "d"))
    p = saved.probabilities(x)
    for row, found in zip(p, saved.classify(x, top=3), strict=True):
        wanted = sorted(zip(row.tolist(), "abcd", strict=True), reverse=True)[:3]
        assert found == [(name, value) for value, name in wanted]
    assert [[name] for [(name, _)] in SavedNetwork(grey).classify(x)] == p.argmax(axis=1)[:, None].tolist()
    with pytest.raises(ValueError, match="top must be from 1 to 4, the number of classes, got 5"):
        saved.classify(x, top=5)


def test_classifiers_halfway_have_no_say():
    network = Network(models.googlenet(3, aux_logits=True), (3, 32, 32), seed=0)
    saved = SavedNetwork(network, ("a", "b", "c"))
    [found] = saved.classify(np.zeros((3, 32, 32), np.uint8), top=3)
    assert sum(p for _, p in found) == pytest.approx(1, abs=1e-5)
    assert "3 classes: a, b, c" in repr(saved)


def test_prepared_images_are_what_the_network_is_given(colour):
    saved, images = SavedNetwork(colour, preprocessing=STEPS), photos(3)
    x = saved.prepare(images)
    assert (x.shape, x.dtype) == ((3, 3, 32, 32), np.float32)
    np.testing.assert_array_equal(colour.predict(x), saved.predict(images))
    np.testing.assert_array_equal(saved.prepare(images[0]), x[:1])
    assert saved.prepare([]).shape == (0, 3, 32, 32)
