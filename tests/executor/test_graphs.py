"""Every graph gives what the naive run, node by node, gives."""

import gc

import numpy as np
import pytest
from naive import random_model
from plans import Weighted, agree_with_naive, planned

from fastconv.executor.steps import Copy
from fastconv.graph import concat, scope, sequential
from fastconv.layers import Conv2D, Flatten, Linear, MaxPool2D, ReLU, SeparableConv2D, Tanh
from fastconv.network import Network


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("channels", [3, 18], ids=["planar", "channels_last"])
def test_random_graphs(seed, channels):
    rng = np.random.default_rng(seed)
    network = Network(random_model(rng, int(rng.integers(1, 25)), channels), (2, 4, 3), "float64", seed=seed)
    agree_with_naive(network, seed=seed)


def test_the_layout_follows_the_widest_convolution():
    def layout(model):
        return Network(model, (3, 8, 8)).executor.channels_last

    assert not layout(sequential(Conv2D(16, 3), ReLU()))
    assert layout(sequential(Conv2D(16, 3), ReLU(), Conv2D(17, 3)))
    assert layout(sequential(Conv2D(17, 3), ReLU(), Conv2D(4, 3)))
    assert not layout(sequential(Flatten(), Linear(1000)))


def dense_block(x):
    """As in DenseNet, each layer reads the channels of all layers before it."""
    maps = [Conv2D(4, 3, padding=1)(x)]
    for _ in range(5):
        maps.append(Conv2D(4, 3, padding=1)(ReLU()(concat(*maps))))
    return concat(*maps)


def nested_block(x):
    """The same with one growing concatenation."""
    x = Conv2D(4, 3, padding=1)(x)
    for _ in range(5):
        x = concat(x, Conv2D(4, 3, padding=1)(ReLU()(x)))
    return x


@pytest.mark.parametrize("block", [dense_block, nested_block])
@pytest.mark.parametrize("channels", [3, 20])
def test_dense_blocks_copy_nothing(block, channels):
    network = Network(lambda x: Conv2D(channels, 1)(block(x)), (2, 5, 4), "float64", seed=0)
    steps = planned(network.output, 2, channels == 20, training=True).steps
    assert not any(isinstance(step, Copy) for step in steps)
    agree_with_naive(network)


def test_a_value_in_two_unrelated_concatenations_is_copied_once():
    def model(x):
        a, b, c = (Conv2D(2, 1)(x) for _ in range(3))
        return concat(a, b) + concat(a, c)

    network = Network(model, (2, 3, 3), "float64", seed=0)
    steps = planned(network.output, 1).steps
    assert sum(isinstance(step, Copy) for step in steps) == 1
    agree_with_naive(network)


def test_repeated_and_nested_concatenations():
    def model(x):
        a = Conv2D(2, 1)(x)
        inner = concat(a, x, a)
        return concat(inner, concat(inner, a), inner)

    network = Network(lambda x: Conv2D(2, 1)(model(x)), (2, 3, 3), "float64", seed=0)
    agree_with_naive(network)


def test_the_image_itself_as_output_sum_and_concatenation():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype("float32")
    np.testing.assert_array_equal(Network(lambda image: image, (3, 4, 4)).predict(x), x)
    np.testing.assert_array_equal(Network(lambda image: image + image, (3, 4, 4)).predict(x), x + x)
    twice = Network(lambda image: concat(image, image), (3, 4, 4)).predict(x)
    np.testing.assert_array_equal(twice, np.concatenate([x, x], 1))


def test_a_network_without_parameters_has_a_loss_and_no_gradients():
    x = np.ones((2, 3), "float64")
    value, gradients = Network(Tanh(), (3,), "float64").gradients(x, x, Weighted())
    assert value == pytest.approx(6 * np.tanh(1))
    assert dict(gradients) == {}


@pytest.mark.parametrize("channels", [2, 20])
def test_a_thousand_layers(channels):
    def model(x):
        x = Conv2D(channels, 1)(x)
        for i in range(250):
            with scope(f"block{i}"):
                x = Tanh()(Conv2D(channels, 1)(x)) + x
        return Linear(2)(Flatten()(x))

    network = Network(model, (1, 2, 2), "float64", seed=0)
    assert len(network.nodes) > 750
    agree_with_naive(network, n=1)
    del network
    gc.collect()


def test_a_thousand_nodes_in_chains_of_concatenations():
    def model(x):
        for _ in range(1000):
            x = concat(x, ReLU()(x)) if x.shape[0] < 64 else Conv2D(2, 1)(x)
        return x

    network = Network(model, (2, 1, 1), "float64", seed=0)
    assert sum(node.kind == "concat" for node in network.nodes) > 800
    agree_with_naive(network, n=1)


def test_saved_arrays_and_shared_layers():
    shared = SeparableConv2D(3, 3, padding=1)

    def model(x):
        a = shared(x)
        b = shared(ReLU()(a))
        return Linear(2)(Flatten()(MaxPool2D(2)(concat(a, b, shared(b)))))

    network = Network(model, (3, 6, 6), "float64", seed=3)
    assert sum(name.endswith(".filters") for name in network.parameters) == 1
    agree_with_naive(network)
