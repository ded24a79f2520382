"""Nodes and joints: shapes, names, and errors that name both nodes."""

import numpy as np
import pytest

from fastconv import graph
from fastconv.graph import Node, concat, scope, sequential
from fastconv.layer import Layer, Spec, State
from fastconv.layers import (
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    GroupNorm,
    LayerNorm,
    Linear,
    LocalResponseNorm,
    MaxPool2D,
    PReLU,
    ReLU,
    SeparableConv2D,
    ZeroPad2D,
)
from fastconv.losses import MSE
from fastconv.network import Network


def names(model, shape=(3, 8, 8)):
    return [node.name for node in graph.ancestors(graph.build(model, shape, "float32"))]


def parameters(model, shape=(3, 8, 8)):
    return list(Network(model, shape, seed=0).parameters)


def test_unnamed_layers_are_numbered_by_kind():
    model = sequential(Conv2D(4, 3), ReLU(), Conv2D(4, 3), ReLU(), Flatten(), Linear(2))
    assert names(model) == ["input", "conv1", "relu1", "conv2", "relu2", "flatten1", "linear1"]


def test_scopes_give_the_names_of_torchvision():
    def block(x):
        y = sequential(Conv2D(4, 3, padding=1), ReLU(), Conv2D(4, 3, padding=1))(x)
        return ReLU()(y + x)

    def model(x):
        x = Conv2D(4, 3, padding=1, name="stem")(x)
        for i in range(2):
            with scope(f"layer1.{i}"):
                x = block(x)
        with scope("head"), scope("last"):
            return Linear(2, bias=False)(Flatten()(x))

    weights = [name for name in parameters(model) if name.endswith("weight")]
    assert weights == [
        "stem.weight",
        "layer1.0.conv1.weight",
        "layer1.0.conv2.weight",
        "layer1.1.conv1.weight",
        "layer1.1.conv2.weight",
        "head.last.linear1.weight",
    ]


def test_a_number_already_taken_by_hand_is_passed_over():
    assert names(sequential(Conv2D(4, 3, name="conv1"), Conv2D(4, 3)))[1:] == ["conv1", "conv2"]


def test_one_scope_may_be_entered_again_and_again():
    """Made once outside a model that builds several networks, nested in itself, or around a function."""
    block = scope("block")

    @block
    def last(x):
        return Linear(2)(x)

    def model(x):
        with block:
            x = Linear(2)(x)
            with block:
                x = Linear(2)(x)
        return last(Linear(2)(x))

    for _ in range(2):
        names = [name.removesuffix(".bias") for name in Network(model, (2,)).parameters if name.endswith("bias")]
        assert names == ["block.linear1", "block.block.linear1", "linear1", "block.linear2"]


def test_a_scope_ends_after_an_error():
    with pytest.raises(ZeroDivisionError), scope("lost"):
        raise ZeroDivisionError
    assert names(ReLU()) == ["input", "relu1"]
    with pytest.raises(ValueError, match="scope needs a name"), scope(""):
        pass


def test_duplicate_names_raise():
    with pytest.raises(ValueError, match="two layers are named 'a'"):
        names(sequential(Conv2D(4, 3, name="a"), Conv2D(4, 3, name="a")))


@pytest.mark.parametrize("name", [0.1, 3, b"a", ["a"]])
def test_a_name_is_text(name):
    with pytest.raises(TypeError, match=r"^name must be a str, the prefix of the layer's parameters, got "):
        ReLU(name=name)


def test_one_layer_called_twice_shares_its_parameters():
    layer = Conv2D(3, 3, padding=1, name="c")
    assert names(sequential(layer, layer)) == ["input", "c", "c#2"]
    assert parameters(sequential(layer, layer)) == ["c.weight", "c.bias"]


def test_one_layer_in_two_networks_shares_nothing():
    layer = Linear(2)
    a, b = Network(layer, (3,), seed=0), Network(layer, (5,), seed=0)
    assert a.parameters["linear1.weight"].shape == (2, 3)
    assert b.parameters["linear1.weight"].shape == (2, 5)


def test_a_shared_layer_on_another_shape_raises():
    layer = Conv2D(4, 3, name="c")
    with pytest.raises(ValueError, match=r"c#2 reading c \(4, 6, 6\) .*made for input \(3, 8, 8\)"):
        names(sequential(layer, layer))


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (lambda: BatchNorm(affine=False), r"state\['running_mean'\] \(2,\), not \(3,\)"),
        (BatchNorm, r"params\['weight'\] \(2,\), not \(3,\)"),
        (LayerNorm, r"params\['weight'\] \(2, 6, 6\), not \(3, 8, 8\)"),
        (lambda: PReLU(shared=False), r"params\['weight'\] \(2,\), not \(3,\)"),
        (lambda: SeparableConv2D(3, 1), r"params\['filters'\] \(2, 1, 1, 1\), not \(3, 1, 1, 1\)"),
    ],
)
def test_one_layer_on_two_shapes_needs_the_same_parameters_and_state(layer, says):
    shared = layer()
    with pytest.raises(ValueError, match=rf"(?s)\w+1#2 reading .*{says}.* made for .*; use a layer of its own"):
        Network(sequential(shared, Conv2D(2, 3), shared), (3, 8, 8))


@pytest.mark.parametrize("layer", [lambda: GroupNorm(1, affine=False), PReLU, Dropout, lambda: LocalResponseNorm(3)])
def test_one_layer_on_two_shapes_where_what_it_keeps_is_the_same(layer):
    shared = layer()
    network = Network(sequential(shared, Conv2D(2, 3), shared, Flatten()), (3, 8, 8), seed=0)
    x = np.ones((2, 3, 8, 8), "float32")
    network.gradients(x, np.zeros((2, 72), "float32"), MSE())
    assert np.isfinite(network.predict(x)).all()


class Kept(Layer):
    """State of another dtype for another shape."""

    kind = "kept"

    def spec(self, x_shape, dtype):
        return Spec(x_shape, state={"n": State((1,), lambda rng: 0, "int64" if len(x_shape) == 3 else "int32")})


def test_state_of_one_shape_and_two_dtypes_is_not_shared():
    shared = Kept()
    with pytest.raises(ValueError, match=r"state\['n'\] \(1,\) int32, not \(1,\) int64"):
        names(sequential(shared, Flatten(), shared))


def test_a_node_is_what_the_model_made_it():
    def model(x):
        x.shape = (100, 8, 8)
        return x

    with pytest.raises(AttributeError, match=r"shape of <Node input \(3, 8, 8\)> cannot be set"):
        names(model)


def test_a_model_that_keeps_nodes_of_another_network():
    kept = []

    def model(x):
        kept.append(ReLU()(x))
        return Conv2D(4, 3)(kept[0])

    first = Network(model, (3, 8, 8), seed=0)
    x = np.ones((1, 3, 8, 8), "float32")
    before = first.predict(x)
    with pytest.raises(TypeError, match="must return a Node made from the one it was given"):
        Network(model, (3, 8, 8))
    with pytest.raises(ValueError, match="two different networks"):
        Network(lambda x: x + kept[0], (3, 8, 8))
    Linear(5)(Flatten()(kept[0]))  # adds to the first network's graph, not to the network
    np.testing.assert_array_equal(first.predict(x), before)
    assert first.predict(x.repeat(3, 0)).shape == (3, 4, 6, 6)


def test_shapes_are_without_the_batch():
    node = graph.build(sequential(Conv2D(4, 3, stride=2), Flatten(), Linear(7)), (3, 9, 9), "float32")
    assert [n.shape for n in graph.ancestors(node)] == [(3, 9, 9), (4, 4, 4), (64,), (7,)]


def test_a_sum_of_different_shapes_names_both():
    with pytest.raises(ValueError, match=r"one shape, got conv1 \(4, 6, 6\) and input \(3, 8, 8\)"):
        names(lambda x: Conv2D(4, 3)(x) + x)


def test_a_concatenation_of_different_sizes_names_both():
    with pytest.raises(ValueError, match=r"equal H and W, got input \(3, 8, 8\) and conv1 \(4, 6, 6\)"):
        names(lambda x: concat(x, Conv2D(4, 3)(x)))


def test_a_geometry_that_cannot_be_names_the_layer_and_its_input():
    with pytest.raises(ValueError, match=r"big \(Conv2D\) reading conv1 \(4, 6, 6\): weight must fit"):
        names(sequential(Conv2D(4, 3), Conv2D(4, 9, name="big")))
    with pytest.raises(ValueError, match=r"linear1 \(Linear\) reading input \(3, 8, 8\): .*Flatten"):
        names(Linear(3))
    with pytest.raises(ValueError, match=r"pool1 \(MaxPool2D\) .*in padding only along the height of 2"):
        Network(MaxPool2D((2, 4), 1, 1, dilation=(3, 2)), (3, 2, 9))
    with pytest.raises(ValueError, match=r"conv1 \(Conv2D\) reading input \(5,\): needs images"):
        names(Conv2D(4, 3), (5,))


def test_nodes_of_two_networks_do_not_mix():
    other = graph.build(ReLU(), (3, 8, 8), "float32")
    for model in (lambda x: x + other, lambda x: concat(x, other)):
        with pytest.raises(ValueError, match="two different networks"):
            names(model)
    with pytest.raises(TypeError, match="must return a Node"):
        names(lambda x: other)


def test_what_is_no_node_raises():
    with pytest.raises(TypeError, match=r"^Linear must be called with a node of a model, got an array of shape "):
        Linear(2)(np.zeros(3))
    with pytest.raises(TypeError, match=r"^concat takes Nodes, got 3$"):
        concat(3)
    with pytest.raises(TypeError, match=r"^sequential takes layers and functions Node -> Node, got 3$"):
        sequential(3)
    with pytest.raises(TypeError, match=r"^sequential takes .*, got the class ReLU; this is a class, call it "):
        sequential(ReLU)
    with pytest.raises(ValueError, match="at least one node"):
        concat()
    with pytest.raises(TypeError, match=r"^<Node input \(3, 8, 8\)> \+ str: models are made of layers, "):
        names(lambda x: x + "1")
    with pytest.raises(TypeError, match="must return a Node"):
        names(lambda x: None)
    with pytest.raises(TypeError, match="layer or a function"):
        names(3)


@pytest.mark.parametrize("shape", [(3, 0), (0, 8, 8), (3, -1, 8), (), (1, 2, 3, 4)])
def test_wrong_input_shapes(shape):
    with pytest.raises(ValueError, match="input_shape"):
        names(ReLU(), shape)


@pytest.mark.parametrize("dtype", ["int64", "float16", "complex64"])
def test_wrong_dtypes(dtype):
    with pytest.raises(TypeError, match="float32 or float64"):
        graph.build(ReLU(), (3,), dtype)


def test_sizes_that_overflow_are_refused_before_any_array_is_made():
    with pytest.raises(ValueError, match="too large"):
        names(Linear(2**62), (2**31,))
    with pytest.raises(ValueError, match=r"input has 1099512676352 elements, .* at most 2\*\*40 are accepted"):
        names(ReLU(), (1, 2**20 + 1, 2**20))
    assert names(ReLU(), (1, 2**20, 2**20))
    with pytest.raises(ValueError, match=r"pad1 has .* elements, shape \(1, 100000000000008, 8\); at most"):
        names(ZeroPad2D((0, 0, 0, 10**14)), (1, 8, 8))


def test_unused_nodes_are_not_in_the_network():
    def model(x):
        Conv2D(100, 3, name="forgotten")(x)
        return ReLU()(x)

    assert names(model) == ["input", "relu1"]


def test_a_layer_of_ones_own():
    class Double(Layer):
        kind = "double"

        def spec(self, x_shape, dtype):
            return Spec(x_shape)

        def forward(self, b):
            return [lambda: np.multiply(b.x, 2, out=b.y)]

        def backward(self, b):
            return [] if b.dx is None else [lambda: np.multiply(b.dy, 2, out=b.dx)]

    network = Network(sequential(Double(), Double()), (3,), "float64")
    np.testing.assert_array_equal(network.predict(np.ones(3)), [4, 4, 4])
    assert repr(network.output) == "<Node double2 (3,)>"
    assert isinstance(network.output, Node)
