"""What optimizers remember: each array its own, whatever names, views, mappings and settings it is stepped with."""

import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest
from optim_reference import Parameter

from fastconv import CrossEntropy, Network, fit, layers, train_step
from fastconv.ops import allocation
from fastconv.optim import SGD, Adam, AdamW, RMSprop
from fastconv.optim.state import overlaps, region
from fastconv.parameters import Arrays

SHAPES = {"a.weight": (3, 4), "a.bias": (3,), "b": (2, 1, 2), "c": (16,), "empty": (0, 2), "scalar": ()}
RULES = {
    "SGD": lambda: SGD(0.1, 0.9, 0.1, nesterov=True),
    "Adam": lambda: Adam(0.1, eps=1e-3),
    "AdamW": lambda: AdamW(0.1, eps=1e-3),
    "RMSprop": lambda: RMSprop(0.1, 0.9, eps=1e-3, momentum=0.5, centered=True),
}
every_rule = pytest.mark.parametrize("rule", RULES)
COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    **{f"pickle {n}": lambda o, n=n: pickle.loads(pickle.dumps(o, n)) for n in range(2, 6)},
}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
X, LABELS = np.random.default_rng(0).standard_normal((20, 4)).astype("float32"), np.arange(20) % 3


def arrays(rng):
    made = Arrays(SHAPES, "float64")
    for array in made.values():
        array[...] = rng.standard_normal(array.shape)
    return made


def network(seed=0, features=3, **options):
    return Network(layers.Linear(features, **options), (4,), seed=seed)


def flipped(a):
    return a[..., ::-1] if a.ndim else a


# Each way steps over the parameters of these names: (the optimizer, all parameters, all gradients, names).
WAYS = {
    "all": lambda o, p, g, names: o.step(p, g),
    "gradients in a dict": lambda o, p, g, names: o.step(p, {n: np.array(a, order="F") for n, a in g.items()}),
    "dicts": lambda o, p, g, names: o.step(dict(p), dict(g)),
    "a part": lambda o, p, g, names: o.step({n: p[n] for n in names}, {n: g[n] for n in names}),
    "views": lambda o, p, g, names: o.step({n: p[n].ravel() for n in names}, {n: g[n].ravel() for n in names}),
    "transposed": lambda o, p, g, names: o.step({n: p[n].T for n in names}, {n: g[n].T for n in names}),
    "other names": lambda o, p, g, names: o.step(
        {n[::-1]: flipped(p[n]) for n in names}, {n[::-1]: flipped(g[n]) for n in names}
    ),
    "lean": lambda o, p, g, names: lean_step(o, p, g),
}


def lean_step(optimizer, parameters, gradients):
    """In parts that begin and end anywhere."""
    optimizer.begin_step(parameters)
    for start, stop in ((20, 56), (0, 7), (7, 20), (56, parameters.flat.size)):
        optimizer.step_part(parameters, start, gradients.flat[start:stop])
    optimizer.end_step(parameters)


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
@pytest.mark.parametrize("eps", [1e-3, 0.0])
def test_zeros_between_parameters_stay(rule, eps):
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
        blocks += [record.block for record in optimizer.state.known.values()]
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
        fit(fold, X, LABELS, 1, 5, shared, seed=0, progress=False)
        fit(right, X, LABELS, 1, 5, RULES[rule](), seed=0, progress=False)
        np.testing.assert_array_equal(fold.parameters.flat, right.parameters.flat)
        del fold
        assert not shared.state.known


@pytest.mark.parametrize("features", [3, 200_000], ids=["small", "on large pages"])
def test_memory_goes_with_the_network(features):
    optimizer, net = Adam(), network(features=features)
    optimizer.step(net.parameters, net.parameters.like())
    optimizer.step(dict(net.parameters), dict(net.parameters.like()))
    block = weakref.ref(next(iter(optimizer.state.known.values())).block)
    gc.disable()
    try:
        assert block() is not None
        del net
        assert block() is None
        assert not optimizer.state.known
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
    assert not optimizer.state.known


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


def test_columns_of_one_matrix_are_parameters_of_their_own():
    optimizer, m = Adam(0.1), np.ones((4, 6))
    even, odd = Parameter(m[:, ::2]), Parameter(m[:, 1::2])
    rng = np.random.default_rng(3)
    for columns in ((0, 1), (1,), (0, 1)):
        g = rng.standard_normal((4, 6))
        optimizer.step({c: m[:, c::2] for c in columns}, {c: g[:, c::2] for c in columns})
        for c in columns:
            (even, odd)[c].step(g[:, c::2], "Adam", optimizer)
    np.testing.assert_allclose(m[:, ::2], even.w, rtol=1e-12)
    np.testing.assert_allclose(m[:, 1::2], odd.w, rtol=1e-12)


OVERLAPPING = {
    "some rows": lambda w: w[1:],
    "some columns": lambda w: w[:, :2],
    "every second row": lambda w: w[::2],
    "another dtype": lambda w: w.view("float32"),
}
WHOLE = {"itself": lambda w: w, "reversed": lambda w: w[::-1, ::-1], "transposed": lambda w: w.T, "flat": np.ravel}


@pytest.mark.parametrize("view", (OVERLAPPING | WHOLE).values(), ids=OVERLAPPING | WHOLE)
def test_a_step_over_parameters_that_share_memory_is_refused(view):
    w = np.ones((4, 3))
    both = {"w": w, "v": view(w)}
    with pytest.raises(ValueError, match=r"w and v are the same memory|shares part of its memory with"):
        SGD(0.1).step(both, {name: np.ones_like(a) for name, a in both.items()})
    assert (w == 1).all()


@pytest.mark.parametrize("view", WHOLE.values(), ids=WHOLE)
def test_an_array_known_already_is_refused_twice(view):
    w, optimizer = np.ones((4, 3)), SGD(0.1)
    optimizer.step({"w": w}, {"w": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="w and v are the same memory; give each array once"):
        optimizer.step({"w": w, "v": view(w)}, {"w": np.ones((4, 3)), "v": np.ones_like(view(w))})
    assert (w == 1).all()


@pytest.mark.parametrize("view", OVERLAPPING.values(), ids=OVERLAPPING)
def test_a_later_step_over_part_of_a_parameter_is_refused(view):
    w, optimizer = np.ones((4, 3)), SGD(0.1, 0.9)
    optimizer.step({"w": w}, {"w": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="v shares part of its memory with w, which this optimizer updates as another"):
        optimizer.step({"v": view(w)}, {"v": np.ones_like(view(w))})
    assert (w == 1).all()


@every_rule
def test_a_gradient_may_share_memory_with_parameters(rule):
    """Every gradient is read before any parameter changes."""
    rng, optimizer = np.random.default_rng(5), RULES[rule]()
    long = rng.standard_normal(9)
    p = {"a": long[:4], "b": long[4:8], "c": rng.standard_normal(4)}
    expected = {name: Parameter(w) for name, w in p.items()}
    gradients = {"a": p["b"], "b": long[1:5], "c": p["c"]}
    for _ in range(3):
        for name, g in {name: g.copy() for name, g in gradients.items()}.items():
            expected[name].step(g, rule, optimizer)
        optimizer.step(p, gradients)
    for name, w in p.items():
        np.testing.assert_allclose(w, expected[name].w, rtol=1e-9, err_msg=name)


def test_overlaps_are_exact():
    m = np.zeros((6, 8))
    views = [m[:3, ::2], m[:3, 1::2], m[3:, :4], m[3:, 4:], m[2:4, 3], np.zeros(3)]
    pairs = {tuple(sorted(pair)) for pair in overlaps([region(v) for v in views])}
    assert pairs == {(i, j) for i in range(6) for j in range(i + 1, 6) if np.shares_memory(views[i], views[j])}
    assert pairs


# ---------------------------------------------------------------- copies


@every_copy
@every_rule
def test_a_copy_goes_on_with_a_copied_network(rule, copied):
    optimizer, net = RULES[rule](), network()
    fit(net, X, LABELS, 1, 6, optimizer, seed=0, progress=False)
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
    for other in (network(features=5), network(name="head"), network()):
        train_step(other, X, LABELS, copy.deepcopy(optimizer))


def test_new_parameters_beside_copied_ones_start_anew():
    optimizer, w, v = Adam(0.1), np.ones(3), np.ones(2)
    optimizer.step({"w": w}, {"w": np.ones(3)})
    other, expected = copy.deepcopy(optimizer), Parameter(v)
    other.step({"w": w.copy(), "v": v}, {"w": np.ones(3), "v": np.ones(2)})
    expected.step(np.ones(2), "Adam", other)
    np.testing.assert_allclose(v, expected.w, rtol=1e-12)


# ---------------------------------------------------------------- lean steps that do not end


class Failing(Adam):
    """Fails when the update of this number is prepared."""

    left = -1

    def prepare(self, *arguments):
        self.left -= 1
        if self.left == 0:
            raise ZeroDivisionError("stopped")
        return super().prepare(*arguments)


def parted():
    """A network whose parameters are updated in several parts."""
    return Network(layers.Linear(3, name="first"), (4,), seed=0)


def test_half_a_lean_step_is_not_continued():
    optimizer, net, labels = Failing(0.1), parted(), LABELS
    train_step(net, X, labels, optimizer, lean=True)
    optimizer.left = 2
    with pytest.raises(ZeroDivisionError):
        train_step(net, X, labels, optimizer, lean=True)
    weights = net.parameters.flat.copy()
    for again in (
        lambda: train_step(net, X, labels, optimizer),
        lambda: train_step(net, X, labels, optimizer, lean=True),
        lambda: optimizer.step(dict(net.parameters), dict(net.parameters)),
        lambda: train_step(net, X, labels, pickle.loads(pickle.dumps(optimizer))),
    ):
        with pytest.raises(RuntimeError, match="lean step stopped half-way"):
            again()
    np.testing.assert_array_equal(net.parameters.flat, weights)
    train_step(parted(), X, labels, optimizer)  # another network's parameters are whole
    train_step(net, X, labels, Adam(0.1))


def test_a_lean_step_that_fails_before_it_changes_anything_may_be_repeated():
    optimizer, net, right = Failing(0.1), parted(), parted()
    optimizer.left = 1
    with pytest.raises(ZeroDivisionError):
        train_step(net, X, LABELS, optimizer, lean=True)
    for one, other in ((net, optimizer), (right, Adam(0.1))):
        train_step(one, X, LABELS, other, lean=True)
    np.testing.assert_array_equal(net.parameters.flat, right.parameters.flat)


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
