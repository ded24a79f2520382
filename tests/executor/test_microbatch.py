"""Predictions whose first steps run for a few images at a time: the same bits, less memory."""

import sys

import numpy as np
import pytest

from fastconv import Network, graph, models
from fastconv.executor import microbatch, rewrites
from fastconv.executor.analysis import analyse_prediction, concat_aliases
from fastconv.executor.fusion import find_fusions
from fastconv.executor.planner import plan_prediction
from fastconv.graph import build, concat, sequential
from fastconv.graph.graph import ancestors
from fastconv.layers import BatchNorm, Conv2D, Flatten, GlobalAvgPool2D, Linear, MaxPool2D, ReLU


def conv(channels, **options):
    return sequential(Conv2D(channels, 3, padding=1, **options), BatchNorm(), ReLU())


def plain(x):
    return sequential(conv(8), MaxPool2D(2), conv(16), GlobalAvgPool2D(), Linear(10))(x)


def residual(x):
    x = conv(8)(x)
    x = ReLU()(conv(8)(x) + x)
    return sequential(MaxPool2D(2), Flatten(), Linear(10))(x)


def branches(x):
    x = conv(6)(x)
    x = concat(conv(3)(x), conv(5)(x), MaxPool2D(3, 1, padding=1)(x))
    x = concat(x, conv(4)(x))
    return sequential(MaxPool2D(2), conv(20), Flatten(), Linear(10))(x)


def input_in_concat(x):
    return sequential(conv(4), Flatten(), Linear(10))(concat(x, conv(2)(x)))


def input_read_late(x):
    return sequential(Flatten(), Linear(10))(conv(3)(MaxPool2D(3, 1, padding=1)(conv(3)(x))) + x)


MODELS = (plain, residual, branches, input_in_concat, input_read_late)


@pytest.fixture
def small_caches(monkeypatch):
    monkeypatch.setattr(microbatch, "CACHES", 6000)
    monkeypatch.setattr(microbatch, "CALL", 0)


def switched(network, n, enabled):
    """The frozen network with the rewrite on or off, and its plan for a batch of n."""
    before = rewrites.use_rewrite("slices", enabled)
    try:
        return network.freeze(n), network.executor.make_plan(n)
    finally:
        rewrites.use_rewrite("slices", before)


@pytest.mark.parametrize("n", [1, 2, 6, 7])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_bits_are_the_same(model, n, small_caches):
    network = Network(model, (3, 12, 10), seed=0)
    x = np.random.default_rng(0).standard_normal((n, 3, 12, 10)).astype("float32")
    given = x.copy()
    in_parts, plan = switched(network, n, True)
    without, whole = switched(network, n, False)
    assert (plan.micro_batches.count > 1) == (n > 1 and model is not input_in_concat)
    np.testing.assert_array_equal(in_parts.predict(x), without.predict(x))
    np.testing.assert_array_equal(x, given)
    np.testing.assert_array_equal(network.predict(x), network.predict(x[::-1])[::-1])
    if plan.micro_batches.count > 1:
        assert plan.size < whole.size
        assert plan.micro_batches.images * plan.micro_batches.count == n
        assert len(list(plan.in_order())) == len(plan.steps) + plan.micro_batches.steps * (plan.micro_batches.count - 1)


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "densenet121", "mobilenet_v2"])
def test_known_models_cut_anywhere(name, monkeypatch):
    network = Network(getattr(models, name)(10), (3, 32, 32), seed=0)
    x = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype("float32")
    expected = switched(network, 4, False)[0].predict(x)
    fusions, output = network.freeze().fusions, network.output
    stops = list(microbatch.cuts(fusions, output, concat_aliases(ancestors(output))))
    for stop in stops[:: len(stops) // 4 + 1]:
        for images in (1, 2):
            chosen = microbatch.Cut(stop, images)
            monkeypatch.setattr(microbatch, "choose", lambda *_, chosen=chosen: chosen)
            np.testing.assert_array_equal(network.freeze(4).predict(x), expected)


def test_a_mobilenet_at_its_own_size_runs_in_micro_batches_and_a_training_step_is_not():
    network = Network(models.mobilenet_v1(), (3, 224, 224), seed=0)
    assert network.executor.make_plan(8).micro_batches.count > 1
    assert network.executor.make_plan(8).size < 0.6 * 56e6
    assert network.executor.make_plan(8, training=True).micro_batches.count == 1
    assert network.executor.make_plan(1).micro_batches.count == 1


def test_report_and_profile_show_a_step_once(small_caches):
    network = Network(plain, (3, 12, 10), seed=0)
    lines = network.plan(6).lines
    assert "6 times for 1 images" in lines[0].notes
    assert "times for" not in lines[-1].notes
    profile = network.profile(np.zeros((6, 3, 12, 10), "float32"), repeats=2)
    assert [row.step for row in profile.rows] == [line.step for line in lines]
    assert profile.rows[0].multiply_adds == 6 * 12 * 10 * 8 * 27


def cuts_of(model):
    output = build(model, (3, 12, 10), "float32")
    nodes = ancestors(output)
    fusions = find_fusions(nodes, output, set(), frozen=True)
    return [fusions[stop - 1].last.name for stop in microbatch.cuts(fusions, output, concat_aliases(nodes))]


def test_cuts_lie_where_one_value_is_read_on():
    assert cuts_of(plain) == ["relu1", "pool1", "relu2", "pool2"]
    assert cuts_of(residual) == ["relu1", "relu3", "pool1", "flatten1"]
    assert cuts_of(branches) == ["relu1", "concat2", "pool2", "relu5", "flatten1"]
    assert cuts_of(input_in_concat) == []
    assert cuts_of(input_read_late) == ["add1", "flatten1"]


def instructions(work):
    """How many the interpreter executes in the library's files while work() runs."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_a_long_chain_is_planned_in_time_that_grows_with_its_length():
    def planning(length):
        chain = sequential(*(Conv2D(3, 1) for _ in range(length)), Flatten())
        output = graph.build(chain, (3, 4, 4), "float32")
        facts = analyse_prediction(ancestors(output), output)
        assert len(list(microbatch.cuts(facts.fusions, output, facts.aliases))) == length
        return instructions(lambda: plan_prediction(output, 2))

    short, long = planning(50), planning(200)
    assert 3 * short < long < 5 * short  # 16 times as many where each layer looked at all others


def every_divisor(fusions, output, aliases, n, itemsize):
    """What `choose` says, by trying all parts of the batch in turn, one number at a time."""
    bytes_of = [[0] for _ in range(n + 1)]
    for images in (m for m in range(1, n + 1) if n % m == 0):
        for fusion in fusions:
            moved = int(microbatch.moved(fusion, n, np.array([float(images)]), itemsize)[0])
            bytes_of[images].append(bytes_of[images][-1] + moved)
    whole = bytes_of[n]
    best, chosen = whole[-1] - whole[-1] // microbatch.WORTH, None
    for images in (m for m in range(1, n) if n % m == 0):
        for stop in microbatch.cuts(fusions, output, aliases):
            cost = bytes_of[images][stop] + whole[-1] - whole[stop]
            if cost < best:
                best, chosen = cost, microbatch.Cut(stop, images)
    return chosen


@pytest.mark.parametrize(("caches", "call"), [(8 << 20, 1 << 18), (6000, 0), (200000, 1000)])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_choice_is_the_best_of_all_parts_of_a_batch(model, caches, call, monkeypatch):
    monkeypatch.setattr(microbatch, "CACHES", caches)
    monkeypatch.setattr(microbatch, "CALL", call)
    output = build(model, (3, 32, 30), "float32")
    nodes = ancestors(output)
    fusions = find_fusions(nodes, output, set(), frozen=True)
    aliases, sizes = concat_aliases(nodes), (1, 2, 7, 64, 360, 2048)
    found = [microbatch.choose(fusions, output, aliases, n, 4) for n in sizes]
    assert found == [every_divisor(fusions, output, aliases, n, 4) for n in sizes]
    assert any(found) == (caches > 6000 and model is not input_in_concat)


def test_divisors():
    for n in (1, 2, 6, 36, 97, 720):
        for most in (1, 5, 36, 1000):
            assert list(microbatch.divisors(n, most)) == [m for m in range(1, n) if n % m == 0 and m <= most]
    assert list(microbatch.divisors(2**61, 10)) == [1, 2, 4, 8]
    assert list(microbatch.divisors(2**61 - 1, 10**6)) == [1]
