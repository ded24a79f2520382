"""What is given to a layer that is no node: each error says what to write, and that works."""

import re

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, sequential
from fastconv.arguments.misplaced import function_of

IMAGES = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype("float32")


def followed(message, x):
    """The value of the line about a network that an error says to write."""
    line = re.search(r"inside a network: (Network.*?)(; or, |$)", message)[1]
    return eval(line, {**globals(), **vars(layers), "Network": Network, "numpy": np, "x": x})


@pytest.mark.parametrize(
    "x",
    [
        IMAGES,
        IMAGES[0],
        IMAGES.astype("float64"),
        (IMAGES > 0).astype("uint8") * np.uint8(255),
        IMAGES.astype("int64"),
        IMAGES.astype("float64").tolist(),
    ],
    ids=["images", "one image", "float64", "uint8", "int64", "lists"],
)
def test_an_array_is_told_the_network_and_the_function(x):
    with pytest.raises(TypeError, match=r"Conv2D must be called with a node of a model, got ") as caught:
        layers.Conv2D(4, 3)(x)
    assert "layers compute inside a network: Network(Conv2D(4, 3), " in str(caught.value)
    assert "fastconv.conv2d(x, weight)" in str(caught.value)
    assert followed(str(caught.value), x).shape[-3:] == (4, 6, 6)


def test_pixels_of_0_to_255_are_divided():
    with pytest.raises(TypeError, match=r"\.predict\(x\.astype\('float32'\) / 255\); or, with arrays of your own, "):
        layers.Conv2D(4, 3)((IMAGES > 0).astype("uint8"))
    with pytest.raises(TypeError, match=r"\.predict\(x\.astype\('float32'\)\); or, with arrays of your own, "):
        layers.Conv2D(4, 3)(IMAGES.astype("int64"))


@pytest.mark.parametrize("x", [np.ones((2, 5), "float32"), np.ones(5, "float32")], ids=["vectors", "one vector"])
def test_vectors_too(x):
    with pytest.raises(TypeError) as caught:
        layers.Linear(3, activation="relu")(x)
    assert followed(str(caught.value), x).shape == (*x.shape[:-1], 3)


CASES = {
    "the class": (lambda x: layers.Conv2D, "got the class Conv2D; write sequential(Conv2D(...), ReLU())"),
    "a layer": (lambda x: layers.Conv2D(4, 3), "got the layer Conv2D(4, 3); write sequential(Conv2D(4, 3), ReLU())"),
    "a list": (lambda x: [x, x], "got a list of 2 nodes; join them first: ReLU()(concat(*x))"),
    "a tuple": (lambda x: (x, x, x), "got a tuple of 3 nodes; join them first: ReLU()(concat(*x))"),
    "a network": (
        lambda x: Network(layers.Linear(2), (3,)),
        "got a Network; a network is made of the whole model: Network(sequential(..., ReLU()), input_shape)",
    ),
    "nothing": (lambda x: None, "got None; a function that makes a model must return its last node"),
    "a text": (lambda x: "relu", "got 'relu'; layers compute inside a network: Network(ReLU(), input_shape)"),
    "an object": (lambda x: object(), "got an object; layers compute inside a network"),
}


@pytest.mark.parametrize("case", CASES)
def test_anything_else_says_what_to_write(case):
    make, says = CASES[case]
    with pytest.raises(TypeError) as caught:
        Network(lambda x: layers.ReLU()(make(x)), (3, 4, 4))
    assert "ReLU must be called with a node of a model, got " in str(caught.value)
    assert says in str(caught.value)


def test_what_a_list_of_nodes_is_told_works():
    network = Network(lambda x: layers.ReLU()(fastconv.concat(*[x, x])), (3, 4, 4))
    assert network.output_shape == (6, 4, 4)
    assert Network(sequential(layers.Conv2D(4, 3), layers.ReLU()), (3, 4, 4)).output_shape == (4, 2, 2)


WEIGHTS = {"Linear": (8, 6), "PReLU": (3,), "DepthwiseConv2D": (3, 1, 3, 3), "ConvTranspose2D": (3, 4, 3, 3)}
WEIGHTS["ConvTranspose1D"] = (3, 4, 3)
NUMBERS = {"running_mean": np.zeros(3, "float32"), "running_var": np.ones(3, "float32"), "num_groups": 3, "size": 5}
NUMBERS |= dict.fromkeys(("kernel_size", "output_size", "padding"), 2) | {"normalized_shape": (8,)}
NUMBERS |= dict.fromkeys(("groups", "upscale_factor", "downscale_factor"), 1)
NUMBERS |= {"threshold": 0.5, "value": -1.0}


@pytest.mark.parametrize("layer", layers.__all__)
def test_the_function_that_errors_name_can_be_called_so(layer):
    call = function_of(layer)
    x = IMAGES[:, 0, 0, :6] if layer == "Linear" else IMAGES[:, :, 0] if layer.endswith("1D") else IMAGES
    weight = np.ones(WEIGHTS.get(layer, (4, 3, 3) if layer == "Conv1D" else (4, 3, 3, 3)), "float32")
    without = (
        "Affine",
        "ChannelScale",
        "Dropout",
        "Dense",
        "Exp",
        "Flatten",
        "MainHead",
        "Permute",
        "Reciprocal",
        "Reshape",
        "SeparableConv2D",
        "Sqrt",
        "StochasticDepth",
    )
    assert (call == "") == (layer in without)
    if call:
        assert len(eval(f"fastconv.{call}", NUMBERS | {"fastconv": fastconv, "x": x, "weight": weight})) == 2


NODES = {  # what is written in a function of the node x -> the layer that is called instead
    "Flatten(x)": "Flatten()",
    "ReLU(x, name='last')": "ReLU(name='last')",
    "MaxPool2D(x)": "MaxPool2D(3)",
    "Conv2D(x)": "Conv2D(16, 3)",
    "Conv2D(x, 4, 3)": "Conv2D(4, 3)",
    "Conv2D(4, 3, x, stride=2)": "Conv2D(4, 3, stride=2)",
}


@pytest.mark.parametrize("call", NODES)
def test_a_node_in_the_constructor_is_given_to_the_layer(call):
    says = f"{call.partition('(')[0]} is made without the node, and then called with it, got <Node input (3, 8, 8)>"
    with pytest.raises(TypeError, match=re.escape(f"{says}; call the layer: {NODES[call]}(x)") + "$"):
        Network(lambda x: eval(call, {**vars(layers), "x": x}), (3, 8, 8))
    Network(lambda x: eval(f"{NODES[call]}(x)", {**vars(layers), "x": x}), (3, 8, 8))


class Own(layers.Tanh):
    """A layer of one's own, whose methods are called from the outside."""

    def forward(self, b):
        return super().forward(b)


@pytest.mark.parametrize("layer", [layers.Conv2D(4, 3), layers.ReLU(), layers.BatchNorm(), Own()], ids=repr)
@pytest.mark.parametrize("method", ["forward", "backward"])
def test_forward_and_backward_take_the_arrays_of_a_plan(layer, method):
    says = rf"^{type(layer).__name__}.{method} takes the arrays of a plan, a fastconv.layer.Bound, got "
    with pytest.raises(TypeError, match=rf"{says}an array of shape \(2, 3, 8, 8\); layers compute inside") as caught:
        getattr(layer, method)(IMAGES)
    assert len(followed(str(caught.value), IMAGES)) == 2
    says += r"<Node input \(3, 8, 8\)>; call the layer: "
    with pytest.raises(TypeError, match=rf"{says}{re.escape(repr(layer))}\(x\)$"):
        Network(lambda x: getattr(layer, method)(x), (3, 8, 8))
