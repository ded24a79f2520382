"""From when to when each value of a plan is needed: what lies elsewhere may be anything, and nothing overlaps."""

import numpy as np
import pytest
from graphs import Case

from fastconv import Network, concat, models, sequential
from fastconv.layers import Conv2D, Flatten, Linear, ReLU
from fastconv.reports.lifetimes import lifetimes
from fastconv.reports.plan import PlanReport, name_of


def run(network, x, targets, loss, values=None):
    """y and the gradients of a plan; with `values`, bytes that hold none are overwritten by NaN before every step."""
    plan = network.executor.trial_plan(len(x), loss)
    plan.write(x, targets)
    arena = network.executor.arena.view(np.uint8)
    for number, calls in plan.bound:
        if values is not None and number:  # before the first step only the images lie there
            free = np.ones(arena.size, bool)
            for value in values:
                if value.first < number <= value.last:
                    free[value.start : value.stop] = False
            arena[free] = 255
        for call in calls:
            call()
    gradients = {} if loss is None else {name: g.copy() for name, g in network.executor.gradients.items()}
    return {"y": plan.y.copy(), **gradients}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_what_lies_where_no_value_is_needed_does_not_matter(seed, training):
    case = Case(seed)
    network, x = case.network(), case.images()
    plan = network.executor.make_plan(len(x), training)
    assert plan.micro_batches.count == 1
    loss = case.loss if training else None
    targets = loss.prepare(case.targets(), (len(x), *network.output_shape), network.dtype) if training else None
    wanted = run(network, x, targets, loss)
    found = run(network, x, targets, loss, lifetimes(plan, name_of))
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


NETWORKS = {
    "resnet20": (models.resnet20(), (3, 32, 32)),
    "densenet121": (models.densenet121(10), (3, 32, 32)),
    "googlenet": (models.googlenet(10), (3, 64, 64)),
    "zhang2016": (models.zhang2016(), (1, 28, 28)),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_values_lie_in_the_same_bytes_at_the_same_time(name, training):
    model, shape = NETWORKS[name]
    plan = Network(model, shape).plan(4, training)
    values = plan.values
    assert max(value.stop for value in values) == plan.nbytes
    for i, a in enumerate(values):
        assert 0 <= a.start < a.stop <= plan.nbytes
        assert 0 <= a.first <= a.last < len(plan.lines)
        for b in values[i + 1 :]:
            if a.start < b.stop and b.start < a.stop:  # the later takes the place of the earlier, in one step at most
                assert b.first >= a.last or a.first >= b.last, (a, b)


@pytest.mark.parametrize("training", [False, True])
def test_every_result_is_a_value_in_its_step(training):
    plan = Network(*NETWORKS["resnet20"]).plan(2, training)
    for number, line in enumerate(plan.lines):
        if line.nbytes:
            around = [v for v in plan.values if v.start <= line.start and line.stop <= v.stop]
            assert any(v.first <= number <= v.last for v in around), line


def test_the_values_of_a_chain_are_those_one_finds_by_hand():
    model = sequential(
        Conv2D(4, 3, name="a"), ReLU(name="r"), Conv2D(4, 3, name="b"), Flatten(name="f"), Linear(3, name="fc")
    )
    network = Network(model, (1, 8, 8))
    plan = network.plan(1)
    assert [line.step for line in plan.lines] == ["a + r", "b", "f", "fc"]
    found = [(v.name, v.kind, v.first, v.last) for v in plan.values if v.kind == "value"]
    assert found == [
        ("input", "value", 0, 0),
        ("a + r", "value", 0, 1),
        ("b", "value", 1, 2),
        ("f", "value", 2, 3),
        ("fc", "value", 3, 3),
    ]
    plan = network.plan(1, training=True)
    steps = [line.step for line in plan.lines]
    last = {v.name: steps[v.last] for v in plan.values if v.kind == "value"}
    assert last == {
        "input": "d a",
        "a + r": "d r",
        "b": "f",
        "f": "d fc",
        "fc": steps[-1],
    }  # the output is read in the end


def test_a_concatenation_is_one_value_from_its_first_part_on():
    def model(x):
        a = Conv2D(4, 3, padding=1, name="a")(x)
        return Conv2D(2, 1, name="out")(concat(a, Conv2D(4, 3, padding=1, name="b")(a)))

    plan = Network(model, (3, 6, 6)).plan(2)
    whole = [v for v in plan.values if v.stop - v.start == 2 * 8 * 36 * 4]
    assert [(v.first, v.last) for v in whole] == [(0, 2)]


def test_values_of_a_plan_with_micro_batches_span_all_images():
    model = sequential(Conv2D(32, 3, padding=1), ReLU(), Conv2D(32, 3, padding=1), Flatten(), Linear(10))
    network = Network(model, (3, 64, 64))
    plan = network.executor.make_plan(256, True)
    report = PlanReport(plan)
    assert max(value.stop for value in report.values) <= report.nbytes
