"""Networks: float64 copies with a loss or without, in both modes; models where kinks meet; nothing given changes."""

from functools import partial

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


def two_and_two(x):
    gate = layers.Sigmoid()(layers.Linear(2)(x["scalar"]))
    y = layers.Conv2D(2, 3)(x["image"])
    return {"map": y, "size": layers.Flatten()(layers.AdaptiveAvgPool2D(1)(y)) * gate}


SHAPES = {"image": (1, 5, 4), "scalar": (3,)}


def test_networks_of_several_inputs_and_outputs_are_checked_by_their_names():
    network = fastconv.Network(two_and_two, SHAPES, seed=0)
    report = gradcheck(network)
    assert report.passed
    assert {"dx[image]", "dx[scalar]", "conv1.weight", "linear1.bias"} <= {row.name for row in report.rows}
    rng = np.random.default_rng(0)
    x = {name: rng.standard_normal((2, *shape)) for name, shape in SHAPES.items()}
    targets = {"map": rng.standard_normal((2, 2, 3, 2)), "size": [1, 0]}
    assert gradcheck(network, x, targets, {"map": fastconv.MSE(), "size": fastconv.CrossEntropy()})
    assert gradcheck(two_and_two, SHAPES)
    assert gradcheck(lambda x: (x[0] * x[1], x[0] - x[1]), ((2, 3, 3), (2, 3, 3)))


class TwiceTheSlope(fastconv.Layer):
    def spec(self, x_shape, dtype):
        return fastconv.Spec(x_shape)

    def forward(self, b):
        return [partial(np.copyto, b.y, b.x)]

    def backward(self, b):
        return [] if b.dx is None else [partial(np.multiply, b.dy, 2, b.dx)]


def test_the_input_whose_gradient_is_wrong_is_named():
    def model(x):
        return (layers.ReLU()(x[0]), TwiceTheSlope()(x[1]))

    report = gradcheck(model, ((4,), (4,)), raise_exception=False)
    assert [row.name for row in report.rows if not row.passed] == ["dx[1]"]
    assert "dx[1]" in report.message()


def test_what_is_no_batch_of_several_is_refused_by_name():
    network = fastconv.Network(two_and_two, SHAPES, seed=0)
    with pytest.raises(ValueError, match="x must be a dict with 'image', 'scalar', got 'image'"):
        gradcheck(network, {"image": np.ones((2, 1, 5, 4))})
    with pytest.raises(ValueError, match=r"x\['scalar'\] must have shape \(N, 3\), got \(2, 4\)"):
        gradcheck(network, {"image": np.ones((2, 1, 5, 4)), "scalar": np.ones((2, 4))})
    with pytest.raises(ValueError, match=r"one row for each image, got image \(2, 1, 5, 4\), scalar \(3, 3\)"):
        gradcheck(network, {"image": np.ones((2, 1, 5, 4)), "scalar": np.ones((3, 3))})
