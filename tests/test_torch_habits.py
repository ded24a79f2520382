"""Habits of PyTorch with networks, models and layers of one's own: each works, or the line that is said works."""

import re
from functools import partial

import numpy as np
import pytest

import fastconv
from fastconv import SGD, Conv2D, CrossEntropy, Flatten, Layer, Linear, Network, ReLU, Spec, fit, models, sequential

X = np.random.default_rng(0).random((8, 1, 6, 6)).astype("float32")
LABELS = np.arange(8) % 3


def parts():
    return Conv2D(2, 3, name="conv1"), ReLU(), Flatten(), Linear(3, name="fc")


@pytest.fixture
def network():
    return Network(sequential(*parts()), (1, 6, 6), seed=0)


CALLS = {
    "Network(models.resnet18())": "Network needs input_shape; write network = fastconv.Network(model, (1, 28, 28))",
    "Network()": "write network = fastconv.Network(model, (1, 28, 28))",
    "Network(sequential(ReLU()), (3,), device='cuda')": "takes no device, got device='cuda'; it runs on the CPU",
    "Network(sequential(ReLU()), input_size=(3,))": "takes no input_size, got input_size=(3,); write input_shape=(3,)",
    "Network(sequential(ReLU()), (3,), random_state=1)": "write seed=1",
    "network.predict(X, training=True)": "network.gradients(..., training=False)",
    "network.predict(X, 4, 5)": "takes only x, batch_size by position, got also 5; write network.predict(x)",
    "network.predict(images=X)": "takes no images, got images=...; it is called x here: write x=images",
    "network.predict(X, layer='conv1')": "write network.features(x, 'relu1')",
    "network.freeze().predict(X, verbose=0)": "predict takes no verbose, got verbose=0; leave it out",
    "network.freeze('conv1')": "to train no more of some parameters write network.set_trainable('conv1.*', False)",
    "network[0]": "has no parts, got [0]; layers are parts of the model, model[0]",
    "network['fc.weight']": "write network.parameters['fc.weight']",
    "list(network)": "a Network has no parts",
    "network.summary((1, 6, 6))": "got (1, 6, 6); the network has its shape; write network.summary()",
    "network.summary(input_size=(1, 6, 6))": "summary takes no input_size, got input_size=(1, 6, 6); the network has",
    "network.plan(X)": "got an array of shape (8, 1, 6, 6); write 8, a number",
    "network.profile((1, 6, 6))": "write network.profile(numpy.zeros((8, *network.input_shape), network.dtype))",
    "network.profile()": "write network.profile(numpy.zeros((8, *network.input_shape), network.dtype))",
}


@pytest.mark.parametrize("habit", CALLS)
def test_calls_from_habit_say_what_to_write(network, habit):
    names = {"Network": Network, "models": models, "sequential": sequential, "ReLU": ReLU, "network": network, "X": X}
    with pytest.raises(TypeError, match=re.escape(CALLS[habit])) as error:
        eval(habit, names)
    assert "__init__()" not in str(error.value)
    assert "Predictor" not in str(error.value)


def test_the_name_of_a_layer_says_its_arrays(network):
    with pytest.raises(AttributeError, match=re.escape("write network.parameters['fc.weight'] or network.parameters")):
        network.fc  # noqa: B018


def test_some_arrays_are_trained_as_the_error_says(network):
    optimizer, before = fastconv.Adam(0.1), network.parameters.copy()
    trained = [name for name in network.parameters if name.startswith("fc")]
    for _ in range(2):
        gradients = network.gradients(X, LABELS, CrossEntropy())[1]
        optimizer.step(
            {name: network.parameters[name] for name in trained}, {name: gradients[name] for name in trained}
        )
    changed = [name for name in before if (before[name] != network.parameters[name]).any()]
    assert changed == trained


def test_values_inside_are_those_of_a_network_of_the_first_parts(network):
    inner = Network(sequential(*parts()[:2]), network.input_shape)
    inner.parameters.update({name: network.parameters[name] for name in inner.parameters})
    expected = inner.predict(X).reshape(8, -1) @ network.parameters["fc.weight"].T + network.parameters["fc.bias"]
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-5, atol=1e-6)


def test_a_subclass_that_never_made_its_network_is_told():
    class Net(Network):
        def __init__(self):
            self.conv1 = Conv2D(4, 3)

    for use in (lambda net: net.predict(X), lambda net: fit(net, X, LABELS), repr):
        with pytest.raises(AttributeError, match=r"Net has no '\w+' yet: write super\(\)\.__init__\(model, input"):
            use(Net())


MODULE = """
class Net(Layer):
    def __init__(self):
        super().__init__()
        self.first = Conv2D(2, 3)
        self.rest = sequential(ReLU(), Flatten(), Linear(3))

    def forward(self, x):
        return self.rest(self.first(x))
"""


def run(source):
    names = {**vars(fastconv), "Layer": Layer}
    exec(source, names)
    return Network(names["Net"](), (1, 6, 6), seed=0)


def test_a_module_of_pytorch_becomes_a_model_as_the_errors_say():
    with pytest.raises(TypeError, match=r"Net holds layers, so it is a model and no layer: write class Net: without"):
        run(MODULE)
    plain = MODULE.replace("class Net(Layer):", "class Net:")
    with pytest.raises(TypeError, match=r"write def __call__\(self, x\): in place of def forward\(self, x\)"):
        run(plain)
    assert run(plain.replace("def forward(", "def __call__(")).output_shape == (3,)
    one_step = MODULE.replace("class Net(Layer):", "class Net:").replace("def forward(", "def __call__(")
    assert run(one_step).predict(X).shape == (8, 3)


def own(forward, backward=lambda b: [partial(np.copyto, b.dx, b.dy)]):
    """A layer of one's own with these methods."""

    class Own(Layer):
        def spec(self, x_shape, dtype):
            return Spec(x_shape)

    Own.forward, Own.backward = (lambda self, b: forward(b)), (lambda self, b: backward(b))
    return Network(sequential(Linear(3), Own(), Linear(3)), (4,), seed=0)


def copy(b):
    return [partial(np.copyto, b.y, b.x)]


METHODS = {
    "None": (
        lambda b: None,
        "got None; is `return` missing? Such as: return [functools.partial(numpy.copyto, b.{y}, b.{x}",
    ),
    "one function": (lambda b: np.tanh, "put it into a list: return [tanh]"),
    "an array": (
        lambda b: np.ones(3),
        "nothing is computed yet, b.{y} is written by the calls, later: return",
    ),
    "a list of arrays": (lambda b: [np.ones(3)], "nothing is computed yet, b.{y} is written by the calls"),
}


@pytest.mark.parametrize("made", METHODS)
def test_what_a_method_of_a_layer_returns_is_a_list_of_functions(made):
    method, says = METHODS[made]
    with pytest.raises(TypeError, match=re.escape(says.format(y="y", x="x"))) as error:
        own(method).predict(np.ones(4, "float32"))
    assert "\n" not in str(error.value)
    with pytest.raises(TypeError, match=re.escape(says.format(y="dx", x="dy"))):
        fastconv.train_step(own(copy, method), np.ones((2, 4), "float32"), [0, 1], SGD(0.1))
    fastconv.train_step(own(copy), np.ones((2, 4), "float32"), [0, 1], SGD(0.1))


def test_a_convolution_of_vectors_says_where_it_belongs():
    with pytest.raises(ValueError, match=r"put it before Flatten\(\), or write an input_shape of three numbers"):
        Network(sequential(Flatten(), Conv2D(3, 3)), (1, 6, 6))


def replaced(b):
    def call():
        b.y = b.x * 2

    return [call]


WRONG = {
    "b.y = ...": (replaced, AttributeError, "write b.y[...] = values"),
    "a wrong name": (lambda b: [partial(np.multiply, b.x, b.params.w, b.y)], AttributeError, "no array 'w'"),
    "a key": (lambda b: [partial(np.multiply, b.x, b.params["w"], b.y)], TypeError, "write b.params.w"),
}


@pytest.mark.parametrize("habit", WRONG)
def test_arrays_of_a_layer_are_written_into(habit):
    forward, kind, says = WRONG[habit]
    with pytest.raises(kind, match=re.escape(says)):
        own(forward).predict(np.ones(4, "float32"))


def test_arrays_that_backward_reads_are_named_in_the_class():
    network = own(copy, lambda b: [partial(np.multiply, b.dy, b.x, b.dx)])
    x, labels = np.ones((2, 4), "float32"), [0, 1]
    with pytest.raises(TypeError, match=r"layer1 \(Own\) .*saves = frozenset\(\{'x', 'y'\}\) in the class"):
        fastconv.train_step(network, x, labels, SGD(0.1))
    network = own(copy, lambda b: [partial(np.multiply, b.dy, b.x, b.dx)])
    type(network.nodes[2].layer).saves = frozenset({"x", "y"})
    fastconv.train_step(network, x, labels, SGD(0.1))
