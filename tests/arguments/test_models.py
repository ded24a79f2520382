"""What people give as a model or an input shape: each error says what to write instead."""

import numpy as np
import pytest

import fastconv
from fastconv import layers
from fastconv.graph import sequential
from fastconv.network import Network

X, LABELS = np.ones((6, 4), "float32"), np.arange(6) % 3


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (layers.ReLU, r"this is a class, call it to make a layer: ReLU\(...\)"),
        (layers.Linear, r"this is a class, call it to make a layer: Linear\(...\)"),
        ([layers.ReLU()], r"to join several layers write sequential\(\*layers\)"),
        ("relu", "got 'relu'"),
        (fastconv.relu, "models are made of layers"),
        (np.tanh, "models are made of layers"),
        (fastconv.models.resnet18, "if model is a function that returns a model, call it: resnet18"),
    ],
)
def test_what_is_no_model(model, says):
    with pytest.raises(TypeError, match=says):
        Network(model, (4,))


@pytest.mark.parametrize("part", [layers.ReLU, [layers.ReLU()], "relu", fastconv.relu, None])
def test_what_is_no_part_of_a_model(part):
    with pytest.raises(TypeError, match=r"sequential takes layers and functions Node -> Node, got|made of layers"):
        Network(sequential(layers.ReLU(), part), (4,))


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        (None, TypeError),
        ("28", TypeError),
        ({1: 2}, TypeError),
        ((28, 28), ValueError),
        ((None, 1, 8, 8), ValueError),
    ],
)
def test_what_is_no_input_shape(shape, error):
    with pytest.raises(error, match=r"input_shape must be \(C, H, W\) or \(features,\), without the batch axis, got"):
        Network(layers.ReLU(), shape)


@pytest.mark.parametrize("shape", [4, np.int64(4), (4,), [4], np.array([4])])
def test_every_form_of_a_number_of_features(shape):
    assert Network(layers.ReLU(), shape).input_shape == (4,)
