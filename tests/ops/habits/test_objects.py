"""Nodes, layers, networks and other objects where arrays are wanted."""

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers
from fastconv.ops.habits.objects import LAYERS, WITH_RESULT


def said_in_a_model(model, shape=(4, 6, 6)):
    with pytest.raises(TypeError) as caught:
        Network(model, shape)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_function_of_a_node_names_the_layer(name):
    more = {"linear": 1, "conv2d": 1, "conv_transpose2d": 1, "convolve2d": 1, "prelu": 1, "pad": 1, "batch_norm": 2}
    more |= dict.fromkeys(("adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool2d", "max_pool2d"), 1)
    more |= dict.fromkeys(("group_norm", "layer_norm", "local_response_norm", "upsample_nearest2d"), 1)
    more["threshold"] = 2
    function = getattr(fastconv, name)
    said = said_in_a_model(lambda x: function(x, *[1] * more.get(name, 0)))
    node = "x must be an array, got the node input (4, 6, 6); models are made of layers, not of functions of arrays"
    assert said == f"{node}: write fastconv.{LAYERS[name]}(x)"
    assert hasattr(layers, LAYERS[name].partition("(")[0])


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_the_layer_that_a_function_names_can_be_made(name):
    numbers = {"channels": 8, "kernel_size": 3, "output_size": 2, "num_groups": 2, "outputs": 5, "size": 3, "scale": 2}
    numbers |= {"threshold": 0.5, "value": -1.0}
    layer = eval(LAYERS[name], vars(layers) | numbers | {"padding": 1})
    shape = (4,) if name == "linear" else (4, 6, 6)
    assert len(Network(lambda x: layer(x), shape).predict(np.ones((1, *shape), "float32"))) == 1


def test_what_joins_nodes_is_said_and_works():
    assert said_in_a_model(lambda x: fastconv.add(x, x)).endswith(": write a + b")
    said = said_in_a_model(lambda x: fastconv.concatenate([x, x]))
    assert said.startswith("arrays[0] must be an array, got the node input (4, 6, 6)")
    assert said.endswith(": write fastconv.concat(*arrays)")
    assert Network(lambda x: fastconv.concat(*[x, x + x]), (4, 6, 6)).output_shape == (8, 6, 6)


def test_a_node_in_another_place_is_named_by_its_argument():
    x = np.ones((1, 4, 6, 6), "float32")
    assert said_in_a_model(lambda node: fastconv.conv2d(x, node)).startswith("weight must be an array, got the node")


@pytest.mark.parametrize("name", ["cross_entropy", "mse_loss", "nll_loss"])
def test_a_loss_of_a_node_is_given_to_training(name):
    said = said_in_a_model(lambda node: getattr(fastconv, name)(node, node))
    line = said.partition("the node input (4, 6, 6); training takes the loss: write ")[2]
    network = Network(fastconv.sequential(layers.Flatten(), layers.Linear(2)), (4, 6, 6), seed=0)
    own = {"network": network, "x": np.ones((4, 4, 6, 6), "float32"), "labels": [0, 1, 0, 1]}
    assert len(eval(line.replace("loss=", "progress=False, loss="), {"fastconv": fastconv} | own)) == 1


def test_layers_and_networks_are_told_from_arrays():
    network = Network(layers.ReLU(), (4, 6, 6))
    with pytest.raises(TypeError, match=r"^x must be an array, got a layer \(ReLU\): .*Network\(x, input_shape"):
        fastconv.relu(layers.ReLU())
    for one in (network, network.freeze()):
        with pytest.raises(TypeError, match=r"^x must be an array, got a network .*: write x.predict\(images\)"):
            fastconv.softmax(one)
    with pytest.raises(TypeError, match=r"training takes the loss itself, fastconv.CrossEntropy\(\)$"):
        fastconv.cross_entropy(network, [1])


@pytest.mark.parametrize("name", WITH_RESULT)
def test_a_gradient_without_input_and_result_says_both_ways(name):
    dy = np.ones((2, 3))
    with pytest.raises(TypeError, match=rf"^x must be an array, got None; write {name}\(dy, x\), or y=\.\.\. for what"):
        getattr(fastconv, name)(dy)
    getattr(fastconv, name)(dy, y=dy / 2)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "None"),
        ("image.png", "'image.png'"),
        (b"\0", r"b'\\x00'"),
        (layers.ReLU, "the class ReLU"),
        (np.sin, "the function sin"),
        ({1: 2}, "a dict"),
        ({1.0}, "a set"),
        ((v for v in [1.0]), "a generator"),
        (fastconv.CrossEntropy(), "a CrossEntropy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_array_is_described(value, what):
    with pytest.raises(TypeError, match=f"^x must be an array, got {what}$"):
        fastconv.relu(value)
    with pytest.raises(TypeError, match=f"^weight must be an array, got {what}$"):
        fastconv.conv2d(np.ones((1, 1, 3, 3)), value)
    with pytest.raises(TypeError, match="out must be a numpy"):
        fastconv.relu(np.ones(3), out=[] if value is None else value)
