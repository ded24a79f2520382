"""Fused steps: which nodes join which, and that every rewrite leaves the result what it is without it."""

import numpy as np
import pytest
from naive import Naive

from fastconv.executor import rewrites
from fastconv.executor.fusion import find_fusions
from fastconv.executor.steps import Forward
from fastconv.graph import build, concat, sequential
from fastconv.graph.graph import ancestors
from fastconv.layers import (
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Linear,
    MaxPool2D,
    ReLU,
    ReLU6,
    Sigmoid,
)
from fastconv.losses import MSE, CrossEntropy
from fastconv.network import Network


def names(model, shape=(3, 8, 8), training=False, frozen=False):
    """Steps as texts: the nodes of each, joined by +."""
    output = build(model, shape, "float32")
    nodes = ancestors(output)
    wanted = {node.index for node in nodes[1:]} if training else set()
    return ["+".join(node.name for node in fusion.nodes) for fusion in find_fusions(nodes, output, wanted, frozen)[1:]]


def conv(channels, name, **options):
    return Conv2D(channels, 3, padding=1, name=name, **options)


def test_an_activation_joins_the_layer_before_it():
    model = sequential(conv(4, "a"), ReLU(), conv(4, "b"), ReLU6(), conv(4, "c"), Sigmoid())
    for training in (False, True):
        assert names(model, training=training) == ["a+relu1", "b+relu61", "c", "sigmoid1"]


def test_a_value_with_two_readers_is_stored():
    def model(x):
        y = conv(4, "a")(x)
        return ReLU()(y) + y

    assert names(model) == ["a", "relu1", "add1"]
    assert names(lambda x: conv(3, "a")(x)) == ["a"]


@pytest.mark.parametrize("then", [lambda y, x: y + x, lambda y, x: ReLU()(y)], ids=["sum", "relu"])
def test_a_shared_batch_norm_sees_its_inputs_in_the_order_of_the_model(then):
    """The first use is read after the second: its step must not wait for its reader."""

    def model(x):
        shared, z = BatchNorm(momentum=0.5, name="n"), conv(3, "z")(x)
        first, second = shared(z), shared(conv(3, "a")(x))
        return concat(then(first, x), second)

    network = Network(model, (3, 4, 5), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)) + 3
    twin = Network(model, (3, 4, 5), "float64", seed=0)
    Naive(twin).forward(x, training=True)
    network.gradients(x, np.zeros((2, 6, 4, 5)), MSE())
    for name, buffer in network.buffers.items():
        np.testing.assert_allclose(buffer, twin.buffers[name], rtol=1e-12, err_msg=name)
    assert names(model) != names(model, training=True)  # nothing is updated in prediction


def test_the_output_is_stored():
    def model(x):
        y = conv(4, "a")(x)
        ReLU()(y)  # read by nobody
        return y

    assert names(model) == ["a"]


def test_batch_norm_joins_only_in_frozen_networks():
    model = sequential(conv(4, "a"), BatchNorm(), ReLU())
    assert names(model) == ["a", "bn1+relu1"]
    assert names(model, training=True) == ["a", "bn1+relu1"]
    assert names(model, frozen=True) == ["a+bn1+relu1"]


def block(x, channels=4):
    y = sequential(
        conv(channels, "a"), BatchNorm(name="na"), ReLU(name="ra"), conv(channels, "b"), BatchNorm(name="nb")
    )(x)
    if x.shape != y.shape:
        x = sequential(Conv2D(channels, 1, name="c"), BatchNorm(name="nc"))(x)
    return ReLU(name="rb")(y + x)


def test_one_side_of_a_sum_is_added_while_the_other_is_stored():
    assert names(block) == ["a", "na+ra", "b", "c", "nc", "nb+add1+rb"]
    assert names(block, frozen=True) == ["a+na+ra", "c+nc", "b+nb+add1+rb"]
    assert names(block, (4, 8, 8), frozen=True) == ["a+na+ra", "b+nb+add1+rb"]
    assert names(lambda x: ReLU()(x + x)) == ["add1+relu1"]
    assert names(lambda x: conv(3, "a")(x) + x) == ["a+add1"]


def test_switched_off_rewrites_join_nothing(switch):
    switch("residual")
    assert names(block, (4, 8, 8), frozen=True) == ["a+na+ra", "b+nb", "add1+rb"]
    switch("norm")
    assert names(block, (4, 8, 8), frozen=True) == ["a", "na+ra", "b", "nb", "add1+rb"]
    switch("activation")
    assert names(block, (4, 8, 8), frozen=True) == ["a", "na", "ra", "b", "nb", "add1", "rb"]


@pytest.fixture
def switch():
    before = {}

    def off(name):
        before.setdefault(name, rewrites.use_rewrite(name, False))

    yield off
    for name, enabled in before.items():
        rewrites.use_rewrite(name, enabled)


def test_a_switch_says_what_it_was(switch):
    assert rewrites.use_rewrite("norm", True)
    switch("norm")
    assert not rewrites.enabled("norm")
    assert rewrites.switched_off() == {"norm"}
    with pytest.raises(ValueError, match="name must be"):
        rewrites.use_rewrite("speed")


@pytest.mark.parametrize("name", rewrites.OPTIONAL)
def test_a_plan_made_before_a_switch_is_not_used_after_it(name, switch):
    network = make(4)
    before = network.executor.bound_plan(2)
    assert network.executor.bound_plan(2) is before
    switch(name)
    assert network.executor.bound_plan(2) is not before


def residual_net(channels):
    def model(x):
        x = sequential(conv(channels, "stem"), BatchNorm(name="n0"), ReLU6())(x)
        x = block(x, channels)
        y = concat(sequential(Conv2D(channels, 1), ReLU())(x), sequential(conv(channels, "s"), ReLU())(x))
        y = sequential(BatchNorm(), ReLU(), conv(channels, "z"))(y) + x
        y = ReLU6()(y + MaxPool2D(3, 1, padding=1)(y))
        y = BatchNorm()(sequential(conv(channels, "last"))(y)) + y
        return sequential(GlobalAvgPool2D(), Flatten(), Linear(7), BatchNorm(), ReLU(), Linear(5))(y)

    return model


def make(channels, dtype="float64", seed=0):
    network = Network(residual_net(channels), (3, 6, 5), dtype, seed=seed)
    rng = np.random.default_rng(seed)
    for name, array in {**network.parameters, **network.buffers}.items():
        if array.ndim == 1:
            array[...] = rng.uniform(0.5, 1.5, array.shape)
        if name.endswith("num_batches_tracked"):
            array[...] = 0
    return network


def results(network, x, labels):
    """Prediction, loss and gradients, running statistics, frozen prediction."""
    predicted, frozen = network.predict(x), network.freeze(2).predict(x)
    loss, gradients = network.gradients(x, labels, CrossEntropy())
    return {"predicted": predicted, "frozen": frozen, "loss": loss, **gradients, **network.buffers}


@pytest.mark.parametrize("channels", [4, 20], ids=["planar", "channels_last"])
@pytest.mark.parametrize("off", [*rewrites.OPTIONAL, "all"])
def test_every_rewrite_gives_the_same_result(off, channels, switch):
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((3, 3, 6, 5)), rng.integers(0, 5, 3)
    expected = results(make(channels), x, labels)
    for name in rewrites.OPTIONAL if off == "all" else [off]:
        switch(name)
    found = results(make(channels), x, labels)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("channels", [4, 20], ids=["planar", "channels_last"])
def test_fused_steps_are_the_textbook(channels):
    """Against the graph run node by node, every value in memory of its own."""
    network = make(channels)
    rng = np.random.default_rng(2)
    x, labels = rng.standard_normal((3, 3, 6, 5)), rng.integers(0, 5, 3)
    naive = Naive(network)
    y = naive.forward(x)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(network.freeze().predict(x), y, rtol=1e-9, atol=1e-10)
    y = naive.forward(x, training=True)
    p = np.exp(y) / np.exp(y).sum(1, keepdims=True)
    expected = naive.backward((p - np.eye(5)[labels]) / 3)
    _, gradients = network.gradients(x, labels, CrossEntropy())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-8, atol=1e-10, err_msg=name)


def pooled_net(channels):
    def model(x):
        a = sequential(conv(channels, "a"), ReLU(name="ra"), MaxPool2D(3, 2, padding=1, name="pa"))(x)
        b = sequential(conv(channels, "b"), ReLU6(name="rb"), MaxPool2D(2, name="pb"))(x)
        y = concat(a, b, b)
        return sequential(conv(channels, "c"), ReLU(name="rd"), MaxPool2D(2, name="pd"), Flatten(), Linear(4))(y)

    return model


def made_of(step):
    return "+".join(node.name for node in step.fusion.nodes)


def test_relu_runs_after_max_pooling_in_training():
    executor = Network(pooled_net(4), (3, 8, 8)).executor
    trained = [made_of(step) for step in executor.make_plan(2, True).steps if isinstance(step, Forward)]
    assert trained == ["a", "pa", "ra", "b", "pb", "rb", "c", "pd", "rd", "flatten1", "linear1"]
    predicted = [made_of(step) for step in executor.make_plan(2).steps if isinstance(step, Forward)]
    assert predicted == ["a+ra", "pa", "b+rb", "pb", "c+rd", "pd", "flatten1", "linear1"]


@pytest.mark.parametrize("channels", [4, 20], ids=["planar", "channels_last"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relu_after_pooling_has_the_same_bits(channels, dtype, switch):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((3, 3, 8, 8)).astype(dtype)
    x[0] = 0  # windows of equal values
    x[1, :, 2, 2] = np.nan
    labels, found = rng.integers(0, 4, 3), []
    for _ in range(2):
        network = Network(pooled_net(channels), (3, 8, 8), dtype, seed=0)
        found.append((network.memory(3, True).values, network.gradients(x[:1], labels[:1], CrossEntropy()),
                      network.gradients(x, labels, CrossEntropy())))  # fmt: skip
        switch("pooled_first")
    (less, *first), (more, *second) = found
    assert less < more
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        for name, gradient in a[1].items():
            np.testing.assert_array_equal(gradient, b[1][name], err_msg=name)


def test_dropout_in_a_frozen_network_is_the_identity():
    network = Network(sequential(Conv2D(3, 3), Dropout(0.5), ReLU()), (2, 6, 6), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((2, 2, 6, 6))
    np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=1e-12)
