"""Steps of a part of the parameters: those of frozen ones neither move nor are counted."""

import numpy as np
import pytest
from optim_parts import NAMES, PARTS, WAYS
from optim_reference import Parameter
from optim_state import LABELS, RULES, SHAPES, X, arrays, every_rule

from fastconv import SGD, Adam, Network, layers, sequential, train_step
from fastconv.parameters import Arrays


@pytest.mark.parametrize("way", [*WAYS, "by turns"])
@every_rule
def test_a_parameter_outside_a_step_does_not_move_and_is_not_counted(rule, way):
    """Frozen and thawed in any order; Adam's t is each parameter's own."""
    rng, optimizer, p = np.random.default_rng(1), RULES[rule](), arrays(np.random.default_rng(2))
    expected = {name: Parameter(w) for name, w in p.items()}
    for names in PARTS:
        g = arrays(rng)
        WAYS[rng.choice([*WAYS]) if way == "by turns" else way](optimizer, p, g, names)
        for name, w in p.items():
            if names is None or name in names:
                expected[name].step(g[name], rule, optimizer)
            np.testing.assert_allclose(w, expected[name].w, rtol=1e-9, atol=1e-12, err_msg=name)
    steps = optimizer.state()["steps"]
    assert steps == {name: expected[name].t for name in NAMES}


@pytest.mark.parametrize("grouped", [False, True])
@every_rule
def test_all_ways_have_the_same_bits(rule, grouped):
    found = []
    for way in WAYS:
        rng, optimizer, p = np.random.default_rng(1), RULES[rule](), arrays(np.random.default_rng(2))
        if grouped:
            optimizer.groups, optimizer.decay_biases_and_norms = {"[ab]*": {"lr": 0.5}}, False
        for names in PARTS:
            g = arrays(rng)
            if grouped and way == "dicts" and names is not None and not any(name[:1] in "ab" for name in names):
                optimizer.step_of(dict(p), dict(g), names)  # a plain dict of others alone would fit no pattern
            else:
                WAYS[way](optimizer, p, g, names)
        found.append(p.flat.tobytes())
    assert len(set(found)) == 1


def sizes(optimizer):
    """The sizes of the vectors that `prepare` is called with."""
    kind, calls = type(optimizer), []

    class Counted(kind):
        def prepare(self, kernel, w, *arguments):
            calls.append(w.size)
            return super().prepare(kernel, w, *arguments)

    optimizer.__class__ = Counted
    return calls


def test_trained_neighbours_are_one_call_also_after_a_thaw():
    """Each array begins a cache line of 8 numbers: a.weight 0 to 12, a.bias 16 to 19, b 24 to 28, c 32 to 48."""
    optimizer, p = Adam(), arrays(np.random.default_rng(0))
    calls, g = sizes(optimizer), p.like()
    for names, expected in (
        (("b", "c"), [24]),
        (("a.weight", "c"), [12, 16]),
        (("a.weight", "b", "c"), [12, 4, 16]),  # b has made fewer steps than c
        (None, [12, 3, 4, 16, 1]),
    ):
        for _ in range(1):
            calls.clear()
            optimizer.step_of(p, g, names)
            assert calls == expected
    other = SGD(0.1)
    calls = sizes(other)
    other.step_of(p, g, tuple(SHAPES))
    assert calls == [49]


def test_a_step_of_one_array_between_steps_of_neighbours_is_counted_for_it_alone():
    rng, optimizer, p = np.random.default_rng(1), Adam(0.1), arrays(np.random.default_rng(2))
    expected = {name: Parameter(p[name]) for name in ("b", "c")}
    for way, names in (("step_of", ("b", "c")), ("dicts", ("c",)), ("step_of", ("b", "c")), ("lean", ("b", "c"))):
        g = arrays(rng)
        WAYS[way](optimizer, p, g, names)
        for name in names:
            expected[name].step(g[name], "Adam", optimizer)
            np.testing.assert_allclose(p[name], expected[name].w, rtol=1e-9, atol=1e-12)


def test_gradients_of_frozen_parameters_are_not_looked_at():
    w, optimizer = Arrays({"a": (2,), "b": (2,)}, "float32"), SGD(0.5, 0.5)
    g = w.like()
    g["a"][...], g["b"][...] = np.nan, 1
    optimizer.step_of(w, g, ["b"])
    np.testing.assert_array_equal(w["a"], 0)
    np.testing.assert_array_equal(w["b"], -0.5)


def test_patterns_choose_among_all_parameters_also_where_a_part_is_updated():
    for w in (Arrays({"a": (2,), "b": (2,)}, "float64"), {"a": np.zeros(2), "b": np.zeros(2)}):
        g = {name: np.ones(2) for name in w}
        SGD(0.5, groups={"a": {"lr": 1.0}}).step_of(w, g, ("b",))
        np.testing.assert_array_equal(w["b"], -0.5)
        with pytest.raises(ValueError, match=r"groups\['c'\] fits none"):
            SGD(0.5, groups={"c": {"lr": 1.0}}).step_of(w, g, ("b",))


@pytest.mark.parametrize("kind", [dict, lambda p: p])
def test_names_that_are_none(kind):
    p = arrays(np.random.default_rng(0))
    before, optimizer = p.flat.copy(), SGD(0.1)
    with pytest.raises(ValueError, match=r"^names: 'a\.weigth' is none of the arrays; did you mean 'a\.weight'"):
        optimizer.step_of(kind(p), kind(p), ["b", "a.weigth"])
    with pytest.raises(TypeError, match=r"^names must be several names, got 'b'; write \['b'\]$"):
        optimizer.step_of(kind(p), kind(p), "b")
    with pytest.raises(ValueError, match=r"missing \['b'\], unknown \[\]$"):
        optimizer.step_of(kind(p), {"c": p["c"].copy()}, ["b", "c"])
    np.testing.assert_array_equal(p.flat, before)


def test_a_lean_step_of_a_part_leaves_the_rest_alone_whatever_its_parts_cover():
    p, optimizer = arrays(np.random.default_rng(0)), Adam(0.1)
    before, g = p.copy(), p.copy()
    optimizer.begin_step(p, ("b",))
    optimizer.step_part(p, 0, g.flat)
    optimizer.end_step(p)
    assert {name for name in NAMES if (p[name] != before[name]).any()} == {"b"}
    assert optimizer.state()["steps"] == {"b": 1}


def trained_in_turns(optimizer, lean_steps):
    """The body is frozen, then thawed at a tenth of the rate."""
    model = sequential(layers.Linear(16, name="body"), layers.ReLU(), layers.Linear(3, name="head"))
    net = Network(model, (4,), seed=0)
    net.set_trainable("body.*", False)
    for step in range(6):
        if step == 3:
            net.set_trainable("body.*")
        train_step(net, X, LABELS, optimizer, lean=lean_steps[step])
    return net.parameters.flat.tobytes(), optimizer.state()["steps"]


@every_rule
def test_a_network_that_is_thawed_has_the_same_bits_in_lean_steps(rule):
    found = []
    for lean_steps in ([False] * 6, [True] * 6, [True, False] * 3):
        optimizer = RULES[rule]()
        optimizer.groups, optimizer.decay_biases_and_norms = {"body.*": {"lr": 0.01}}, False
        found.append(trained_in_turns(optimizer, lean_steps))
    assert found[0] == found[1] == found[2]
    assert found[0][1] == {"body.weight": 3, "body.bias": 3, "head.weight": 6, "head.bias": 6}
