"""`set_trainable`: names, optimizers, copies, errors."""

import copy
import pickle
import threading

import numpy as np
import pytest
from parts import LABELS, backward_steps, images, moved, network

from fastconv import SGD, CrossEntropy, Network, fit, losses, sequential, train_step
from fastconv.layers import BatchNorm, ReLU
from fastconv.optim import Optimizer
from fastconv.parameters import Arrays


class Rule:
    """An optimizer of another library."""

    def step(self, parameters, gradients):
        assert list(parameters) == list(gradients)
        self.names = list(gradients)
        for name, array in parameters.items():
            array -= 0.1 * gradients[name]


class Plain(SGD):
    """A rule with a step of its own, whole and in parts."""

    def step(self, parameters, gradients):
        Rule.step(self, parameters, gradients)

    def step_part(self, parameters, start, dw):
        super().step_part(parameters, start, dw)


@pytest.mark.parametrize("make", [Rule, lambda: Plain(7.0), lambda: SGD(0.1)], ids=["another", "own", "ours"])
def test_the_optimizer_gets_what_is_trained(make):
    net, loop, optimizer = network(), network(), make()
    for one in (net, loop):
        one.set_trainable(["a*", "b.conv.*"], False)
    before = {name: array.copy() for name, array in net.arrays().items()}
    train_step(net, images(), LABELS, optimizer)
    assert set(moved(before, net)) & set(net.parameters) == set(net.trainable)
    if type(optimizer) is not SGD:
        assert optimizer.names == list(net.trainable)
    _, gradients = loop.gradients(images(), LABELS, CrossEntropy())
    make().step(loop.trained, gradients)
    assert loop.parameters.flat.tobytes() == net.parameters.flat.tobytes()


def test_a_rule_of_ours_is_told_the_names(monkeypatch):
    log = []

    def recorded(name, method):
        def call(self, *arrays_and_names):
            arrays = [given for given in arrays_and_names if isinstance(given, Arrays)]
            log.append((name, *arrays_and_names[len(arrays) :]))
            method(self, *arrays)

        return call

    for name in ("begin_step", "end_step"):
        monkeypatch.setattr(Optimizer, name, recorded(name, getattr(Optimizer, name)))
    monkeypatch.setattr(Optimizer, "step_of", recorded("step_of", lambda *arrays: None))
    for lean in (False, True):
        net, optimizer = network(), SGD(0.1)
        train_step(net, images(), LABELS, optimizer, lean=lean)
        assert log[0] == ("begin_step",)
        net.set_trainable(["a*", "b.*"], False)
        log.clear()
        train_step(net, images(), LABELS, optimizer, lean=lean)
        names = ("fc.weight", "fc.bias")
        assert log == [("begin_step", names), ("end_step" if lean else "step_of", names)]
        log.clear()


def test_adjusted_gradients_hold_zeros_for_what_is_frozen():
    net, seen = network(), []
    train_step(net, images(), LABELS, SGD(0.1))
    net.set_trainable(["a*", "b.*"], False)
    with net.training():
        net.train_batch(
            images(),
            LABELS,
            CrossEntropy(),
            SGD(0.1),
            adjust=lambda g: seen.append({k: v.copy() for k, v in g.items()}),
        )
    assert [name for name, gradient in seen[0].items() if gradient.any()] == ["fc.weight", "fc.bias"]


def test_trained_maps_names_to_live_arrays():
    net = network()
    assert net.trained is net.parameters
    net.set_trainable("*.weight", False)
    assert tuple(net.trained) == net.trainable
    assert all(name.endswith(".bias") for name in net.trained)
    net.trained["fc.bias"][...] = 7
    assert (net.parameters["fc.bias"] == 7).all()
    with pytest.raises(KeyError, match=r"'fc\.weight' is none of the arrays"):
        net.trained["fc.weight"]


def test_copies_and_pickles_know_what_is_frozen():
    net = network()
    net.set_trainable(["a*", "b.*"], False)
    for other in (copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net))):
        assert other.trainable == ("fc.weight", "fc.bias")
        assert backward_steps(other) == ["fc"]
        other.set_trainable("*")
    assert net.trainable == ("fc.weight", "fc.bias")
    state = net.__getstate__()
    del state["frozen parameters"]  # a pickle of a version without it
    old = Network.__new__(Network)
    old.__setstate__(state)
    assert old.trainable == tuple(net.parameters)


def test_patterns_add_up():
    net = network()
    net.set_trainable("*", False)
    assert net.trainable == ()
    net.set_trainable(["fc.*", "?_norm.bias"])
    assert net.trainable == ("a_norm.bias", "fc.weight", "fc.bias")
    net.set_trainable(("fc.bias",), False)
    net.set_trainable("fc.bias", False)
    assert net.trainable == ("a_norm.bias", "fc.weight")
    net.set_trainable(iter(["*"]))
    assert net.trainable == tuple(net.parameters)


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        ("fc", r"'fc' fits none; did you mean 'fc\.\*'\?$"),
        ("b", r"'b' fits none; did you mean 'b\.\*'\?$"),
        ("fc.wieght", r"did you mean 'fc\.weight'"),
        ("nothing", r"'nothing' fits none; write one such as 'a\.\*', 'a_norm\.\*', 'b\.\*', 'fc\.\*'$"),
        ("FC.*", "'FC.*' fits none"),
        (["fc.*", "other.*"], r"'other\.\*' fits none"),
        ("a_norm.running_mean", "fits none"),
    ],
)
def test_a_pattern_that_fits_nothing_is_refused(patterns, says):
    net = network()
    with pytest.raises(ValueError, match=says):
        net.set_trainable(patterns, False)
    assert net.trainable == tuple(net.parameters)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((False,), r"patterns must be one name or pattern .*; write network.set_trainable\('\*', False\)$"),
        (([],), "patterns must be one name or pattern"),
        ((["fc.*", 3],), "patterns must be texts such as 'conv1.*', got 3 among them"),
        (("fc.*", "no"), "flag must be True or False, got 'no'"),
        ((), r"write network.set_trainable\('conv1.\*', False\)"),
    ],
)
def test_other_arguments_are_refused(arguments, says):
    net = network()
    with pytest.raises(TypeError, match=says):
        net.set_trainable(*arguments)
    with pytest.raises(TypeError, match="write flag=False"):
        net.set_trainable("fc.*", requires_grad=False)
    assert net.trainable == tuple(net.parameters)


def test_a_network_without_parameters_says_so():
    with pytest.raises(ValueError, match=r"'fc\.\*' fits none; the network has no parameters"):
        Network(ReLU(), (3,)).set_trainable("fc.*")


def test_a_step_needs_a_trained_parameter():
    net = network()
    net.set_trainable("*", False)
    before = {name: array.copy() for name, array in net.arrays().items()}
    says = r"^all parameters are frozen, a step would train none; write network.set_trainable\('fc.bias'\)$"
    with pytest.raises(ValueError, match=says):
        train_step(net, images(), LABELS, SGD(0.1))
    with pytest.raises(ValueError, match=says):
        fit(net, images(), LABELS, epochs=1, progress=False)
    assert moved(before, net) == []
    _, gradients, dx = net.gradients(images(), LABELS, CrossEntropy(), inputs=True)
    assert len(gradients) == 0
    assert dx.any()
    assert np.isfinite(net.gradients(images(), LABELS, CrossEntropy())[0])
    empty = Network(sequential(BatchNorm(affine=False)), (3,))
    empty.set_trainable("*", False)
    train_step(empty, images(4, (3,)), np.zeros((4, 3), "float32"), SGD(0.1), losses.MSE())


def test_fit_trains_the_others():
    net = network()
    net.set_trainable(["a*", "b.*"], False)
    before = {name: array.copy() for name, array in net.arrays().items()}
    fit(net, images(), LABELS, epochs=2, batch_size=2, progress=False)
    assert moved(before, net) == ["fc.weight", "fc.bias", "dropout1.counter"]


def test_another_thread_that_trains_keeps_its_parameters():
    net, said = network(), []

    def freeze():
        try:
            net.set_trainable("fc.*", False)
        except RuntimeError as error:
            said.append(str(error))

    with net.training():
        thread = threading.Thread(target=freeze)
        thread.start()
        thread.join()
        net.set_trainable("a.*", False)  # the thread that trains may, between two steps
    assert said == ["another thread is training this network"]
    assert net.trainable[-1] == "fc.bias"


@pytest.mark.parametrize("name", ["trainable", "requires_grad", "frozen"])
def test_what_other_libraries_set_is_refused(name):
    with pytest.raises(AttributeError, match=r"cannot be set; write network.set_trainable\('linear1.\*', False\)"):
        setattr(network(), name, False)
