"""Ranges of gradients, in the order in which the backward pass makes them."""

from itertools import pairwise

import numpy as np
import pytest

from fastconv import CrossEntropy, Network, layers, sequential
from fastconv.executor.ready import last_steps, ranges
from fastconv.executor.steps import AddGradient, Backward


def network(shared=False):
    conv = layers.Conv2D(4, 3, padding=1)
    body = [layers.Conv2D(4, 3, padding=1), conv, layers.ReLU(), conv if shared else layers.Conv2D(4, 3, padding=1)]
    return Network(sequential(*body, layers.Flatten(), layers.Linear(3)), (1, 6, 6), seed=0)


def made(net, nbytes, trained=None):
    gradients = net.parameters.like()
    steps = net.executor.make_plan(2, training=True).steps
    return ranges(steps, gradients, net.trainable if trained is None else trained, nbytes), gradients, steps


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("nbytes", [1, 200, 700, 1 << 20])
def test_ranges_hold_every_parameter_once_from_the_last_to_the_first(shared, nbytes):
    found, gradients, steps = made(network(shared), nbytes)
    held = sorted((each.start, each.stop) for each in found)
    assert held[0][0] == 0
    assert held[-1][1] == gradients.vector.size
    assert all(first[1] == second[0] for first, second in pairwise(held))
    assert [each.step for each in found] == sorted(each.step for each in found)
    known = last_steps(steps)
    for name, start in gradients.starts.items():
        (inside,) = [each for each in found if each.start <= start < each.stop]
        assert known[name] <= inside.step
    if nbytes == 1 << 20:
        assert len(found) == 1


def test_a_parameter_with_two_uses_is_known_after_the_second():
    net = network(shared=True)
    steps = net.executor.make_plan(2, training=True).steps
    uses = [n for n, step in enumerate(steps) if isinstance(step, AddGradient) and step.name == "conv2.weight"]
    first = [n for n, step in enumerate(steps) if isinstance(step, Backward) and step.node.owner == "conv2"]
    assert last_steps(steps)["conv2.weight"] == uses[-1] > min(first)


def test_parameters_that_are_not_trained_are_in_no_range():
    net = network()
    net.set_trainable("conv2.*", False)
    found, gradients, _ = made(net, 1 << 20)
    frozen = range(gradients.starts["conv2.weight"], gradients.starts["conv3.weight"])
    assert len(found) == 2
    assert not any(set(range(each.start, each.stop)) & set(frozen) for each in found)


def test_gradients_in_a_range_change_no_more_once_its_step_is_done():
    """Beside the plan: the vector is compared after each step of a backward pass."""
    net = network(shared=True)
    loss = CrossEntropy()
    x, labels = np.random.default_rng(0).standard_normal((2, 1, 6, 6)).astype("float32"), np.array([0, 2])
    net.gradients(x, labels, loss)
    plan = net.executor.bound_plan(2, loss)
    found = ranges(plan.steps, net.executor.gradients, net.trainable, 1)
    final = {name: array.copy() for name, array in net.executor.gradients.items()}
    net.executor.gradients.vector.fill(np.nan)
    plan.write(x, labels)
    for number, calls in plan.bound:
        for call in calls:
            call()
        for name, start in net.executor.gradients.starts.items():
            (inside,) = [each for each in found if each.start <= start < each.stop]
            assert number < inside.step or np.array_equal(net.executor.gradients[name], final[name])
