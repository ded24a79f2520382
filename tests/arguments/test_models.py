"""What people give as a model or an input shape: each error says what to write instead, and that works."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, models, sequential

NETWORK = Network(layers.ReLU(), (4,))


def nothing(x):
    layers.ReLU()(x)


def two(x, training):
    return x


def maker():
    return layers.ReLU()


def maker_with_default(outputs=3):
    return sequential(layers.Linear(3))


def forgotten_call(x):
    return layers.ReLU()


PYTORCH = SimpleNamespace(state_dict=dict, modules=list)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (layers.ReLU, "this is a class, call it to make a layer: ReLU(...)"),
        (layers.Linear, "this is a class, call it to make a layer: Linear(...)"),
        ("relu", "got 'relu'; write fastconv.ReLU(...)"),
        ("conv2d", "write fastconv.Conv2D(...)"),
        ("resnet18", "got 'resnet18'; write fastconv.models.resnet18()"),
        ("ResNet18", "write fastconv.models.resnet18()"),
        ("?", "model must be a layer or a function Node -> Node, got '?'"),
        (None, "got None"),
        (np.zeros(3), "arrays come later, network.predict(x)"),
        (
            {"a": layers.ReLU()},
            "write sequential(*layers.values()); a layer has its name in itself",
        ),
        (NETWORK, "this is built already; use it as it is, or build another Network from its model"),
        (NETWORK.freeze(), "this is built already"),
        (NETWORK.output, "this is a value in a model; write the function of nodes that makes it"),
        (models, "got the module fastconv.models; this is a module"),
        (models.known["lenet5"], "write Network(entry.build(), entry.input_shape)"),
        (PYTORCH, "a module of PyTorch must be written with fastconv's layers; Network.load reads its weights"),
        ((4,), "model must be a layer or a function Node -> Node, got (4,); write Network(model, (4,))"),
        (nothing, "got None; is `return` missing in nothing?"),
        (lambda x: (x, x), "a network has one output: return fastconv.concat(a, b), or a + b"),
        (lambda x: layers.ReLU, "this is a class, call it and then its layer: ReLU()(x)"),
        (forgotten_call, "got ReLU(); call it on the node: layer(x)"),
        (two, "'training'; model must take one Node, the rest by functools.partial(two, ...)"),
        (maker, "if maker makes a model, call it: maker()"),
        (maker_with_default, "maker_with_default makes a model, call it: Network(maker_with_default(), input_shape)"),
        (models.resnet18, "if resnet18 makes a model, call it: resnet18()"),
        (fastconv.relu, "write fastconv.ReLU()(x)"),
        (np.tanh, "write fastconv.Tanh()(x)"),
    ],
)
def test_what_is_no_model(model, says):
    with pytest.raises(TypeError, match=re.escape(says)):
        Network(model, layers.ReLU() if isinstance(model, tuple) else (4,))


def test_a_module_of_models_names_one_of_them():
    import fastconv.models.resnet as module

    with pytest.raises(TypeError, match=r"such as fastconv\.models\.resnet18\(\)"):
        Network(module, (3, 8, 8))


def test_a_list_of_layers_is_a_model():
    parts = [layers.Flatten(), layers.Linear(5)]
    for model in (parts, tuple(parts), iter(parts), [layers.Flatten(), [layers.Linear(5)]]):
        assert Network(model, (1, 4, 4)).output_shape == (5,)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (layers.ReLU, "this is a class, call it to make a layer: ReLU(...)"),
        ("relu", "write fastconv.ReLU(...)"),
        (None, "got None"),
        (NETWORK, "this is built already"),
        (NETWORK.output, "this is a value in a model"),
        (np.zeros(3), "arrays come later"),
        (4, "got 4"),
    ],
)
def test_what_is_no_part_of_a_model(part, says):
    for parts in ((layers.ReLU(), part), ([layers.ReLU(), part],)):
        with pytest.raises(TypeError, match=re.escape("sequential takes layers and functions Node -> Node, got")) as e:
            sequential(*parts)
        assert says in str(e.value)


RULE = "input_shape must be (C, H, W), (C, L) or (features,), without the batch axis, got "


@pytest.mark.parametrize(
    ("shape", "error", "says"),
    [
        (None, TypeError, "None"),
        ("28", TypeError, "'28'; write (1, 28, 28), numbers and no text"),
        ({1: 2}, TypeError, "{1: 2}"),
        (28.0, TypeError, "28.0"),
        ((None, 784), ValueError, "(None, 784); write (784,)"),
        ((None,), TypeError, "(None,); it has no batch axis"),
        ((None, 1, 8, 8), ValueError, "(None, 1, 8, 8); write (1, 8, 8), which is x.shape[1:] of a batch x"),
        ((32, 1, 28, 28), ValueError, "(32, 1, 28, 28); write (1, 28, 28), which is x.shape[1:] of a batch x"),
        ((32, 28, 28, 1), ValueError, "(32, 28, 28, 1); write (1, 28, 28), and give images as x.transpose(0, 3, 1, 2)"),
        (
            (None, 224, 200, 3),
            ValueError,
            "(None, 224, 200, 3); write (3, 224, 200), and give images as",
        ),
        ((1, 28.0, 28.0), TypeError, "(1, 28.0, 28.0); write (1, 28, 28)"),
        (np.zeros((5, 1, 8, 8)), TypeError, "an array of shape (5, 1, 8, 8); write x.shape[1:]"),
        ((1, 2, 3, 4, 5), ValueError, "(1, 2, 3, 4, 5); 3-D images are not supported: the most is (C, H, W)"),
        ((), ValueError, "()"),
    ],
)
def test_what_is_no_input_shape(shape, error, says):
    with pytest.raises(error, match=re.escape(RULE + says)):
        Network(layers.ReLU(), shape)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (480, 640, 3)])
def test_channels_behind_the_pixels_are_told_at_the_line_that_says_so(shape):
    right = (shape[2], shape[0], shape[1])
    with pytest.warns(UserWarning, match=re.escape(f"write {right}, and give them as x.transpose(0, 3, 1, 2)")) as told:
        assert Network(layers.ReLU(), shape).input_shape == shape
    assert told[0].filename == __file__


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 3), (64, 10, 3), (16, 100, 1), (3, 3, 3), (8, 8, 1)])
def test_a_shape_that_may_well_be_meant_is_taken_in_silence(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Network(layers.ReLU(), shape).input_shape == shape


@pytest.mark.parametrize("shape", [4, np.int64(4), (4,), [4], np.array([4])])
def test_every_form_of_a_number_of_features(shape):
    assert Network(layers.ReLU(), shape).input_shape == (4,)
