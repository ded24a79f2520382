"""What optimizers remember: each array its own, whatever names, views and mappings it is stepped with."""

import gc
import sys
import weakref

import numpy as np
import pytest
from optim_reference import Parameter
from optim_state import LABELS, RULES, SHAPES, WAYS, X, arrays, every_rule, network

from fastconv import CrossEntropy, fit, train_step
from fastconv.optim import SGD, Adam
from fastconv.parameters import Arrays


@every_rule
@pytest.mark.parametrize("seed", range(4))
def test_steps_of_all_kinds_by_turns_are_those_of_each_array_alone(rule, seed):
    """Two sets of parameters, one optimizer; the reference keeps each array's memory and count apart."""
    rng, optimizer = np.random.default_rng(seed), RULES[rule]()
    sets = [arrays(rng) for _ in range(2)]
    expected = [{n: Parameter(w) for n, w in p.items()} for p in sets]
    for way in rng.permutation([*WAYS] * 3):
        i, gradients, names = rng.integers(2), arrays(rng), [*SHAPES]
        if way not in ("all", "gradients in a dict", "dicts", "lean"):
            names = list(rng.permutation(names)[: rng.integers(1, len(names) + 1)])
        WAYS[way](optimizer, sets[i], gradients, names)
        for name in names:
            expected[i][name].step(gradients[name], rule, optimizer)
        for parameters, right in zip(sets, expected, strict=True):
            for name, w in parameters.items():
                np.testing.assert_allclose(w, right[name].w, rtol=1e-9, atol=1e-11, err_msg=f"{way}: {name}")


@every_rule
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("lean", "transposed", "other names")])
def test_ways_by_turns_have_the_bits_of_one_way(rule, way):
    rng, one, other = np.random.default_rng(7), RULES[rule](), RULES[rule]()
    p = arrays(rng)
    q = p.copy()
    for i in range(6):
        gradients = arrays(rng)
        one.step(p, gradients)
        WAYS[way if i % 2 else "all"](other, q, gradients, [*SHAPES])
    assert p.flat.tobytes() == q.flat.tobytes()


@every_rule
@pytest.mark.parametrize("eps", [1e-3, 1e-60])
def test_zeros_between_parameters_stay(rule, eps):
    """Also where float32 has no such eps but 0."""
    rng, optimizer = np.random.default_rng(8), RULES[rule]()
    if rule != "SGD":
        optimizer.eps = eps
    parameters = arrays(rng)
    for _ in range(3):
        optimizer.step(parameters, arrays(rng))
    gaps = np.ones(parameters.flat.size, bool)
    for name, w in parameters.items():
        gaps[parameters.starts[name] :][: w.size] = False
    assert gaps.any()
    assert not parameters.flat[gaps].any()
    assert all(np.isfinite(w).all() for w in parameters.values())


@every_rule
def test_all_at_the_same_count_are_one_call(rule, monkeypatch):
    """The ordinary case: one call of the kernel, however many parameters."""
    rng, optimizer, sizes = np.random.default_rng(9), RULES[rule](), []
    prepare = optimizer.prepare

    def counted(kernel, w, *arguments):
        sizes.append(w.size)
        return prepare(kernel, w, *arguments)

    monkeypatch.setattr(optimizer, "prepare", counted)
    parameters = arrays(rng)
    for _ in range(2):
        optimizer.step(parameters, arrays(rng))
    optimizer.step(dict(parameters), dict(arrays(rng)))
    optimizer.step(parameters, arrays(rng))
    whole = parameters.flat.size
    assert sizes == [whole, whole, *(w.size for w in parameters.values() if w.size), whole]


@every_rule
def test_what_is_remembered_lies_in_one_block_and_stays_there(rule):
    rng, optimizer, blocks = np.random.default_rng(9), RULES[rule](), []
    parameters = arrays(rng)
    optimizer.step(dict(parameters), dict(arrays(rng)))
    for _ in range(2):
        optimizer.step(parameters, arrays(rng))
        blocks += [record.block for record in optimizer._memory.known.values()]
        optimizer.step(dict(parameters), dict(arrays(rng)))
    assert all(block is blocks[0] for block in blocks)


@every_rule
@pytest.mark.parametrize("lean", [False, True])
def test_a_second_network_starts_anew_and_the_first_goes_on(rule, lean):
    shared, own = RULES[rule](), [RULES[rule](), RULES[rule]()]
    pair, right = [network(0), network(1)], [network(0), network(1)]
    for i in (0, 0, 1, 0, 1):
        train_step(pair[i], X, LABELS, shared, lean=lean)
        train_step(right[i], X, LABELS, own[i])
    for a, b in zip(pair, right, strict=True):
        np.testing.assert_array_equal(a.parameters.flat, b.parameters.flat)


@every_rule
def test_folds_with_one_optimizer_are_those_of_fresh_ones(rule):
    """Networks that are gone leave nothing, though their successors lie where they lay."""
    shared = RULES[rule]()
    for seed in range(4):
        fold, right = network(seed), network(seed)
        fit(fold, X, LABELS, batch_size=5, optimizer=shared, seed=0, progress=False)
        fit(right, X, LABELS, batch_size=5, optimizer=RULES[rule](), seed=0, progress=False)
        np.testing.assert_array_equal(fold.parameters.flat, right.parameters.flat)
        del fold
        assert not shared._memory.known


@pytest.mark.parametrize("features", [3, 200_000], ids=["small", "on large pages"])
def test_memory_goes_with_the_network(features):
    optimizer, net = Adam(), network(features=features)
    optimizer.step(net.parameters, net.parameters.like())
    optimizer.step(dict(net.parameters), dict(net.parameters.like()))
    block = weakref.ref(next(iter(optimizer._memory.known.values())).block)
    gc.disable()
    try:
        assert block() is not None
        del net
        assert block() is None
        assert not optimizer._memory.known
    finally:
        gc.enable()


def test_memory_stays_where_nobody_can_tell_when_the_array_goes():
    """A buffer that takes no weak references: kept, so that no other array can come to lie there."""
    optimizer, buffer = SGD(1.0, 0.5), bytearray(24)
    for _ in range(2):
        optimizer.step({"w": np.frombuffer(buffer)}, {"w": np.ones(3)})
    np.testing.assert_array_equal(np.frombuffer(buffer), np.full(3, -2.5))


SHOWN = {
    "memoryview": lambda w: np.asarray(memoryview(w)),
    "frombuffer": np.frombuffer,
    "as_strided": lambda w: np.lib.stride_tricks.as_strided(w, (3,), (8,)),
    "bytes": lambda w: w.view("uint8")[:].view("float64"),
}


@pytest.mark.parametrize("odd", SHOWN.values(), ids=SHOWN)
def test_memory_of_an_array_is_found_through_whatever_shows_it(odd):
    optimizer, w = SGD(1.0, 0.5), np.zeros(3)
    optimizer.step({"w": w}, {"w": np.ones(3)})
    optimizer.step({"w": odd(w)}, {"w": np.ones(3)})
    np.testing.assert_array_equal(w, np.full(3, -2.5))
    del w
    assert not optimizer._memory.known


def test_weights_written_in_place_keep_what_is_remembered(tmp_path):
    optimizer, net, right = SGD(1.0, 0.5), network(), SGD(1.0, 0.5)
    net.save(tmp_path / "w.npz")
    gradients = net.parameters.copy()
    optimizer.step(net.parameters, gradients)
    net.load(tmp_path / "w.npz")
    optimizer.step(net.parameters, gradients)
    w, start = np.zeros_like(gradients.flat), gradients.flat.copy()
    right.step({"w": w}, {"w": start})
    w[:] = start
    right.step({"w": w}, {"w": start})
    np.testing.assert_array_equal(net.parameters.flat, w)


def test_gradients_of_networks_and_dicts_by_turns():
    """With the gradients that a network hands out."""
    pair = [network(), network()]
    optimizers = [SGD(0.1, 0.9), SGD(0.1, 0.9)]
    for i in range(6):
        for j in range(2):
            _, g = pair[j].gradients(X, LABELS, CrossEntropy())
            p = pair[j].parameters
            optimizers[j].step(*((dict(p), dict(g)) if i % 2 and j else (p, g)))
    np.testing.assert_array_equal(pair[0].parameters.flat, pair[1].parameters.flat)


@every_rule
def test_the_work_around_a_whole_step_does_not_grow_with_the_number_of_parameters(rule):
    """Calls of Python functions, which count in networks whose whole training step takes 100 us."""

    def calls(parameters):
        gradients, optimizer, count = parameters.like(), RULES[rule](), 0

        def counted(frame, event, argument):
            nonlocal count
            count += event == "call"

        for _ in range(3):
            optimizer.step(parameters, gradients)
        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            optimizer.step(parameters, gradients)
        finally:
            sys.setprofile(before)
        return count

    few, many = (calls(Arrays({str(i): (i + 1,) for i in range(n)}, "float64")) for n in (2, 100))
    assert few == many < 80
