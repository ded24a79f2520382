"""Copies and pickles: the same bits, nothing shared, or an error that says which layer is in the way."""

import copy
import io
import pickle
import sys
import threading
import types

import numpy as np
import pytest

import fastconv
from fastconv import SGD, Network, concat, init, losses, sequential, train_step
from fastconv.frozen import Frozen
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Tanh


def pickled(protocol):
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


def out_of_band(value):
    """Buffers come back as memory that cannot be written."""
    buffers = []
    data = pickle.dumps(value, 5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[bytes(buffer.raw()) for buffer in buffers])


PICKLES = {f"protocol {protocol}": pickled(protocol) for protocol in range(2, 6)} | {"out of band": out_of_band}
WAYS = {"deepcopy": copy.deepcopy, "copy": copy.copy, **PICKLES}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def model(x):
    """A function of nodes with a scope, a shared layer, a sum, a concatenation, and all kinds of state."""
    a = sequential(Conv2D(20, 3, padding=1), BatchNorm())(x)
    shared = Conv2D(20, 3, padding=1, name="shared")
    with fastconv.scope("block"):
        b = shared(ReLU()(a))
    y = concat(shared(b) + a, b, x)
    return sequential(Dropout(0.3), MaxPool2D(2), Flatten(), Linear(5), BatchNorm(affine=False))(y)


def images(n=6):
    return np.random.default_rng(0).standard_normal((n, 3, 8, 8)).astype("float32")


def trained():
    network = Network(model, (3, 8, 8), seed=0, recompute=True)
    train_step(network, images(), np.arange(6) % 5, SGD(0.1))
    return network


def state(network):
    return {name: array.tobytes() for name, array in network.arrays().items()}


@every_way
def test_a_copy_predicts_and_trains_with_the_bits_of_the_network_and_shares_nothing_with_it(way):
    network = trained()
    other, before, targets = way(network), state(network), np.arange(6) % 5
    assert state(other) == before
    assert (other.input_shape, other.output_shape, other.dtype) == ((3, 8, 8), (5,), np.float32)
    assert other.executor.recompute
    assert [node.name for node in other.nodes] == [node.name for node in network.nodes]
    assert str(other.summary(2)) == str(network.summary(2))
    assert str(other.plan(3, training=True)) == str(network.plan(3, training=True))
    np.testing.assert_array_equal(other.predict(images()), network.predict(images()))

    after = [train_step(other, images(), targets, SGD(0.1)) for _ in range(2)]
    assert state(network) == before
    assert [train_step(network, images(), targets, SGD(0.1)) for _ in range(2)] == after
    assert state(network) == state(other)
    assert network.parameters.flat.tobytes() == other.parameters.flat.tobytes()


@every_way
def test_layers_that_are_shared_stay_shared_and_are_not_those_of_the_network(way):
    network = trained()
    pairs = {(node.layer, other.layer) for node, other in zip(network.nodes, way(network).nodes, strict=True)}
    assert (None, None) in pairs
    pairs.remove((None, None))
    assert all(a is not b and type(a) is type(b) for a, b in pairs)
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == 9


@every_way
@pytest.mark.parametrize("channels", [4, 40])
def test_a_copy_of_a_frozen_network_predicts_the_same_bits(way, channels):
    network = Network(sequential(Conv2D(channels, 3), BatchNorm(), ReLU(), Flatten(), Linear(3)), (3, 8, 8), seed=0)
    frozen = network.freeze(2)
    other = way(frozen)
    assert isinstance(other, Frozen)
    assert other.nbytes == frozen.nbytes
    assert str(other.plan(3)) == str(frozen.plan(3))
    for n in (1, 2, 5):
        np.testing.assert_array_equal(other.predict(images(n)), frozen.predict(images(n)))
    held, others = ([a for params, _ in f.weights.of.values() for a in vars(params).values()] for f in (frozen, other))
    assert not any(a is b for a, b in zip(held, others, strict=True) if a is not None)


def test_a_frozen_network_of_other_kernels_says_what_to_pickle(monkeypatch):
    data = pickle.dumps(Network(Conv2D(4, 3), (3, 8, 8), seed=0).freeze())
    monkeypatch.setattr("fastconv.kernels.build", "another")
    with pytest.raises(ValueError, match="pickle the network itself, and freeze it here"):
        pickle.loads(data)


@pytest.mark.parametrize("way", [copy.deepcopy, pickled(5)])
def test_a_thousand_layers_do_not_overflow_the_stack(way):
    def chain(x):
        for _ in range(500):
            x = Tanh()(Linear(2)(x)) + x
        return x

    network, x = Network(chain, (2,), seed=0), np.ones((1, 2), "float32")
    np.testing.assert_array_equal(way(network).predict(x), network.predict(x))
    assert pickle.loads(pickle.dumps(network.output)).name == network.output.name


@every_way
def test_copies_of_parameters_and_buffers_are_independent_and_parameters_one_vector(way):
    network = trained()
    for held in (network.parameters, network.buffers):
        other = way(held)
        assert type(other) is type(held)
        assert {name: a.tobytes() for name, a in other.items()} == {name: a.tobytes() for name, a in held.items()}
        for name, array in other.items():
            array[...] = 7
            assert not (held[name] == 7).all()
    flat = way(network.parameters).flat
    np.testing.assert_array_equal(flat, network.parameters.flat)
    assert flat.flags.writeable


def test_the_vector_holds_the_arrays_of_a_copy():
    other = copy.deepcopy(trained()).parameters
    other.flat[...] = 3
    assert all((array == 3).all() for array in other.values())


def packed():
    return fastconv.pack_weight(np.ones((64, 64, 3, 3), "float32"), (1, 64, 8, 8), padding=1)


VALUES = {
    "summary": lambda: trained().summary(3),
    "plan": lambda: trained().plan(2),
    "profile": lambda: trained().profile(images(), repeats=1),
    "memory": lambda: trained().memory(3, training=True),
    "history": lambda: fastconv.fit(trained(), images(), np.arange(6) % 5, progress=False),
    "loss": lambda: losses.AuxiliaryCrossEntropy((1, 2)),
    "squares": lambda: losses.MSE("mean"),
    "normal": lambda: init.normal(0.1)(np.random.default_rng(0), (3, 2)).tolist(),
    "layer": lambda: vars(Conv2D(4, 3, init=init.normal(0.1), bias_init=init.constant(2))).keys(),
}


@every_way
@pytest.mark.parametrize("name", VALUES)
def test_what_describes_a_network_can_be_copied(way, name):
    value = VALUES[name]()
    value = list(value) if name == "layer" else value
    other = way(value)
    assert type(other) is type(value)
    assert str(other) == str(value)


@every_way
def test_packed_weights(way):
    x, weight = np.random.default_rng(0).standard_normal((2, 64, 8, 8)).astype("float32"), packed()
    np.testing.assert_array_equal(fastconv.conv2d(x, way(weight), padding=1), fastconv.conv2d(x, weight, padding=1))


@every_way
@pytest.mark.parametrize(
    "make", [ReLU, BatchNorm, Flatten, lambda: Linear(3, init=init.normal(2), name="a"), lambda: MaxPool2D(2)]
)
def test_layers(way, make):
    layer = make()
    other = way(layer)
    assert type(other) is type(layer)
    assert repr(other) == repr(layer)
    assert vars(other).keys() == vars(layer).keys()


@every_way
def test_initialisers_draw_the_same_numbers(way):
    for rule in (init.normal(0.5), init.constant(3), init.uniform):
        drawn, other = (f(np.random.default_rng(0), (4, 3), 2, 3) for f in (rule, way(rule)))
        np.testing.assert_array_equal(drawn, other)


@every_way
def test_models_of_layers_can_be_copied(way):
    build = way(sequential(Linear(3), ReLU()))
    assert list(Network(build, (2,)).parameters) == ["linear1.weight", "linear1.bias"]


class Holding(ReLU):
    """Keeps whatever it is given."""

    def __init__(self, value):
        super().__init__(name="keeper")
        self.value = value


class Counting(Network):
    """A network with an attribute of its own, and a way back to itself."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen, self.me = [3], self


@pytest.mark.parametrize("way", [copy.deepcopy, pickled(2), pickled(5)])
def test_a_class_of_ones_own_keeps_its_attributes(way):
    network = Counting(Linear(2), (3,))
    other = way(network)
    assert type(other) is Counting
    assert other.me is other
    assert other.seen == [3]
    assert other.seen is not network.seen


@pytest.mark.parametrize("way", PICKLES.values(), ids=PICKLES)
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: Holding(lambda: 3),
        lambda: Holding(threading.Lock()),
        lambda: type("Local", (Holding,), {})(3),
        lambda: Linear(3, init=lambda rng, shape, fan_in, fan_out: np.ones(shape), name="keeper"),
    ],
    ids=["lambda", "lock", "class in a function", "initialiser"],
)
def test_what_pickle_cannot_take_is_named_with_a_way_out(layer, frozen, way):
    network = Network(sequential(Linear(2), layer()), (3,))
    with pytest.raises(pickle.PicklingError, match=r"(?s)keeper \(\w+\) cannot be pickled: .*top of a module.*save\("):
        way(network.freeze() if frozen else network)


KEPT = []


def kept(index):
    return KEPT[index]


class Generous(pickle.Pickler):
    """Takes lambdas and classes in functions, as cloudpickle does, and no locks."""

    def reducer_override(self, value):
        if isinstance(value, types.FunctionType | type) and "<l" in value.__qualname__:
            KEPT.append(value)
            return kept, (len(KEPT) - 1,)
        return NotImplemented


SOURCE = """
def dumps(value):
    file = io.BytesIO()
    Generous(file, 5).dump(value)
    return file.getvalue()
"""


def generous(name):
    """A module of this name with a function `dumps`."""
    module = types.ModuleType(name)
    vars(module).update(io=io, Generous=Generous)
    exec(SOURCE, vars(module))
    return module


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", ["cloudpickle", "dill._dill", "joblib.externals.cloudpickle.cloudpickle"])
def test_other_picklers_may_take_what_pickle_cannot(name, frozen, monkeypatch):
    module = generous(name)
    monkeypatch.setitem(sys.modules, name, module)
    network = Network(sequential(Linear(2), type("<local>", (Holding,), {})(lambda: 3)), (3,), seed=0)
    network = network.freeze() if frozen else network
    x = np.ones(3, "float32")
    np.testing.assert_array_equal(pickle.loads(module.dumps(network)).predict(x), network.predict(x))
    with pytest.raises(pickle.PicklingError, match=r"keeper \(Holding\) cannot be pickled: .*lock"):
        module.dumps(Network(Holding(threading.Lock()), (3,)))
    with pytest.raises(pickle.PicklingError, match=r"keeper \(\S+\) cannot be pickled: .*top of a module"):
        pickle.dumps(network)  # which is not at work in that module


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy])
def test_deepcopy_takes_functions_and_names_the_layer_that_holds_a_lock(way):
    x = np.ones(3, "float32")
    network = Network(sequential(Linear(2), Holding(lambda: 3)), (3,))
    np.testing.assert_array_equal(way(network).predict(x), network.predict(x))
    for held in (Network(Holding(threading.Lock()), (3,)), Network(Holding(threading.Lock()), (3,)).freeze()):
        with pytest.raises(TypeError, match=r"keeper \(Holding\) cannot be copied: .*lock"):
            way(held)


def test_a_copy_may_be_made_while_the_network_is_trained():
    network = trained()
    with network.training():
        other = copy.deepcopy(network)
    train_step(other, images(), np.arange(6) % 5, SGD(0.1))  # and is not itself in training


@pytest.mark.parametrize("spoil", ["missing", "shape", "layer"])
def test_a_pickle_whose_parts_do_not_fit_is_refused(spoil):
    network = Network(sequential(Linear(2, name="a"), Linear(3, name="b")), (3,), seed=0)
    state = network.__getstate__()
    if spoil == "missing":
        state["parameters"] = network.buffers
    elif spoil == "shape":
        state["parameters"] = Network(sequential(Linear(2, name="a"), Linear(4, name="b")), (3,)).parameters
    else:
        state["output"].graph.names["a"].outputs = 5
    other = Network.__new__(Network)
    with pytest.raises((ValueError, RuntimeError), match=r"other names|must have shape|was changed"):
        other.__setstate__(state) or other.predict(np.ones(3, "float32"))


def test_arrays_of_a_pickle_with_a_vector_of_another_length_are_refused():
    made, arguments = Network(Linear(2), (3,)).parameters.__reduce__()
    with pytest.raises(ValueError, match=r"flat must have shape \(32,\)"):
        made(*arguments[:2], np.zeros(33, "float32"))
