"""A network that ends with probabilities meets a loss that takes logits: a warning, once, that says what to write."""

import copy
import warnings

import numpy as np
import pytest

import fastconv
from fastconv import CrossEntropy, Network, layers, losses, sequential
from fastconv.graph import concat
from fastconv.layers import Conv2D, Flatten, Linear, LogSoftmax, MainHead, Sigmoid, Softmax

X, T = np.ones((2, 4), "float32"), np.array([0, 1])


def heads(x):
    return MainHead(3)(concat(*(Softmax()(Linear(3)(x)) for _ in range(2))))


ENDINGS = {
    "Softmax": sequential(Linear(3), Softmax()),
    "LogSoftmax": sequential(Linear(3), LogSoftmax()),
    "Sigmoid": sequential(Linear(3), Sigmoid(), Flatten()),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_the_warning_names_the_layer_and_what_to_write(kind):
    network = Network(ENDINGS[kind], (4,), seed=0)
    with pytest.warns(
        UserWarning, match=rf"^the network ends with {kind} \(\w+\), but CrossEntropy takes logits"
    ) as caught:
        network.gradients(X, T, CrossEntropy())
    assert f"leave {kind} out, and write fastconv.softmax(network.predict(x)) for" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert len(caught) == 1


def test_the_advice_works():
    """Probabilities of the network without its last layer are those that the layer made."""
    network, without = Network(ENDINGS["Softmax"], (4,), seed=0), Network(Linear(3), (4,), seed=0)
    np.testing.assert_allclose(fastconv.softmax(without.predict(X)), network.predict(X), rtol=1e-6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        without.gradients(X, T, CrossEntropy())
    assert caught == []


WAYS = {
    "gradients": lambda net, loss: net.gradients(X, T, loss),
    "gradients of a prediction": lambda net, loss: net.gradients(X, T, loss, training=False),
    "train_step": lambda net, loss: fastconv.train_step(net, X, T, fastconv.SGD(0.1), loss),
    "lean": lambda net, loss: fastconv.train_step(net, X, T, fastconv.SGD(0.1), loss, lean=True),
    "fit": lambda net, loss: fastconv.fit(net, X, T, loss=loss, progress=False),
    "evaluate": lambda net, loss: fastconv.evaluate(net, X, T, loss),
    "profile": lambda net, loss: net.profile(X, T, loss, repeats=1),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_train_warns_once_for_each_network_and_loss(way):
    network = Network(ENDINGS["Softmax"], (4,), seed=0)
    for net, expected in ((network, 1), (network, 0), (copy.deepcopy(network), 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            WAYS[way](net, CrossEntropy())
        assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)] * expected


def test_heads_of_probabilities():
    network = Network(heads, (4,), seed=0)
    with pytest.warns(UserWarning, match=r"ends with Softmax \(softmax1\), but AuxiliaryCrossEntropy takes logits"):
        network.gradients(X, T, losses.AuxiliaryCrossEntropy((1, 0.3)))


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (ENDINGS["Softmax"], losses.MSE()),
        (ENDINGS["Sigmoid"], losses.MSE()),
        (sequential(Softmax(), Linear(3)), CrossEntropy()),
        (lambda x: x, CrossEntropy()),
        (lambda x: Softmax()(x) + x, CrossEntropy()),
        (sequential(Linear(3), layers.Tanh()), CrossEntropy()),
    ],
)
def test_other_ends_and_losses_do_not_warn(model, loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Network(model, (4,), seed=0).gradients(X, T, loss)


def test_pixels_and_frozen_networks():
    network = Network(sequential(Conv2D(3, 1), Softmax()), (2, 4, 4), seed=0)
    for each in (network, network.freeze()):
        with pytest.warns(UserWarning, match="ends with Softmax") as caught:
            fastconv.evaluate(each, np.ones((2, 2, 4, 4), "float32"), np.zeros((2, 4, 4), int), CrossEntropy())
        assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)]
