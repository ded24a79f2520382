"""`activation=` of convolutions and linear layers: the same network as with the activation as a layer after it."""

import copy
import pickle

import numpy as np
import pytest

import fastconv
from fastconv import Layer, Network, Spec, init, layers, losses, sequential

WEIGHTED = {
    "Conv2D": (lambda **options: layers.Conv2D(4, 3, **options), (3, 8, 8)),
    "ConvTranspose2D": (lambda **options: layers.ConvTranspose2D(4, 3, **options), (3, 5, 5)),
    "DepthwiseConv2D": (lambda **options: layers.DepthwiseConv2D(3, **options), (3, 8, 8)),
    "SeparableConv2D": (lambda **options: layers.SeparableConv2D(4, 3, **options), (3, 8, 8)),
    "Linear": (lambda **options: layers.Linear(4, **options), (6,)),
}
every_kind = pytest.mark.parametrize("kind", WEIGHTED)


def everything(network, x):
    """Names, fusions and bits of predictions and gradients."""
    targets = np.zeros((len(x), *network.output_shape), "float32")
    loss, gradients = network.gradients(x, targets, losses.MSE())
    found = {name: array.tobytes() for name, array in gradients.items()}
    steps = [[line.step for line in network.plan(len(x), training=training).lines] for training in (False, True)]
    names = [node.name for node in network.nodes]
    return names, steps, loss, found, network.predict(x).tobytes(), network.freeze().predict(x).tobytes()


def sample(shape):
    return np.random.default_rng(0).standard_normal((3, *shape)).astype("float32")


@every_kind
@pytest.mark.parametrize("name", ["relu", "LeakyReLU", "sigmoid", "softmax"])
def test_it_is_the_layer_after_it(kind, name):
    make, shape = WEIGHTED[kind]
    after = {"relu": layers.ReLU, "LeakyReLU": layers.LeakyReLU, "sigmoid": layers.Sigmoid, "softmax": layers.Softmax}
    network = Network(make(activation=name), shape, seed=0)
    expected = Network(sequential(make(), after[name]()), shape, seed=0)
    assert everything(network, sample(shape)) == everything(expected, sample(shape))


NAMES = {
    layers.ReLU: ("relu", "ReLU", "RELU"),
    layers.ReLU6: ("relu6", "ReLU6"),
    layers.LeakyReLU: ("leaky_relu", "LeakyReLU", "leakyrelu"),
    layers.PReLU: ("prelu",),
    layers.ELU: ("elu",),
    layers.SELU: ("selu",),
    layers.CELU: ("celu",),
    layers.GELU: ("gelu",),
    layers.SiLU: ("silu", "swish", "Swish"),
    layers.Softplus: ("softplus",),
    layers.Mish: ("mish", "Mish"),
    layers.HardSigmoid: ("hardsigmoid", "hard_sigmoid"),
    layers.HardSwish: ("hardswish", "HardSwish"),
    layers.Hardtanh: ("hardtanh", "hard_tanh"),
    layers.Sigmoid: ("sigmoid",),
    layers.Tanh: ("tanh", "Tanh"),
    layers.Softsign: ("softsign",),
    layers.LogSigmoid: ("logsigmoid", "log_sigmoid"),
    layers.Softmax: ("softmax",),
    layers.LogSoftmax: ("log_softmax", "LogSoftmax"),
}


@pytest.mark.parametrize("layer", NAMES)
def test_all_activations_have_names_in_any_case(layer):
    for name in NAMES[layer]:
        assert type(layers.Linear(3, activation=name).activation) is layer
    assert eval(repr(layers.Linear(3, activation=layer())), vars(layers)).activation.kind == layer.kind


@pytest.mark.parametrize("none", [None, "linear", "Identity", "none"])
def test_none_is_none(none):
    layer = layers.Linear(3, activation=none)
    assert layer.activation is None
    assert len(Network(layer, (2,)).nodes) == 2


def test_a_layer_is_taken_as_it_is():
    act = layers.LeakyReLU(0.3, name="act")
    network = Network(layers.Linear(3, activation=act), (2,))
    assert network.nodes[-1].layer is act
    assert [node.name for node in network.nodes] == ["input", "linear1", "act"]
    assert repr(layers.Linear(3, activation=layers.LeakyReLU(0.3))) == "Linear(3, activation=LeakyReLU(0.3))"

    class Own(Layer):
        def spec(self, x_shape, dtype):
            return Spec(x_shape)

    own = Own()
    assert layers.Linear(3, activation=own).activation is own


def test_a_layer_or_an_activation_that_is_used_twice_is_shared():
    conv, act = layers.Conv2D(3, 3, padding=1, activation="prelu"), layers.PReLU()
    network = Network(sequential(conv, conv), (3, 4, 4))
    assert [node.name for node in network.nodes] == ["input", "conv1", "prelu1", "conv1#2", "prelu1#2"]
    assert list(network.parameters) == ["conv1.weight", "conv1.bias", "prelu1.weight"]
    two = Network(sequential(layers.Linear(3, activation=act), layers.Linear(3, activation=act)), (3,))
    assert [node.name for node in two.nodes][-1] == "prelu1#2"


def test_each_use_of_a_name_is_a_layer_of_its_own():
    network = Network(sequential(layers.Linear(3, activation="prelu"), layers.Linear(3, activation="prelu")), (3,))
    assert [name for name in network.parameters if "prelu" in name] == ["prelu1.weight", "prelu2.weight"]


@pytest.mark.parametrize("change", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_of_layers_and_networks_have_it(change):
    layer = layers.Conv2D(4, 3, activation=layers.PReLU(first=0.1))
    x = sample((3, 6, 6))
    network = Network(layer, (3, 6, 6), seed=0)
    copied = change(network)
    assert everything(copied, x) == everything(network, x)
    fresh = change(layers.Conv2D(4, 3, activation=layers.PReLU(first=0.1)))
    assert repr(fresh) == "Conv2D(4, 3, activation=PReLU(first=0.1))"
    assert everything(Network(fresh, (3, 6, 6), seed=0), x) == everything(network, x)


def test_it_cannot_be_set_once_a_network_has_the_layer():
    layer = layers.Linear(3)
    layer.activation = "relu"
    network = Network(layer, (2,))
    with pytest.raises(AttributeError, match="activation of Linear cannot be set, a network has the layer: "):
        layer.activation = "tanh"
    assert network.nodes[-1].name == "relu1"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (layers.ReLU, "got the class ReLU; write activation=ReLU()"),
        (fastconv.relu, "got the function relu; write activation='relu'"),
        (fastconv.leaky_relu, "got the function leaky_relu; write activation='leaky_relu'"),
        (np.tanh, "got the function tanh; write activation='tanh'"),
        (layers.Flatten(), r"got Flatten(); put it after the layer: sequential(..., Flatten())"),
        (3, "got 3; write activation='relu'"),
        (True, "got True; write activation='relu'"),
    ],
)
@every_kind
def test_what_is_no_activation_says_what_to_write(kind, given, says):
    with pytest.raises(TypeError) as caught:
        WEIGHTED[kind][0](activation=given)
    assert str(caught.value) == f"activation must be the name of an activation or an activation layer, {says}"


def test_a_name_that_is_unknown_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"activation must be one of 'relu', .* got 'rleu'; did you mean 'relu'\?"):
        layers.Linear(3, activation="rleu")


def test_the_first_values_of_a_prelu_come_from_the_layer():
    network = Network(layers.Linear(3, init=init.zeros, activation=layers.PReLU(first=0.5)), (2,))
    assert network.parameters["prelu1.weight"].tolist() == [0.5]
