"""Training on data sets and loaders: against loops of single steps on the same batches."""

import numpy as np
import pytest

from fastconv import data, losses
from fastconv.data import transforms
from fastconv.graph import sequential
from fastconv.layers import Conv2D, Flatten, Linear, ReLU
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import evaluate, fit, train_step

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
LABELS = np.repeat([0, 1, 2], [30, 15, 5])
SET = data.ArrayData(IMAGES, LABELS, classes=["a", "b", "c"])
CHANGES = [transforms.random_crop(8, padding=1), transforms.random_flip(), transforms.to_float()]


def network(outputs=3, channels=3):
    return Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(outputs)), (channels, 8, 8), seed=1)


def same(a, b):
    return a.parameters.flat.tobytes() == b.parameters.flat.tobytes()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_steps_of_a_loader_are_those_of_a_loop(workers):
    net, other, optimizer = network(), network(), SGD(0.05, momentum=0.9)
    loader = data.Loader(SET, batch_size=16, seed=7, transforms=CHANGES, workers=workers)
    history = fit(net, loader, epochs=3, optimizer=SGD(0.05, momentum=0.9), progress=False)
    for number in range(3):
        found = []
        for images, labels in data.Loader(SET, batch_size=16, seed=7, transforms=CHANGES).epoch(number):
            found.append((len(labels), train_step(other, images, labels, optimizer)))
        assert history[number].loss == pytest.approx(sum(n * loss for n, loss in found) / 50, rel=1e-12)
    assert same(net, other)


def test_a_second_training_goes_on_with_the_epochs_of_the_loader():
    net, other = network(), network()
    for epochs, trained, loader in ((2, net, data.Loader(SET, seed=7)), (1, other, data.Loader(SET, seed=7))):
        for _ in range(2 // epochs):
            fit(trained, loader, epochs=epochs, progress=False)
        assert loader.epochs == 2
    assert same(net, other)


def test_a_data_set_is_a_loader_with_the_seed_of_the_training():
    net, other = network(), network()
    fit(net, SET, batch_size=20, seed=3, epochs=2, progress=False)
    fit(other, data.Loader(SET, batch_size=20, seed=3), epochs=2, progress=False)
    assert same(net, other)


def test_bytes_are_divided_by_255():
    net, other = network(), network()
    floats = data.ArrayData((IMAGES / np.float32(255)).astype("float32"), LABELS)
    fit(net, SET, seed=3, progress=False)
    fit(other, floats, seed=3, progress=False)
    assert same(net, other)
    assert evaluate(net, SET) == evaluate(net, (IMAGES / np.float32(255)).astype("float32"), LABELS)


def test_a_share_for_the_validation_has_all_classes_and_is_not_trained_on():
    net, other = network(), network()
    x = (IMAGES / np.float32(255)).astype("float32")
    (epoch,) = fit(net, x, LABELS, validation=0.2, seed=5, progress=False)
    training, validation = data.split(data.ArrayData(x, LABELS), 0.2, seed=5)
    assert np.bincount(validation.labels).tolist() == [6, 3, 1]
    kept, held = training.indices, validation.indices
    (expected,) = fit(other, x[kept], LABELS[kept], validation=(x[held], LABELS[held]), seed=5, progress=False)
    assert same(net, other)
    assert epoch[1:5] == expected[1:5]
    assert np.intersect1d(kept, held).size == 0


def test_a_share_of_a_loader_is_seen_without_random_changes():
    net = network()
    loader = data.Loader(SET, batch_size=16, seed=7, transforms=[*CHANGES, transforms.normalize(0.5, 0.25)])
    (epoch,) = fit(net, loader, validation=0.2, progress=False)
    _, validation = data.split(SET, 0.2, seed=7)
    images, labels = validation.batch(np.arange(len(validation)))
    x = (images / np.float32(255) - np.float32(0.5)) / np.float32(0.25)
    loss, accuracy = evaluate(net, x, labels)
    assert epoch.validation_accuracy == accuracy
    assert epoch.validation_loss == pytest.approx(loss, rel=1e-6)


def test_a_validation_set_passes_through_the_transforms_that_are_not_random():
    net = network()
    loader = data.Loader(SET, seed=7, transforms=[transforms.random_flip(), transforms.normalize(0.5, 0.25)])
    (epoch,) = fit(net, loader, validation=SET, progress=False)
    own = data.Loader(SET, shuffle=False, batch_size=7, transforms=transforms.normalize(0.5, 0.25))
    assert (epoch.validation_loss, epoch.validation_accuracy) == pytest.approx(evaluate(net, own), rel=1e-6)


def test_metrics_see_the_outputs_and_classes_of_the_validation():
    def share_of_second(y, classes):
        assert y.shape == (50, 3)
        np.testing.assert_array_equal(classes, LABELS)
        return (y.argmax(1) == 1).mean()

    (epoch,) = fit(network(), SET, validation=SET, metrics={"second": share_of_second}, seed=0, progress=False)
    assert 0 <= epoch.metrics["second"] <= 1
    assert "second" in str(epoch)


class Unread(data.ArrayData):
    """A data set whose images nobody may read."""

    def batch(self, indices):
        raise AssertionError("an image was read")


@pytest.mark.parametrize(
    ("net", "given", "options", "error", "says"),
    [
        (network(2), Unread(IMAGES, LABELS), {}, ValueError, "labels must be class indices from 0 to 1, got 0 to 2"),
        (network(), SET, {"validation": data.Loader(SET)}, ValueError, "give a Loader with shuffle=False"),
        (network(), SET, {"validation": 1.0}, ValueError, "validation must be a share between 0 and 1"),
        (network(), SET, {"batch_size": 60, "drop_last": True}, ValueError, "a loader needs images for at least one"),
        (network(channels=1), SET, {}, ValueError, r"images must have shape \(N, 1, 8, 8\)"),
        (network(), data.ArrayData(IMAGES[:, :, :6], LABELS), {}, ValueError, r"images must have shape \(N, 3, 8, 8\)"),
        (network(), data.Loader, {}, TypeError, "images must be an array"),
        (network(), SET, {"seed": -1}, ValueError, "seed must be >= 0"),
    ],
)
def test_what_does_not_fit_changes_nothing(net, given, options, error, says):
    before = net.parameters.flat.tobytes()
    with pytest.raises(error, match=says):
        fit(net, given, progress=False, **options)
    assert net.parameters.flat.tobytes() == before


def test_a_nan_in_a_batch_is_told():
    x = (IMAGES / np.float32(255)).astype("float32")
    x[20, 0, 0, 0] = np.nan
    with pytest.raises(FloatingPointError, match="images of this batch hold NaN: look at the data set and its transf"):
        fit(network(), data.ArrayData(x, LABELS), seed=0, progress=False)


def test_names_of_the_classes_reach_callbacks():
    from fastconv.callbacks import Callback

    class Names(Callback):
        def on_begin(self, run):
            self.classes = run.classes

    names = Names()
    fit(network(), SET, seed=0, progress=False, callbacks=[names])
    assert names.classes == ("a", "b", "c")


def test_numbers_of_a_data_set_become_those_of_the_network():
    """A table of numbers holds float64."""
    net, other = network(), network()
    x, values = (IMAGES / np.float32(255)).astype("float32"), RNG.random((50, 3))
    fit(net, data.ArrayData(x, values), loss=losses.Huber(), seed=3, progress=False)
    fit(other, data.ArrayData(x, values.astype("float32")), loss=losses.Huber(), seed=3, progress=False)
    assert same(net, other)


@pytest.mark.parametrize("value", [None, np.ones(3), "0.5"], ids=repr)
def test_a_metric_that_gives_no_number_is_named(value):
    with pytest.raises(TypeError, match=r"metrics\['mine'\] must return a number for \(outputs, targets\), got "):
        fit(network(), SET, validation=SET, metrics={"mine": lambda y, classes: value}, progress=False)


def test_metrics_without_a_validation_are_refused():
    with pytest.raises(ValueError, match=r"metrics are those of the validation, .* write fit\(..., validation=0.1\)"):
        fit(network(), SET, metrics={"mine": lambda y, classes: 0.0}, progress=False)


def test_labels_beside_a_data_set_are_refused():
    with pytest.raises(TypeError, match="labels must be left out, for the ArrayData has its own"):
        fit(network(), SET, LABELS, progress=False)
