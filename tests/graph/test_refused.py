"""Nodes are no arrays: each error says which layer, sum or concatenation to write, and that works."""

import copy
import math
import pickle
import re

import numpy as np
import pytest

import fastconv
from fastconv import Network, concat, layers
from fastconv.arguments.calls import example
from fastconv.layers import Conv2D, ReLU

W, ONES = np.ones((4, 3, 3, 3), "float32"), np.ones(8, "float32")
HABITS = {
    "np.add": (lambda x: np.add(x, x), "numpy.add of <Node input (3, 8, 8)>: .*; write a + b"),
    "np.clip": (lambda x: np.clip(x, 0, 1), "numpy.clip of <Node input (3, 8, 8)>: .*; write fastconv.ReLU()(x)"),
    "np.pad": (lambda x: np.pad(x, 1), "write fastconv.ZeroPad2D(1)(x)"),
    "np.tanh": (lambda x: np.tanh(x), "write fastconv.Tanh()(x)"),
    "np.maximum": (lambda x: np.maximum(x, 0), "write fastconv.ReLU()(x)"),
    "np.concatenate": (lambda x: np.concatenate([x, x]), "write fastconv.concat(a, b)"),
    "np.mean": (lambda x: np.mean(x, (1, 2)), "write fastconv.GlobalAvgPool2D()(x)"),
    "np.cos": (lambda x: np.cos(x), "for more make a layer of your own, see docs/extending.md"),
    "np.asarray": (lambda x: np.asarray(x), "the values come from network.predict(x)"),
    "array *": (lambda x: ONES * x, "write a * b"),
    "array +": (lambda x: ONES + x, "write a + b"),
    "* list": (lambda x: x * [2], "<Node input (3, 8, 8)> * list: .*; join two nodes, or a node and a number"),
    "* array": (lambda x: x * ONES, "for one number per channel write fastconv.Affine(scale, shift)(x)"),
    "text +": (lambda x: "a" + x, "str + <Node"),
    "/ x": (lambda x: x / x, "join two nodes"),
    "1 /": (lambda x: 1 / x, "int / <Node"),
    "- None": (lambda x: x - None, "- NoneType"),
    "+ array": (lambda x: x + ONES, "+ ndarray"),
    "@": (lambda x: x @ W, "write fastconv.Linear(10)(x)"),
    "**": (lambda x: x**2, "make a layer of your own"),
    ">": (lambda x: x > 0, "make a layer of your own"),
    "abs": (abs, "make a layer of your own"),
    "[0]": (lambda x: x[0], "a node is taken apart by its channels alone, such as x[2:5]; write x[0:1]"),
    "list": (lambda x: list(x), "its shape, without the batch axis, is x.shape"),
    "len": (len, "its shape, without the batch axis, is x.shape"),
    "float": (lambda x: float(x), "the values come from network.predict(x)"),
    "math": (math.sqrt, "the values come from network.predict(x)"),
    "concat axis=": (
        lambda x: concat(x, x, axis=1),
        "concat takes no axis: it joins the channels of nodes",
    ),
    "concat dim=": (lambda x: concat([x, x], dim=1), "concat takes no dim"),
    "concat 1": (
        lambda x: concat(x, x, 1),
        "got 1; no axis is given, it joins the channels",
    ),
    "concat lists": (lambda x: concat([x], [x]), "write concat(*nodes)"),
    "concat layer": (lambda x: concat(x, ReLU()), "call the layer on a node, layer(x), and join the result"),
    "concat array": (lambda x: concat(x, ONES), "arrays are joined by fastconv.concatenate((a, b))"),
}


@pytest.mark.parametrize("habit", HABITS)
def test_what_takes_arrays_or_numbers_is_refused(habit):
    model, says = HABITS[habit]
    with pytest.raises(TypeError, match=re.escape(says).replace(r"\.\*", ".*")) as caught:
        Network(model, (3, 8, 8))
    assert "makes a model" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("numpy", "the values come from network.predict(x)"),
        ("detach", "the values come from network.predict(x)"),
        ("view", "write fastconv.Flatten()(x)"),
        ("flatten", "write fastconv.Flatten()(x)"),
        ("mean", "write fastconv.GlobalAvgPool2D()(x)"),
        ("sigmoid", "write fastconv.Sigmoid()(x)"),
        ("size", "its shape, without the batch axis, is x.shape"),
        ("dim", "its shape, without the batch axis, is x.shape"),
        ("permute", "write fastconv.Permute((0, 2, 1))(x)"),
        ("T", "write fastconv.Permute((0, 2, 1))(x)"),
        ("transpose", "write fastconv.Permute((0, 2, 1))(x)"),
        ("reshape", "write fastconv.Reshape((-1,))(x)"),
        ("roll", "make a layer of your own"),
    ],
)
def test_methods_of_arrays_are_refused(name, says):
    with pytest.raises(AttributeError, match=rf"Node has no attribute '{name}': .*{re.escape(says)}"):
        Network(lambda x: getattr(x, name)(), (3, 8, 8))


@pytest.mark.parametrize("name", layers.__all__)
def test_the_layer_that_an_error_names_can_be_written_so(name):
    line = f"fastconv.{example(getattr(layers, name))}(x)"
    shape = (20,) if name in ("Linear", "Dense", "MainHead") else (4, 8) if name.endswith("1D") else (4, 8, 8)
    assert Network(lambda x: eval(line, {"fastconv": fastconv, "x": x}), shape, seed=0).output_shape


def test_sums_of_python_and_lists_of_nodes_work():
    def model(x):
        branches = [Conv2D(4, 1)(x) for _ in range(3)]
        return concat([sum(branches), *branches])

    network = Network(model, (3, 8, 8), seed=0)
    assert network.output_shape == (16, 8, 8)
    y = network.predict(np.ones((1, 3, 8, 8), "float32"))
    np.testing.assert_allclose(y[:, :4], y[:, 4:8] + y[:, 8:12] + y[:, 12:], rtol=1e-6)


def test_a_node_stands_for_itself_where_one_asks_whether_there_is_one():
    Network(lambda x: (None or x) if x else None, (3, 8, 8))


def test_nodes_are_copied_and_pickled_as_ever():
    node = Network(ReLU(), (3, 8, 8)).output
    for way in (copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))):
        assert repr(way(node)) == repr(node)
    assert not hasattr(node, "_private")
    assert len({node, node.inputs[0], node}) == 2
