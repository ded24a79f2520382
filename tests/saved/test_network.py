"""Predictions on raw images: against the network's own on images that were prepared by hand."""

import numpy as np
import pytest

from fastconv import Network, layers, models, sequential, softmax
from fastconv.data import transforms
from fastconv.saved import UNKNOWN, SavedNetwork

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
GREY = RNG.integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)


def saved(channels=3, preprocessing=None, classes=("a", "b", "c"), *last):
    model = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Linear(3), *last)
    return SavedNetwork(Network(model, (channels, 8, 8), seed=0), classes, preprocessing, None)


def floats(images):
    return (images / np.float32(255)).astype("float32")


@pytest.mark.parametrize(
    ("channels", "images", "expected"),
    [
        (3, COLOUR, COLOUR),
        (3, COLOUR[0], COLOUR[:1]),
        (3, list(COLOUR), COLOUR),
        (3, floats(COLOUR), COLOUR),
        (3, floats(COLOUR).astype("float64"), COLOUR),
        (1, GREY, GREY),
        (1, GREY[:, 0], GREY),
        (1, GREY[0, 0], GREY[:1]),
        (3, np.moveaxis(np.ascontiguousarray(np.moveaxis(COLOUR, 1, -1)), -1, 1), COLOUR),
        (3, COLOUR[:0], COLOUR[:0]),
    ],
)
def test_bytes_are_divided_by_255(channels, images, expected):
    net = saved(channels)
    np.testing.assert_allclose(net.predict(images), net.network.predict(floats(expected)), rtol=1e-5, atol=1e-6)


def test_a_preprocessing_is_done():
    net = saved(preprocessing=(transforms.center_crop(8), transforms.normalize(0.5, 0.25)))
    images = RNG.integers(0, 256, (2, 3, 10, 10), dtype=np.uint8)
    x = (floats(images[:, :, 1:-1, 1:-1]) - np.float32(0.5)) / np.float32(0.25)
    np.testing.assert_allclose(net.predict(images), net.network.predict(x), rtol=1e-5, atol=1e-6)


def test_images_of_different_sizes_are_brought_to_one():
    net = saved(preprocessing=(transforms.resize((8, 8)),))
    images = [COLOUR[0], RNG.integers(0, 256, (3, 12, 20), dtype=np.uint8)]
    y = net.predict(images)
    np.testing.assert_array_equal(y[0], net.predict(COLOUR[0])[0])
    np.testing.assert_array_equal(y[1], net.predict(images[1])[0])


def test_probabilities_and_classes_best_first():
    net = saved()
    p = net.probabilities(COLOUR)
    np.testing.assert_array_equal(p, softmax(net.predict(COLOUR)))
    for row, found in zip(p, net.classify(COLOUR, top=2), strict=True):
        best = sorted(zip(row.tolist(), "abc", strict=True), reverse=True)[:2]
        assert found == [(name, value) for value, name in best]
    assert {name for name, _ in saved(3, None, None).classify(COLOUR[0], top=9)[0]} == {"0", "1", "2"}


def test_a_network_that_ends_with_probabilities_gives_them():
    for last in (layers.Softmax(), layers.Sigmoid()):
        net = saved(3, None, None, last)
        np.testing.assert_array_equal(net.probabilities(COLOUR), net.predict(COLOUR))


def test_pictures_in_files(tmp_path):
    image = pytest.importorskip("PIL.Image")
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for path, pixels in zip(files, COLOUR, strict=False):
        image.fromarray(np.moveaxis(pixels, 0, -1)).save(path)
    net = saved()
    np.testing.assert_array_equal(net.predict(files), net.predict(COLOUR[:2]))
    np.testing.assert_array_equal(net.predict(str(files[0])), net.predict(COLOUR[:1]))
    image.fromarray(RNG.integers(0, 256, (30, 20, 3), dtype=np.uint8)).save(files[0])
    assert net.predict(files).shape == (2, 3)
    assert saved(1).predict(files).shape == (2, 3)


@pytest.mark.parametrize(
    ("images", "error", "says"),
    [
        (np.moveaxis(COLOUR, 1, -1), ValueError, r"write numpy.moveaxis\(images, -1, 1\)"),
        (
            COLOUR[:, :, :6],
            ValueError,
            r"images must have the shape \(3, 8, 8\) after the preprocessing, got \(3, 6, 8\)",
        ),
        (GREY, ValueError, r"got \(1, 8, 8\)"),
        (COLOUR.astype("int64"), TypeError, "images must be uint8 or floating-point numbers"),
        ("missing.png", ValueError, "missing.png"),
        (3, TypeError, "images must be uint8"),
        ([], ValueError, "images"),
        ([COLOUR[0], COLOUR[0, :, :6]], ValueError, "after the preprocessing"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_is_no_image(images, error, says):
    with pytest.raises(error, match=says):
        saved().predict(images)


def test_an_unknown_preprocessing_is_asked_for():
    with pytest.raises(ValueError, match=r"fastconv.load\(path, preprocessing=\[...\]\)"):
        saved(preprocessing=UNKNOWN).predict(COLOUR)


@pytest.mark.parametrize("top", [0, -1, 1.5, "2"])
def test_how_many_classes(top):
    with pytest.raises((TypeError, ValueError), match="top must be"):
        saved().classify(COLOUR, top)


def test_a_network_of_maps_has_no_classes():
    net = SavedNetwork(Network(layers.Conv2D(2, 3), (3, 8, 8), seed=0), None, None, None)
    with pytest.raises(ValueError, match="classify needs a network of one class an image"):
        net.classify(COLOUR)


def test_a_checkpoint_loads_as_a_network(tmp_path):
    from fastconv import data, fit, load
    from fastconv.callbacks import Checkpoint

    net = Network(models.resnet8(num_classes=2), (3, 8, 8), seed=0)
    changes = [transforms.random_flip(), transforms.normalize(0.5, 0.25)]
    loader = data.Loader(data.ArrayData(COLOUR, [0, 1, 0, 1, 0], ["cat", "dog"]), transforms=changes)
    fit(net, loader, callbacks=[Checkpoint(tmp_path / "run.npz")], progress=False)
    found = load(tmp_path / "run.npz")
    assert found.classes == ("cat", "dog")
    assert [transforms.described(step)["name"] for step in found.preprocessing] == ["normalize"]
    x = (floats(COLOUR) - np.float32(0.5)) / np.float32(0.25)
    np.testing.assert_allclose(found.predict(COLOUR), net.predict(x), rtol=1e-5, atol=1e-5)
    own = data.Loader(data.ArrayData(COLOUR, [0, 1, 0, 1, 0]), transforms=[lambda images, draws: images / 255.0])
    fit(net, own, callbacks=[Checkpoint(tmp_path / "run.npz")], progress=False)
    with pytest.raises(ValueError, match="the file does not know what images pass through"):
        load(tmp_path / "run.npz").predict(COLOUR)
