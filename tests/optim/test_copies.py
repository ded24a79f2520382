"""Copies of optimizers, by `copy` and `pickle`: they go on where the original stands."""

import copy

import numpy as np
import pytest
from optim_reference import Parameter
from optim_state import (
    LABELS,
    RULES,
    SHAPES,
    WAYS,
    X,
    arrays,
    every_copy,
    every_rule,
    network,
)

from fastconv import fit, train_step
from fastconv.ops import allocation
from fastconv.optim import SGD, Adam


@every_copy
@every_rule
def test_a_copy_goes_on_with_a_copied_network(rule, copied):
    optimizer, net = RULES[rule](), network()
    fit(net, X, LABELS, batch_size=6, optimizer=optimizer, seed=0, progress=False)
    other, second = copied(optimizer), network(seed=5)
    second.parameters.flat[...] = net.parameters.flat
    assert repr(other) == repr(optimizer)
    for lean in (False, True, False):
        train_step(net, X, LABELS, optimizer)
        train_step(second, X, LABELS, other, lean=lean)
    np.testing.assert_array_equal(net.parameters.flat, second.parameters.flat)


@every_copy
@every_rule
def test_a_copy_of_a_fresh_optimizer_is_fresh(rule, copied):
    one, other = network(), network()
    train_step(one, X, LABELS, RULES[rule]())
    train_step(other, X, LABELS, copied(RULES[rule]()))
    np.testing.assert_array_equal(one.parameters.flat, other.parameters.flat)


@every_copy
def test_a_copy_counts_the_steps_of_each_parameter_and_may_be_copied_again(copied):
    """And what the first steps of the copy leave out waits for later ones."""
    rng, optimizer = np.random.default_rng(6), Adam(0.1)
    p = arrays(rng)
    expected = {name: Parameter(w) for name, w in p.items()}
    parts = [["b"], [*SHAPES], ["a.bias", "b"], ["c"], [*SHAPES], ["b"]]
    for names in parts:
        gradients = arrays(rng)
        optimizer.step({n: p[n] for n in names}, {n: gradients[n] for n in names})
        for name in names:
            expected[name].step(gradients[name], "Adam", optimizer)
        optimizer, p = copied(optimizer), p.copy()
    for name, w in p.items():
        np.testing.assert_allclose(w, expected[name].w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("last", ["as they are", "other names"])
def test_a_copy_goes_by_the_names_and_shapes_of_the_last_step(last):
    rng, optimizer = np.random.default_rng(2), Adam(0.1)
    p = arrays(rng)
    expected = {name: Parameter(w) for name, w in p.items()}
    for way in ("all", "other names", "transposed", "all", "transposed", "other names"):
        gradients = arrays(rng)
        WAYS[way](optimizer, p, gradients, [*SHAPES])
        for name in SHAPES:
            expected[name].step(gradients[name], "Adam", optimizer)
    if last == "as they are":
        gradients = arrays(rng)
        WAYS["all"](optimizer, p, gradients, [*SHAPES])
        for name in SHAPES:
            expected[name].step(gradients[name], "Adam", optimizer)
    optimizer, p, gradients = copy.deepcopy(optimizer), p.copy(), arrays(rng)
    WAYS["all" if last == "as they are" else last](optimizer, p, gradients, [*SHAPES])
    for name, w in p.items():
        expected[name].step(gradients[name], "Adam", optimizer)
        np.testing.assert_allclose(w, expected[name].w, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("first", ["C", "F"])
@pytest.mark.parametrize("then", ["C", "F"])
def test_a_copy_keeps_the_order_of_elements_whatever_the_memory(first, then):
    rng, optimizer = np.random.default_rng(4), Adam(0.1)
    w = np.array(rng.standard_normal((3, 4)), order=first)
    right = Parameter(w)
    for i in range(4):
        g = rng.standard_normal((3, 4))
        right.step(g, "Adam", optimizer)
        optimizer.step({"w": w}, {"w": g})
        if i == 1:
            optimizer, w = copy.deepcopy(optimizer), np.array(w, order=then)
    np.testing.assert_allclose(w, right.w, rtol=1e-9)


def test_a_copy_refuses_parameters_it_cannot_mean():
    optimizer = Adam()
    train_step(network(), X, LABELS, optimizer)
    keep = network()
    train_step(keep, X, LABELS, optimizer)
    with pytest.raises(
        ValueError, match=r"remembers linear1\.weight of shape \(3, 4\) and dtype float32, got \(5, 4\)"
    ):
        train_step(network(features=5), X, LABELS, copy.deepcopy(optimizer))
    double = {name: np.ones(w.shape) for name, w in keep.parameters.items()}
    with pytest.raises(ValueError, match=r"dtype float32, got \(3, 4\) float64; make a new optimizer"):
        copy.deepcopy(optimizer).step(double, double)
    with pytest.raises(ValueError, match=r"remembers linear1\.weight, linear1\.bias, but the parameters are head\.w"):
        train_step(network(name="head"), X, LABELS, copy.deepcopy(optimizer))
    second = network(seed=1)
    train_step(second, X, LABELS, optimizer)
    with pytest.raises(ValueError, match=r"remembers 2 parameters named linear1\.weight .* one optimizer for each"):
        train_step(second, X, LABELS, copy.deepcopy(optimizer))


def test_a_copy_that_remembers_nothing_fits_any_network():
    optimizer, net = SGD(0.1), network()
    train_step(net, X, LABELS, optimizer)
    for options in ({"features": 5}, {"name": "head"}, {}):
        other, fresh = network(**options), network(**options)
        train_step(other, X, LABELS, copy.deepcopy(optimizer))
        train_step(fresh, X, LABELS, SGD(0.1))
        np.testing.assert_array_equal(other.parameters.flat, fresh.parameters.flat)


def test_new_parameters_beside_copied_ones_start_anew():
    optimizer, w, v = Adam(0.1), np.ones(3), np.ones(2)
    optimizer.step({"w": w}, {"w": np.ones(3)})
    other, expected = copy.deepcopy(optimizer), Parameter(v)
    other.step({"w": w.copy(), "v": v}, {"w": np.ones(3), "v": np.ones(2)})
    expected.step(np.ones(2), "Adam", other)
    np.testing.assert_allclose(v, expected.w, rtol=1e-12)


def test_a_copy_that_finds_no_memory_half_way_is_claimed_once(monkeypatch):
    """What was taken before the error is not left in the copy as well; the step may be repeated."""
    rng, made, aligned = np.random.default_rng(3), arrays(np.random.default_rng(4)), allocation.aligned
    first, other = Adam(0.1), made.copy()
    first.step(made, arrays(rng))
    gradients, optimizer, room = arrays(rng), copy.deepcopy(first), [3]

    def scarce(size, dtype):
        room[0] -= 1
        if room[0] < 0:
            raise MemoryError
        return aligned(size, dtype)

    other.flat[...] = made.flat
    monkeypatch.setattr(allocation, "aligned", scarce)
    with pytest.raises(MemoryError):
        optimizer.step(other, gradients)
    assert other.flat.tobytes() == made.flat.tobytes()
    monkeypatch.undo()
    optimizer = copy.deepcopy(optimizer)
    optimizer.step(other, gradients)
    first.step(made, gradients)
    assert other.flat.tobytes() == made.flat.tobytes()
