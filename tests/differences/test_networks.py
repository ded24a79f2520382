"""Networks: float64 copies with a loss or without, in both modes; models where kinks meet; nothing given changes."""

import numpy as np
import pytest

import fastconv
from fastconv import layers, models
from fastconv.differences import gradcheck
from fastconv.differences.networks import in_float64


def images(shape, kind):
    rng = np.random.default_rng(0)
    if kind == "random":
        return rng.standard_normal((2, *shape))
    return np.zeros((2, *shape)) if kind == "black" else 1.0 * rng.integers(0, 2, (2, *shape))


@pytest.mark.parametrize("kind", ["random", "black", "black and white"])
@pytest.mark.parametrize(
    ("model", "shape", "entries"),
    [
        (models.zhang2016, (1, 28, 28), 10),
        (models.nielsen, (1, 28, 28), 10),
        (models.lenet5, (1, 28, 28), 10),
        (models.resnet8, (3, 8, 8), 2),
    ],
)
def test_no_model_gives_a_false_alarm(model, shape, entries, kind):
    network = fastconv.Network(model(), shape, seed=0)
    report = gradcheck(network, images(shape, kind), entries=entries, raise_exception=False)
    assert report, report.message()
    assert {row.name for row in report.rows} == {"dx", *network.parameters}


@pytest.mark.parametrize("training", [True, False])
def test_a_loss_and_targets_are_taken(training):
    model = fastconv.sequential(
        layers.Conv2D(2, 3), layers.BatchNorm(), layers.ReLU(), layers.Dropout(), layers.Flatten(), layers.Linear(3)
    )
    network = fastconv.Network(model, (1, 6, 6), seed=0)
    x = images((1, 6, 6), "random")
    assert gradcheck(network, x, [2, 0], fastconv.CrossEntropy(), training=training)
    assert gradcheck(network, x=x, targets=np.ones((2, 3)), loss=fastconv.MSE(), training=training)
    assert gradcheck(model, x, [2, 0], loss=fastconv.CrossEntropy(), training=training)


def test_a_network_is_checked_with_random_images_by_default():
    network = fastconv.Network(models.nielsen(), (1, 28, 28), seed=0)
    assert gradcheck(network, entries=3).rows[0].shape == (3, 1, 28, 28)


def test_nothing_of_the_network_changes():
    model = fastconv.sequential(layers.BatchNorm(), layers.Dropout(seed=1), layers.Flatten(), layers.Linear(2))
    network = fastconv.Network(model, (1, 3, 3), seed=0)
    network.set_trainable("linear1.bias", False)
    before = {name: array.copy() for name, array in network.arrays().items()}
    x = images((1, 3, 3), "random").astype("float32")
    given = x.copy()
    report = gradcheck(network, x, [0, 1], fastconv.CrossEntropy())
    assert "linear1.bias" in {row.name for row in report.rows}
    assert (x == given).all()
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_copy_in_float64_computes_the_same():
    shared = layers.Conv2D(2, 3, padding=1)

    def model(x):
        with fastconv.scope("block"):
            y = layers.ReLU(name="act")(shared(x))
        return fastconv.concat(shared(y), y + x)

    network = fastconv.Network(model, (2, 4, 4), seed=0)
    network.parameters["block.conv1.bias"][...] = 0.5
    copy = in_float64(network)
    assert copy.dtype == "float64"
    assert list(copy.parameters) == list(network.parameters)
    x = images((2, 4, 4), "random").astype("float32")
    np.testing.assert_allclose(copy.predict(x.astype("float64")), network.predict(x), atol=1e-5)
    assert gradcheck(network, x)


def test_auxiliary_heads_count_in_training_alone():
    model = fastconv.sequential(layers.Linear(6), layers.MainHead(2))
    network = fastconv.Network(model, (3,), seed=0)
    x = np.random.default_rng(0).standard_normal((2, 3))
    assert gradcheck(network, x, [0, 1], fastconv.losses.AuxiliaryCrossEntropy())
    assert gradcheck(network, x)
