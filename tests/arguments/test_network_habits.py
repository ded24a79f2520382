"""What is written on a network from habit: each answer says what to write, and that works."""

import copy
import pickle
import re

import numpy as np
import pytest

import fastconv
from fastconv import Network
from fastconv.arguments.network_habits import CURES, advice

MODEL = fastconv.sequential(fastconv.Flatten(), fastconv.Linear(3))


def network(kind=Network):
    return kind(MODEL, (1, 4, 4), seed=0)


class Own(Network):
    """A network with an attribute of its own."""

    @property
    def layers(self):
        return [node.layer for node in self.nodes if node.layer]

    @property
    def broken(self):
        return self.nodes.nothing


@pytest.mark.parametrize("name", sorted(CURES.keys() - {"__call__", "trainable", "training"}))
def test_a_name_that_a_network_does_not_have_says_what_to_write(name):
    assert not hasattr(Network, name)
    with pytest.raises(AttributeError) as caught:
        getattr(network(), name)
    assert str(caught.value) == f"Network has no {name!r}{advice(name)}"
    assert not hasattr(network(), name)
    with pytest.raises(AttributeError) as caught:
        setattr(network(), name, 1)
    assert str(caught.value) == f"Network.{name} cannot be set{advice(name)}"


@pytest.mark.parametrize("code", sorted({cure.code for cure in CURES.values()}))
def test_the_advice_works(code, tmp_path, capsys):
    net = network()
    net.save(tmp_path / "weights.npz")
    images = np.random.default_rng(0).standard_normal((6, 1, 4, 4)).astype("float32")
    names = {"network": net, "fastconv": fastconv, "copy": copy, "x": images, "images": images, "model": MODEL}
    names |= {"labels": np.arange(6) % 3, "optimizer": fastconv.SGD(0.1), "path": tmp_path / "weights.npz"}
    exec(code.replace("images, labels)", "images, labels, progress=False)") if "fit(" in code else code,
         names | {"input_shape": (1, 4, 4), "best": net.parameters.copy()})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cuda", "; leave it out: fastconv computes on the CPU"),
        ("to", "; leave it out: fastconv computes on the CPU"),
        ("double", "; write fastconv.Network(model, input_shape, 'float64') (the dtype is chosen here)"),
        ("register_buffer", "; buffers belong to layers: make a layer of your own, see docs/extending.md"),
        ("loss", "; write fastconv.fit(network, images, labels, loss=fastconv.CrossEntropy())"),
        ("no_grad", "; write network.predict(x) (it keeps no gradients)"),
    ],
)
def test_what_is_said_of_a_name_of_pytorch(name, says):
    with pytest.raises(AttributeError, match=re.escape(f"Network has no {name!r}{says}") + "$"):
        getattr(network(), name)


def test_a_network_is_not_called():
    with pytest.raises(TypeError, match=r"^a Network is not called; write network.predict\(x\)$"):
        network()(np.ones((1, 1, 4, 4), "float32"))
    with pytest.raises(TypeError, match="a Network cannot be a part of a model; use the layer or function"):
        Network(lambda x: fastconv.Linear(2)(network()(x)), (1, 4, 4))


def test_unknown_names_get_the_usual_error():
    with pytest.raises(AttributeError, match=r"^'Network' object has no attribute 'nonsense'") as caught:
        network().nonsense  # noqa: B018
    assert caught.value.name == "nonsense"
    with pytest.raises(AttributeError, match=r"^Network.nonsense cannot be set; keep it in a variable, or in an attr"):
        network().nonsense = 1
    with pytest.raises(AttributeError, match=r"^Network.predict cannot be set; keep it in a variable"):
        network().predict = None
    with pytest.raises(
        AttributeError, match=r"^Network.training cannot be set; write network.predict\(x\) \(a network"
    ):
        network().training = False
    with pytest.raises(AttributeError, match=r"^Network.output cannot be replaced: build another Network"):
        network().output = None


def test_subclasses_have_attributes_of_their_own():
    net = network(Own)
    net.lr = 0.1
    net.note = "mine"
    assert (net.lr, net.note, len(net.layers)) == (0.1, "mine", 2)
    with pytest.raises(AttributeError, match=r"^'list' object has no attribute 'nothing'"):
        net.broken  # noqa: B018
    with pytest.raises(AttributeError, match=r"^Own has no 'fit'; write fastconv.fit"):
        net.fit  # noqa: B018
    twin = copy.deepcopy(net)
    assert (twin.lr, twin.note) == (0.1, "mine")


def test_copies_and_pickles_are_undisturbed():
    net, x = network(), np.ones((2, 1, 4, 4), "float32")
    for twin in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(twin.predict(x), net.predict(x))
    assert not hasattr(Network.__new__(Network), "executor")


def test_options_are_given_by_name():
    with pytest.raises(TypeError, match=r"^dtype must be 'float32' or 'float64', got 0; for a seed write seed=0$"):
        Network(MODEL, (1, 4, 4), 0)
    with pytest.raises(TypeError, match="by position"):
        Network(MODEL, (1, 4, 4), "float32", 0)
    for option in ("recompute", "precise"):
        with pytest.raises(TypeError, match=f"{option} must be True or False, got 1"):
            Network(MODEL, (1, 4, 4), **{option: 1})
    assert Network(MODEL, (1, 4, 4), "float64", seed=0).dtype == np.float64
