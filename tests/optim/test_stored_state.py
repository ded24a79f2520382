"""`state` and `load_state`: another optimizer of the same kind goes on, bit for bit."""

import copy
import json
import pickle

import numpy as np
import pytest
from optim_parts import GROUPS, PARTS, WAYS
from optim_state import LABELS, RULES, X, arrays, every_rule

from fastconv import SGD, Adam, Network, RMSprop, layers, train_step
from fastconv.optim import Optimizer


def stored(state):
    """Through what a file holds: arrays by flat names, the rest as JSON with sorted keys."""
    kept = pickle.loads(pickle.dumps(state.pop("arrays")))
    return {**json.loads(json.dumps(state, sort_keys=True)), "arrays": kept}


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("break_at", range(len(PARTS)))
@every_rule
def test_a_run_that_is_broken_off_goes_on_bit_for_bit(rule, break_at, grouped):
    """With any mix of frozen, thawed and lean parameters before and after."""
    found = []
    for broken in (False, True):
        rng, optimizer, p = np.random.default_rng(1), RULES[rule](), arrays(np.random.default_rng(2))
        if grouped:
            optimizer.groups, optimizer.decay_biases_and_norms = GROUPS[rule], False
        for i, names in enumerate(PARTS):
            if broken and i == break_at:
                state, p, optimizer = stored(optimizer.state()), p.copy(), type(optimizer)(lr=1e-9)
                optimizer.load_state(state)
            way = rng.choice(["step_of", "gradients of a part", "lean"])
            WAYS[way](optimizer, p, arrays(rng), names)
            if i == 3:
                optimizer.lr = 0.07
        found.append({**optimizer.state(), "arrays": None, "groups": dict(optimizer.groups), "w": p.flat.tobytes()})
    assert found[0] == found[1]


@every_rule
@pytest.mark.parametrize("lean", [False, True])
def test_a_state_is_taken_into_an_optimizer_that_was_used(rule, lean):
    """As when weights and state of an earlier moment are put back into the network that is trained."""
    net, optimizer = network(), RULES[rule]()
    for _ in range(2):
        train_step(net, X, LABELS, optimizer)
    weights, state = net.parameters.copy(), optimizer.state()
    for _ in range(3):
        train_step(net, X, LABELS, optimizer, lean=lean)
    right = net.parameters.flat.copy()
    optimizer.lr = 0.5
    net.parameters.update(weights)
    optimizer.load_state(state)
    for _ in range(3):
        train_step(net, X, LABELS, optimizer, lean=not lean)
    assert net.parameters.flat.tobytes() == right.tobytes()


def network(features=3, **options):
    return Network(layers.Linear(features, name="fc"), (4,), seed=0, **options)


def test_what_a_state_holds():
    optimizer, w = Adam(0.5, groups={"b": {"lr": 0.25}, "a": {"betas": (0.5, 0.75)}}), {"a": np.ones((2, 1))}
    w["b"] = np.ones(3, "float32")
    optimizer.groups["b"]["eps"] = 0.5
    optimizer.step(w, {name: np.ones_like(a) for name, a in w.items()})
    optimizer.step_of(w, {name: np.ones_like(a) for name, a in w.items()}, ["b"])
    state = optimizer.state()
    kept = state.pop("arrays")
    assert state == {
        "kind": "Adam",
        "settings": {"lr": 0.5, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0},
        "groups": [["b", {"lr": 0.25, "eps": 0.5}], ["a", {"betas": [0.5, 0.75]}]],
        "decay_biases_and_norms": True,
        "steps": {"a": 1, "b": 2},
    }
    assert {name: (a.shape, a.dtype) for name, a in kept.items()} == {
        "first/a": ((2, 1), "float64"),
        "second/a": ((2, 1), "float64"),
        "first/b": ((3,), "float32"),
        "second/b": ((3,), "float32"),
    }
    np.testing.assert_array_equal(kept["first/a"], 0.5)


def test_parameters_without_a_step_are_not_in_a_state():
    optimizer, net = Adam(), network()
    assert optimizer.state()["steps"] == {}
    optimizer.begin_step(net.parameters)
    assert optimizer.state()["steps"] == {}
    optimizer.step_of(net.parameters, net.parameters.like(), ["fc.bias"])
    assert optimizer.state()["arrays"].keys() == {"first/fc.bias", "second/fc.bias"}


def test_a_state_and_its_optimizer_do_not_share_arrays():
    optimizer, w = SGD(1.0, 0.5), {"w": np.zeros(2)}
    optimizer.step(w, {"w": np.ones(2)})
    state = optimizer.state()
    optimizer.step(w, {"w": np.ones(2)})
    np.testing.assert_array_equal(state["arrays"]["velocity/w"], 1)
    other = SGD(1.0)
    other.load_state(state)
    state["arrays"]["velocity/w"][...] = np.nan
    again = other.state()
    np.testing.assert_array_equal(again["arrays"]["velocity/w"], 1)
    again["arrays"]["velocity/w"][...] = np.nan
    other.step(w, {"w": np.zeros(2)})
    np.testing.assert_array_equal(w["w"], -3.0)


def test_a_momentum_set_just_before_is_part_of_the_state():
    """Its vectors are not there yet: they are zeros."""
    optimizer, w = RMSprop(0.1), {"w": np.ones(2)}
    optimizer.step(w, {"w": np.ones(2)})
    optimizer.momentum = 0.5
    other = RMSprop()
    other.load_state(optimizer.state())
    two = {"w": w["w"].copy()}
    optimizer.step(w, {"w": np.ones(2)})
    other.step(two, {"w": np.ones(2)})
    np.testing.assert_array_equal(two["w"], w["w"])


def test_steps_go_on_where_a_rule_keeps_nothing_else():
    optimizer, net = SGD(0.1), network()
    train_step(net, X, LABELS, optimizer)
    other = SGD(0.1)
    other.load_state(optimizer.state())
    assert other.state() == optimizer.state()
    train_step(net, X, LABELS, other)
    assert other.state()["steps"] == {"fc.weight": 2, "fc.bias": 2}


def test_a_state_waits_through_copies_and_states():
    optimizer, w = Adam(0.1), {"w": np.ones(3)}
    optimizer.step(w, {"w": np.ones(3)})
    other, third, again = Adam(), Adam(), {"w": w["w"].copy()}
    other.load_state(optimizer.state())
    third.load_state(copy.deepcopy(other).state())
    optimizer.step(w, {"w": np.ones(3)})
    pickle.loads(pickle.dumps(third)).step(again, {"w": np.ones(3)})
    np.testing.assert_array_equal(again["w"], w["w"])


def test_the_order_of_axes_in_memory_is_the_parameters_own():
    rng = np.random.default_rng(0)
    w, optimizer = np.asfortranarray(rng.standard_normal((3, 4))), Adam(0.1)
    gradients = [rng.standard_normal((3, 4)) for _ in range(4)]
    for g in gradients[:2]:
        optimizer.step({"w": w}, {"w": g})
    other, v = Adam(), np.ascontiguousarray(w)
    other.load_state(optimizer.state())
    for g in gradients[2:]:
        optimizer.step({"w": w}, {"w": g})
        other.step({"w": v}, {"w": g})
    np.testing.assert_array_equal(w, v)


class Signs(Optimizer):
    """A rule that only says how many vectors it keeps."""

    remembers = 2

    def __init__(self, lr, decay=0.5):
        super().__init__(lr=lr, decay=decay)

    def prepare(self, kernel, w, dw, t, m, n):
        def call():
            m[...] = self.decay * m + dw
            n[...] += m
            w[...] -= self.lr * n * t

        return call


def test_a_rule_of_ones_own_has_a_state():
    rng, optimizer, p = np.random.default_rng(0), Signs(0.5), arrays(np.random.default_rng(1))
    optimizer.step(p, arrays(rng))
    state = stored(optimizer.state())
    assert {"0/c", "1/c"} <= state["arrays"].keys()
    other, q = Signs(1.0, 0.0), p.copy()
    other.load_state(state)
    g = arrays(rng)
    optimizer.step(p, g)
    other.step(q, g)
    assert p.flat.tobytes() == q.flat.tobytes()


# ---------------------------------------------------------------- what is refused


def sound():
    """A state of Adam on the parameters of `network`."""
    optimizer, net = Adam(0.5, groups={"fc.bias": {"lr": 0.25}}), network()
    train_step(net, X, LABELS, optimizer)
    return optimizer.state()


def put(*path):
    *path, value = path

    def change(state):
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = value

    return change


def drop(*path):
    def change(state):
        for key in path[:-1]:
            state = state[key]
        del state[path[-1]]

    return change


DAMAGE = [
    (put("kind", "SGD"), ValueError, r"^the state is that of 'SGD', this optimizer is Adam; use one kind$"),
    *(
        (drop(key), ValueError, rf"^state is damaged: missing \['{key}'\], unknown \[\]$")
        for key in ("kind", "settings", "groups", "decay_biases_and_norms", "arrays", "steps")
    ),
    (put("more", 1), ValueError, r"^state is damaged: missing \[\], unknown \['more'\]$"),
    (drop("settings", "lr"), ValueError, r"^state\['settings'\] is damaged: missing \['lr'\]"),
    (put("settings", "rho", 1), ValueError, r"unknown \['rho'\]$"),
    (put("settings", "lr", float("nan")), ValueError, r"^state\['settings'\]\['lr'\] must be >= 0, got nan$"),
    (put("settings", "betas", [0.9]), TypeError, r"^state\['settings'\]\['betas'\] must be a pair of numbers"),
    (put("settings", []), TypeError, r"^state\['settings'\] must be a dict, got \[\]$"),
    (put("groups", {"a": {}}), TypeError, r"^state\['groups'\] must be a list of pairs \[pattern, settings\], got "),
    (put("groups", [["a"]]), TypeError, r"^state\['groups'\] must be a list of pairs"),
    (put("groups", [[["a"], {}]]), TypeError, r"^the patterns in state\['groups'\] must be texts"),
    (put("groups", [["a", {"lr": -1}]]), ValueError, r"^groups\['a'\]\['lr'\] must be >= 0"),
    (put("decay_biases_and_norms", "x"), TypeError, r"must be True or False, got 'x'$"),
    (put("arrays", None), TypeError, r"^state\['arrays'\] must be a dict, got None$"),
    (
        drop("arrays", "second/fc.bias"),
        ValueError,
        r"^state\['arrays'\] has no 'second/fc\.bias', and .* 1 steps$",
    ),
    (put("arrays", "first/head", np.ones(3)), ValueError, r"has 'first/head', and state\['steps'\] has no 'head'$"),
    (
        put("arrays", "first/fc.bias", [1, 2, 3]),
        TypeError,
        r"^state\['arrays'\]\['first/fc\.bias'\] must be a ",
    ),
    (put("arrays", "first/fc.bias", np.ones(3, int)), TypeError, r"must be a float32 or float64 array, got int64$"),
    (put("arrays", "first/fc.bias", np.ones(3, ">f4")), TypeError, r"got >f4$"),
    (
        put("arrays", "first/fc.bias", np.ones(2, "f4")),
        ValueError,
        r"of fc\.bias must have one shape and dtype",
    ),
    (
        put("arrays", "first/fc.bias", np.ones(3)),
        ValueError,
        r"one shape and dtype, got first \(3,\) float64",
    ),
    (put("steps", "fc.bias", 0), ValueError, r"^state\['steps'\]\['fc\.bias'\] must be >= 1, got 0$"),
    (put("steps", "fc.bias", 1.5), TypeError, r"^state\['steps'\]\['fc\.bias'\] must be an integer, got 1\.5$"),
    (put("steps", "fc.bias", True), TypeError, r"must be an integer, got True$"),
    (put("steps", "fc.bias", 10**400), ValueError, r"^state\['steps'\]\['fc\.bias'\] must be at most "),
    (drop("steps", "fc.bias"), ValueError, r"has 'first/fc\.bias', and state\['steps'\] has no 'fc\.bias'$"),
]


@pytest.mark.parametrize(("change", "error", "says"), DAMAGE, ids=[says[:60] for _, _, says in DAMAGE])
def test_a_damaged_state_is_refused_and_changes_nothing(change, error, says):
    optimizer, net = Adam(0.1, groups={"*.weight": {"lr": 0.2}}), network()
    train_step(net, X, LABELS, optimizer)
    other, second = copy.deepcopy(optimizer), network()
    second.parameters.flat[...] = net.parameters.flat
    state = sound()
    change(state)
    with pytest.raises(error, match=says):
        other.load_state(state)
    assert repr(other) == repr(optimizer)
    train_step(net, X, LABELS, optimizer)
    train_step(second, X, LABELS, other)
    assert net.parameters.flat.tobytes() == second.parameters.flat.tobytes()


@pytest.mark.parametrize("wrong", [None, [1], "state", SGD(0.1)])
def test_what_is_no_state(wrong):
    with pytest.raises(TypeError, match=r"^state must be what optimizer\.state\(\) gave, got "):
        SGD(0.1).load_state(wrong)


def test_a_state_of_other_parameters_is_refused_by_the_step_and_changes_nothing():
    optimizer, other, trained = Adam(0.1), Adam(0.1), network()
    train_step(trained, X, LABELS, optimizer)
    for net, says in (
        (network(features=5), r"remembers fc\.weight of shape \(3, 4\) and dtype float32, got \(5, 4\) float32"),
        (network(dtype="float64"), r"dtype float32, got \(3, 4\) float64"),
        (Network(layers.Linear(3, name="head"), (4,), seed=0), r"remembers .*, but the parameters are head\.w"),
    ):
        other.load_state(optimizer.state())
        before = net.parameters.flat.copy()
        with pytest.raises(ValueError, match=says):
            train_step(net, X.astype(net.dtype), LABELS, other)
        np.testing.assert_array_equal(net.parameters.flat, before)


def test_parameters_that_a_state_cannot_name():
    optimizer, pair = Adam(), [network(), network()]
    for net in pair:
        train_step(net, X, LABELS, optimizer)
    with pytest.raises(ValueError, match=r"remembers 2 named fc\.\w+; use one optimizer for each network"):
        optimizer.state()
    optimizer, w = Adam(), {1: np.ones(2)}
    optimizer.step(w, {1: np.ones(2)})
    with pytest.raises(TypeError, match="the names of parameters must be texts to be stored, got 1"):
        optimizer.state()


def test_half_a_lean_step_has_no_state():
    optimizer, net = Adam(), network()
    optimizer.begin_step(net.parameters)
    optimizer.step_part(net.parameters, 0, np.ones(4, "float32"))
    with pytest.raises(RuntimeError, match="lean step stopped half-way"):
        optimizer.state()


def test_a_state_has_names_of_arrays_with_any_letters():
    optimizer, w = Adam(0.1), {"a/b/first/c": np.ones(2), "": np.ones(2)}
    optimizer.step(w, {name: np.ones(2) for name in w})
    other = Adam()
    other.load_state(optimizer.state())
    assert other.state()["steps"] == {"a/b/first/c": 1, "": 1}
