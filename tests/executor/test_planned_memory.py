"""Memory of a plan: shared, reused, and given back."""

import numpy as np
import pytest
from naive import random_model
from plans import planned

from fastconv.executor.analysis import analyse_prediction, analyse_training
from fastconv.executor.arena import ArenaAllocator, dense_slot
from fastconv.executor.planner import ForwardPlanner
from fastconv.executor.steps import Add, Backward, Forward, Loss
from fastconv.executor.training_planner import BackwardPlanner
from fastconv.graph import ancestors, concat, sequential
from fastconv.layers import Conv2D, Flatten, Linear, MaxPool2D, ReLU, SeparableConv2D, Sigmoid
from fastconv.network import Network


def test_activations_overwrite_what_nobody_else_reads():
    def starts(model, training):
        steps = planned(Network(model, (3, 8, 8)).output, 2, training=training).steps
        return [(s.x.start, s.y.start) for s in steps if isinstance(s, Forward) and s.fusion.last.name == "act"]

    ((x, y),) = starts(sequential(Conv2D(4, 3), Sigmoid(name="act"), Conv2D(4, 3)), True)
    assert x == y
    ((x, y),) = starts(sequential(Conv2D(4, 3), Sigmoid(), Sigmoid(name="act"), Conv2D(4, 3)), True)
    assert x != y  # the first sigmoid's backward reads its y
    ((x, y),) = starts(sequential(Conv2D(4, 3), Sigmoid(), Sigmoid(name="act"), Conv2D(4, 3)), False)
    assert x == y

    def residual(x):
        a = Conv2D(4, 3)(x)
        return a + Sigmoid(name="act")(a)

    ((x, y),) = starts(residual, False)
    assert x != y


def test_flatten_of_planes_moves_nothing():
    steps = planned(Network(sequential(Conv2D(4, 3), Flatten(name="f"), Linear(3)), (1, 8, 8)).output, 2).steps
    (flat,) = [s for s in steps if isinstance(s, Forward) and s.fusion.node.name == "f"]
    assert flat.x.start == flat.y.start


@pytest.mark.parametrize("training", [False, True])
def test_prediction_reuses_memory(training):
    """A chain of 100 layers takes the memory of two values to predict; to train, that of all that is saved."""
    model = sequential(*(Conv2D(4, 3, padding=1) for _ in range(100)))
    output = Network(model, (4, 16, 16), seed=0).output
    value = 10 * 4 * 16 * 16 * 4
    size = planned(output, 10, training=training).size
    assert size >= (100 if training else 2) * value
    assert size <= (104 if training else 3) * value


def value(n, shape):
    return n * int(np.prod(shape)) * 4


def test_what_one_step_needs_is_given_back():
    """Scratch, the indices of a prediction, the gradients of sums and concatenations: a long chain takes no more."""

    def pooled(x):
        for _ in range(20):
            x = SeparableConv2D(4, 3, padding=1)(MaxPool2D(3, 1, padding=1)(x))
        return x

    def residual(x):
        for _ in range(20):
            x = x + Conv2D(4, 3, padding=1)(x)
        return x

    def joined(x):
        for _ in range(20):
            x = Conv2D(4, 1)(concat(x, x))
        return x

    one = value(4, (4, 8, 8))
    for model, most in ((pooled, 6), (residual, 4), (joined, 5)):
        assert planned(Network(model, (4, 8, 8)).output, 4).size <= most * one


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_at_the_end_only_the_output_is_held(seed, training):
    rng = np.random.default_rng(seed)
    pooled = sequential(MaxPool2D(2), SeparableConv2D(2, 1), Sigmoid(), Flatten(), Linear(2))
    random = random_model(rng, int(rng.integers(1, 25)))
    for model in (random, lambda x: random(concat(x, x, ReLU()(x))), pooled):
        output = Network(model, (2, 4, 3)).output
        planner = ForwardPlanner((analyse_training if training else analyse_prediction)(ancestors(output), output), 3)
        planner.run()
        if training:
            BackwardPlanner(planner).run()
        free = sum(stop - start for start, stop in planner.memory.allocator.holes)
        assert planner.plan().size - free == 64  # bytes of an output of (3, 2 or 4)


def test_a_sum_of_gradients_is_made_in_one_of_them():
    def model(x):
        for _ in range(3):
            x = x + Conv2D(4, 3, padding=1)(x)
        return x

    steps = planned(Network(model, (4, 8, 8)).output, 2, training=True).steps
    sums = [
        step for step in steps[steps.index(next(s for s in steps if isinstance(s, Loss))) :] if isinstance(step, Add)
    ]
    assert len(sums) == 2  # the image's own gradient is not wanted
    assert all(step.out in (step.a, step.b) for step in sums)


def test_a_gradient_overwrites_the_one_it_comes_from():
    model = sequential(Conv2D(4, 3), Sigmoid(name="act"), Conv2D(4, 3), Flatten(name="f"), Linear(3))
    output = Network(model, (3, 8, 8)).output
    for channels_last in (False, True):
        steps = planned(output, 2, channels_last, training=True).steps
        back = {step.node.name: step for step in steps if isinstance(step, Backward)}
        assert back["act"].dx == back["act"].dy
        assert (back["f"].dx.start == back["f"].dy.start) is not channels_last
        assert back["f"].dx.strides == dense_slot(0, back["f"].dx.shape, "float32", channels_last).strides


def test_the_allocator_gives_out_disjoint_ranges():
    rng, allocator, live = np.random.default_rng(0), ArenaAllocator(), {}
    for _ in range(2000):
        if live and rng.random() < 0.5:
            start = list(live)[rng.integers(len(live))]
            allocator.free(start, live.pop(start))
        else:
            length = int(rng.integers(1, 50)) * 64
            start = allocator.allocate(length)
            assert all(start + length <= s or s + n <= start for s, n in live.items())
            assert start + length <= allocator.size
            live[start] = length
    for start, length in live.items():
        allocator.free(start, length)
    assert allocator.holes == [(0, allocator.size)]
