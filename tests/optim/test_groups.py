"""Settings of groups of parameters, and weight decay that leaves out biases and norms."""

import copy
import pickle

import numpy as np
import pytest
from optim_parts import GROUPS
from optim_reference import Parameter
from optim_state import COPIES, LABELS, RULES, SHAPES, X, arrays, every_rule, lean_step

from fastconv import SGD, Adam, AdamW, CrossEntropy, Network, RMSprop, layers, sequential, train_step
from fastconv.optim import Optimizer

STEPS = {
    "whole": lambda o, p, g: o.step(p, g),
    "dicts": lambda o, p, g: o.step(dict(p), dict(g)),
    "lean": lean_step,
}
every_way = pytest.mark.parametrize("way", STEPS)


def merged(optimizer, name, ndim, patterns):
    """The settings of one parameter, read off by hand: later patterns win."""
    found = {setting: getattr(optimizer, setting) for setting in optimizer.settings}
    for pattern, settings in optimizer.groups.items():
        if name in patterns[pattern]:
            found.update(settings)
    if not optimizer.decay_biases_and_norms and ndim < 2:
        found["weight_decay"] = 0.0
    return type(optimizer)(**found)


FITS = {  # pattern -> names, written out
    "a.*": {"a.weight", "a.bias"},
    "*.bias": {"a.bias"},
    "scalar": {"scalar"},
    "c": {"c"},
    "b": {"b"},
    "[bc]": {"b", "c"},
    "*": set(SHAPES),
}


@pytest.mark.parametrize("decay", [True, False])
@every_way
@every_rule
def test_each_parameter_is_updated_as_in_float64_with_its_own_settings(rule, way, decay):
    rng, optimizer = np.random.default_rng(1), RULES[rule]()
    optimizer.groups, optimizer.decay_biases_and_norms = GROUPS[rule], decay
    p = arrays(rng)
    expected = {name: Parameter(w) for name, w in p.items()}
    for _ in range(4):
        g = arrays(rng)
        STEPS[way](optimizer, p, g)
        for name, w in p.items():
            expected[name].step(g[name], rule, merged(optimizer, name, w.ndim, FITS))
            np.testing.assert_allclose(w, expected[name].w, rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("decay", [True, False])
@every_way
@every_rule
def test_each_parameter_has_the_bits_of_an_optimizer_of_its_own(rule, way, decay):
    rng, optimizer = np.random.default_rng(2), RULES[rule]()
    optimizer.groups, optimizer.decay_biases_and_norms = GROUPS[rule], decay
    p = arrays(rng)
    alone = {name: w.copy() for name, w in p.items()}
    own = {name: merged(optimizer, name, w.ndim, FITS) for name, w in p.items()}
    for step in range(5):
        if step == 3:
            optimizer.groups["a.*"]["lr"] = 0.5
            for name in FITS["a.*"]:
                own[name].lr = 0.5
        g = arrays(rng)
        STEPS[way](optimizer, p, g)
        for name, w in alone.items():
            own[name].step({name: w}, {name: g[name]})
            assert w.tobytes() == p[name].tobytes(), name


@every_rule
def test_ways_by_turns_have_the_bits_of_one_way_with_groups(rule):
    rng, found = np.random.default_rng(3), []
    gradients = [arrays(rng) for _ in range(6)]
    for turns in (["whole"] * 6, ["lean", "dicts", "whole", "lean", "whole", "dicts"]):
        optimizer, p = RULES[rule](), arrays(np.random.default_rng(4))
        optimizer.groups, optimizer.decay_biases_and_norms = GROUPS[rule], False
        for way, g in zip(turns, gradients, strict=True):
            STEPS[way](optimizer, p, g)
        found.append(p.flat.tobytes())
    assert found[0] == found[1]


@every_way
@every_rule
def test_groups_that_change_nothing_give_the_same_bits(rule, way):
    rng = np.random.default_rng(5)
    p = arrays(rng)
    q, plain, grouped = p.copy(), RULES[rule](), RULES[rule]()
    grouped.groups = {"*": {"lr": plain.lr}, "a.*": {}}
    for _ in range(3):
        g = arrays(rng)
        STEPS["whole"](plain, p, g)
        STEPS[way](grouped, q, g)
    assert p.flat.tobytes() == q.flat.tobytes()


def prepared(optimizer):
    """What `prepare` is called with, of the optimizer and of its copies for groups: (lr, size) of each call."""
    kind, calls = type(optimizer), []

    class Counted(kind):
        def prepare(self, kernel, w, *arguments):
            calls.append((self.lr, w.size))
            return super().prepare(kernel, w, *arguments)

    optimizer.__class__ = Counted
    return calls


def test_neighbours_with_equal_settings_are_one_call():
    """Each array begins a cache line of 8 numbers: a.weight 0 to 12, a.bias 16 to 19, b 24 to 28, c 32 to 48."""
    optimizer = SGD(0.1, groups={"a.weight": {"lr": 0.5}, "a.bias": {"lr": 0.5}, "[bc]": {"lr": 0.25}, "scalar": {}})
    calls, p = prepared(optimizer), arrays(np.random.default_rng(0))
    optimizer.step(p, p.like())
    assert calls == [(0.5, 19), (0.25, 24), (0.1, 1)]
    calls.clear()
    optimizer.groups = {"b": {"lr": 0.1}}
    optimizer.step(p, p.like())
    assert calls == [(0.1, 49)]
    calls.clear()
    optimizer.groups["b"] = {"momentum": 0.5}
    optimizer.begin_step(p)
    optimizer.step_part(p, 0, p.like().flat)
    assert calls == [(0.1, 19), (0.1, 4), (0.1, 17)]


def test_which_neighbours_go_together_is_not_looked_up_in_every_step(monkeypatch):
    optimizer, p = Adam(0.1, groups={"*.bias": {"lr": 0.5}}), arrays(np.random.default_rng(0))
    optimizer.step(p, p.like())
    asked, variant = [], Adam.variant
    monkeypatch.setattr(Adam, "variant", lambda self, *about: asked.append(about) or variant(self, *about))
    for _ in range(3):
        optimizer.step(p, p.like())
        lean_step(optimizer, p, p.like())
    assert asked == []
    optimizer.groups["*.bias"]["lr"] = 0.25
    optimizer.step(p, p.like())
    assert len(asked) == 2  # once for biases, once for the others


# ---------------------------------------------------------------- decay of biases and norms


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_biases_and_norms_do_not_decay_where_that_is_said(kind):
    conv, norm = layers.Conv2D(3, 3, name="conv"), layers.BatchNorm(name="bn")
    model = sequential(conv, norm, layers.Flatten(), layers.Linear(2))
    found = []
    for decay in (True, False):
        net = Network(model, (1, 4, 4), seed=0)
        net.parameters.flat[...] += 1
        before = net.parameters.copy()
        kind(0.1, weight_decay=0.5, decay_biases_and_norms=decay).step(net.parameters, net.parameters.like())
        found.append({name for name, w in net.parameters.items() if (w != before[name]).any()})
    assert found[0] == {"conv.weight", "conv.bias", "bn.weight", "bn.bias", "linear1.weight", "linear1.bias"}
    assert found[1] == {"conv.weight", "linear1.weight"}


def test_no_group_makes_a_bias_decay_that_is_told_not_to():
    optimizer = SGD(0.1, groups={"b": {"weight_decay": 0.5}}, decay_biases_and_norms=False)
    w = {"b": np.ones(2), "c": np.ones((1, 2))}
    optimizer.step(w, {name: np.zeros_like(a) for name, a in w.items()})
    np.testing.assert_array_equal(w["b"], 1)


# ---------------------------------------------------------------- the mapping


def test_groups_are_a_mapping_that_can_be_changed():
    optimizer = SGD(0.1, groups={"*.bias": {"weight_decay": 0}})
    groups = optimizer.groups
    assert groups == {"*.bias": {"weight_decay": 0.0}}
    groups["fc.*"] = {"lr": np.float32(0.5)}
    assert list(groups) == ["*.bias", "fc.*"]
    groups["fc.*"]["momentum"] = 0.25
    del groups["*.bias"]
    assert groups == {"fc.*": {"lr": 0.5, "momentum": 0.25}}
    assert type(groups["fc.*"]["lr"]) is float
    del groups["fc.*"]["lr"]
    groups.update({"a": {"lr": 1}})
    assert optimizer.groups == {"fc.*": {"momentum": 0.25}, "a": {"lr": 1.0}}
    optimizer.groups = {}
    assert groups == {}
    with pytest.raises(KeyError, match="fc"):
        groups["fc.*"]


def test_changes_of_what_was_given_do_not_reach_the_optimizer():
    given = {"*.bias": {"lr": 0.5}}
    optimizer = SGD(0.1, groups=given)
    given["*.bias"]["lr"] = -1
    assert optimizer.groups == {"*.bias": {"lr": 0.5}}


def test_repr_shows_groups_and_decay_only_where_they_say_something():
    plain = "SGD(lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False"
    assert repr(SGD(0.1, groups={}, decay_biases_and_norms=True)) == f"{plain})"
    optimizer = SGD(0.1, groups={"*.bias": {"lr": 0.5}}, decay_biases_and_norms=False)
    assert repr(optimizer) == f"{plain}, groups={{'*.bias': {{'lr': 0.5}}}}, decay_biases_and_norms=False)"
    assert repr(eval(repr(optimizer))) == repr(optimizer)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies_have_groups_of_their_own(copied):
    optimizer, net = Adam(0.1, groups={"*.bias": {"lr": 0.5}}, decay_biases_and_norms=False), network()
    train_step(net, X, LABELS, optimizer)
    other = copied(optimizer)
    assert repr(other) == repr(optimizer)
    other.groups["*.bias"]["lr"] = 0.25
    other.groups["fc.weight"] = {}
    assert optimizer.groups == {"*.bias": {"lr": 0.5}}
    assert other.groups == {"*.bias": {"lr": 0.25}, "fc.weight": {}}


def network():
    return Network(layers.Linear(3, name="fc"), (4,), seed=0)


WRONG = [
    (
        [{"params": 1}],
        TypeError,
        r"^groups must be a mapping pattern -> settings, got \[.*; write groups={'\*\.",
    ),
    ({"a": 0.5}, TypeError, r"^groups\['a'\] must be a mapping .*, got 0\.5; write groups={'a': {'lr': 0\.5}}$"),
    ({"a": None}, TypeError, r"^groups\['a'\] must be a mapping setting -> value, got None; write groups="),
    ({1: {"lr": 1}}, TypeError, r"^a pattern of groups must be a text such as '\*\.bias', got 1$"),
    ({"": {"lr": 1}}, TypeError, r"^a pattern of groups must be a text"),
    (
        {"a": {"learning_rate": 1}},
        ValueError,
        r"^groups\['a'\] sets 'learning_rate', .* does not have; write 'lr'$",
    ),
    ({"a": {"momentun": 1}}, ValueError, r"; did you mean 'momentum'\?$"),
    ({"a": {"betas": 1}}, ValueError, r"; its settings are lr, momentum, weight_decay, nesterov$"),
    ({"a": {"dampening": 1}}, ValueError, r"; there is no dampening: leave it out$"),
    ({"a": {1: 1}}, ValueError, r"^groups\['a'\] sets 1, which SGD does not have; its settings"),
    ({"a": {"lr": -1}}, ValueError, r"^groups\['a'\]\['lr'\] must be >= 0, got -1\.0$"),
    ({"a": {"lr": np.nan}}, ValueError, r"^groups\['a'\]\['lr'\] must be >= 0, got nan$"),
    ({"a": {"lr": "1"}}, TypeError, r"^groups\['a'\]\['lr'\] must be a number, got '1'$"),
    ({"a": {"nesterov": 2}}, TypeError, r"^groups\['a'\]\['nesterov'\] must be True or False, got 2$"),
]


@pytest.mark.parametrize(("groups", "error", "says"), WRONG)
def test_wrong_groups_are_refused_whenever_they_are_set_and_leave_the_old_ones(groups, error, says):
    with pytest.raises(error, match=says):
        SGD(0.1, groups=groups)
    optimizer = SGD(0.1, groups={"a": {"lr": 0.5}})
    with pytest.raises(error, match=says):
        optimizer.groups = groups
    if isinstance(groups, dict):
        ((pattern, settings),) = groups.items()
        with pytest.raises(error, match=says):
            optimizer.groups[pattern] = settings
        if isinstance(settings, dict) and pattern == "a":
            ((name, value),) = settings.items()
            with pytest.raises(error, match=says):
                optimizer.groups["a"][name] = value
    assert optimizer.groups == {"a": {"lr": 0.5}}


@pytest.mark.parametrize("wrong", ["no", None, 2, 0.5])
def test_decay_of_biases_and_norms_is_a_flag(wrong):
    with pytest.raises(TypeError, match="decay_biases_and_norms must be True or False"):
        SGD(0.1, decay_biases_and_norms=wrong)
    optimizer = SGD(0.1)
    with pytest.raises(TypeError, match="decay_biases_and_norms must be True or False"):
        optimizer.decay_biases_and_norms = wrong
    assert optimizer.decay_biases_and_norms is True


STRANGERS = {
    "a.weigth": r"^groups\['a\.weigth'\] fits none of the parameters; did you mean 'a\.weight' or ",
    "bias": r"; did you mean '\*\.bias'\?$",
    "a": r"; did you mean 'a\.\*'\?$",
    "classifier": r"; the names are a\.weight, a\.bias, b, c, empty, scalar$",
}


@every_way
@pytest.mark.parametrize(("pattern", "says"), STRANGERS.items())
def test_a_pattern_that_fits_nothing_is_an_error_before_anything_changes(pattern, says, way):
    optimizer, p = Adam(groups={"c": {"lr": 1}, pattern: {"lr": 1}}), arrays(np.random.default_rng(0))
    before, g = p.flat.copy(), p.copy()
    for _ in range(2):
        with pytest.raises(ValueError, match=says):
            STEPS[way](optimizer, p, g)
    np.testing.assert_array_equal(p.flat, before)
    del optimizer.groups[pattern]
    STEPS[way](optimizer, p, g)
    assert (p["c"] != before[p.starts["c"] :][: p["c"].size]).all()


def test_case_counts_in_patterns():
    with pytest.raises(ValueError, match=r"groups\['\*\.BIAS'\] fits none"):
        SGD(0.1, groups={"*.BIAS": {}}).step({"a.bias": np.ones(1)}, {"a.bias": np.ones(1)})


def test_a_part_of_a_networks_parameters_need_not_fit_all_patterns():
    """Such as those that are trained now."""
    net = network()
    part = type(net.buffers)({"fc.bias": net.parameters["fc.bias"]})
    SGD(0.5, groups={"fc.weight": {"lr": 1.0}}).step(part, {"fc.bias": np.ones(3, "float32")})
    np.testing.assert_array_equal(net.parameters["fc.bias"], -0.5)


@every_way
def test_settings_that_contradict_each_other_in_a_group_are_refused_before_anything_changes(way):
    optimizer = SGD(0.1, 0.9, nesterov=True, groups={"c": {"momentum": 0}})
    p = arrays(np.random.default_rng(0))
    before = p.flat.copy()
    with pytest.raises(
        ValueError, match=r"^the settings of c contradict each other: nesterov needs momentum > 0, got "
    ):
        STEPS[way](optimizer, p, p.copy())
    np.testing.assert_array_equal(p.flat, before)
    optimizer.groups["c"]["nesterov"] = False
    STEPS[way](optimizer, p, p.copy())


# ---------------------------------------------------------------- learning rates


@pytest.mark.parametrize("lean", [False, True])
def test_a_schedule_scales_the_rates_of_all_groups_and_puts_them_back(lean):
    optimizer = SGD(0.1, 0.5, groups={"fc.bias": {"lr": 0.3}, "fc.weight": {"momentum": 0.25}})
    net, right = network(), network()
    own = {"fc.weight": SGD(0.1, 0.25), "fc.bias": SGD(0.3, 0.5)}
    rates = optimizer.rates()
    assert rates == {"lr": 0.1, "groups": {"fc.bias": 0.3}}
    for factor in (1.0, 0.7, 0.1, 0.0, 0.3):
        optimizer.set_rates(rates, factor)
        assert (optimizer.lr, optimizer.groups["fc.bias"]["lr"]) == (0.1 * factor, 0.3 * factor)
        _, gradients = right.gradients(X, LABELS, CrossEntropy())
        train_step(net, X, LABELS, optimizer, lean=lean)
        for name, rule in own.items():
            rule.lr = {"fc.weight": 0.1, "fc.bias": 0.3}[name] * factor
            rule.step({name: right.parameters[name]}, {name: gradients[name]})
        assert net.parameters.flat.tobytes() == right.parameters.flat.tobytes()
    optimizer.set_rates(rates)
    assert optimizer.rates() == {"lr": 0.1, "groups": {"fc.bias": 0.3}}


def test_rates_that_are_too_large_change_none():
    optimizer = SGD(0.1, groups={"a": {"lr": 1e30}})
    with pytest.raises(ValueError, match=r"groups\['a'\]\['lr'\] must be at most"):
        optimizer.set_rates(optimizer.rates(), 1e10)
    assert optimizer.rates() == {"lr": 0.1, "groups": {"a": 1e30}}


@pytest.mark.parametrize("wrong", [0.1, None, {"lr": 1}, {"groups": {}}, {"lr": 1, "groups": 0.1}])
def test_what_are_no_rates(wrong):
    with pytest.raises(TypeError, match=r"^rates must be what optimizer\.rates\(\) gave, got "):
        SGD(0.1).set_rates(wrong)


def test_groups_that_come_and_go_while_a_schedule_runs():
    optimizer = SGD(0.1, groups={"a": {"lr": 0.2}, "b": {"lr": 0.4}})
    rates = optimizer.rates()
    del optimizer.groups["a"], optimizer.groups["b"]["lr"]
    optimizer.groups["c"] = {"lr": 0.8}
    optimizer.set_rates(rates, 0.5)
    assert optimizer.rates() == {"lr": 0.05, "groups": {"c": 0.8}}
    assert optimizer.groups == {"b": {}, "c": {"lr": 0.8}}


# ---------------------------------------------------------------- rules of one's own


class Signs(Optimizer):
    """w <- w - lr sign(g + weight_decay w)"""

    def __init__(self, lr, weight_decay=0.0, **others):
        super().__init__(lr=lr, weight_decay=weight_decay, **others)

    def prepare(self, kernel, w, dw, t):
        def call():
            w[...] -= self.lr * np.sign(dw + self.weight_decay * w)

        return call


class Bare(Optimizer):
    """A rule without a learning rate."""

    def prepare(self, kernel, w, dw, t):
        return lambda: None


def test_a_rule_of_ones_own_has_groups_too():
    rule = Signs(0.5, groups={"b": {"lr": 0.25}}, decay_biases_and_norms=False)
    w = {"a": np.ones(2), "b": np.ones((1, 2))}
    rule.step(w, {"a": np.ones(2), "b": -np.ones((1, 2))})
    np.testing.assert_array_equal(w["a"], 0.5)
    np.testing.assert_array_equal(w["b"], 1.25)
    rule.weight_decay = 1.0
    rule.step(w, {"a": np.zeros(2), "b": np.zeros((1, 2))})
    np.testing.assert_array_equal(w["a"], 0.5)
    np.testing.assert_array_equal(w["b"], 1.0)
    assert pickle.loads(pickle.dumps(rule)).groups == copy.deepcopy(rule).groups == {"b": {"lr": 0.25}}


def test_a_rule_without_a_learning_rate_has_no_rates():
    rule = Bare(decay_biases_and_norms=False)
    assert rule.rates() == {}
    rule.set_rates(rule.rates(), 0.5)
    rule.step({"w": np.ones(2)}, {"w": np.ones(2)})
