"""The executor: every graph gives what the textbook gives, in memory that is shared, reused and never leaked."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from naive import Naive, random_model

from fastconv import layers, losses
from fastconv.executor import Executor
from fastconv.executor.analysis import analyse_prediction, analyse_training
from fastconv.executor.arena import ArenaAllocator, dense_slot
from fastconv.executor.planner import ForwardPlanner, plan_prediction
from fastconv.executor.steps import Add, Backward, Copy, Forward, Loss
from fastconv.executor.training_planner import BackwardPlanner, plan_training
from fastconv.graph import ancestors, concat, scope, sequential
from fastconv.layers import Conv2D, Flatten, Linear, MaxPool2D, ReLU, SeparableConv2D, Sigmoid, Tanh
from fastconv.network import Network


@dataclass(frozen=True)
class Weighted:
    """L = sum y t: its gradient is the targets themselves."""

    def target_array(self, y_shape, dtype):
        return y_shape, dtype

    def prepare(self, targets, y_shape, dtype):
        return targets

    def bind(self, y, targets, value, dy):
        def call():
            value[...] = (y * targets).sum()
            if dy is not None:
                dy[...] = targets

        return call


def planned(output, n, channels_last=False, training=False):
    return (plan_training if training else plan_prediction)(output, n, channels_last)


def agree_with_naive(network, n=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *network.input_shape)).astype(network.dtype)
    dy = rng.standard_normal((n, *network.output_shape)).astype(network.dtype)
    naive = Naive(network)
    y = naive.forward(x, training=True)
    expected = naive.backward(dy)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-10, atol=1e-10)
    value, gradients = network.gradients(x, dy, Weighted())
    assert value == pytest.approx((y * dy).sum(), rel=1e-9, abs=1e-9)
    assert set(gradients) == set(expected)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-8, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("channels", [3, 18], ids=["planar", "channels_last"])
def test_random_graphs(seed, channels):
    rng = np.random.default_rng(seed)
    network = Network(random_model(rng, int(rng.integers(1, 25)), channels), (2, 4, 3), "float64", seed=seed)
    agree_with_naive(network, seed=seed)


def test_the_layout_follows_the_widest_convolution():
    def layout(model):
        return Network(model, (3, 8, 8)).executor.channels_last

    assert not layout(sequential(Conv2D(16, 3), ReLU()))
    assert layout(sequential(Conv2D(16, 3), ReLU(), Conv2D(17, 3)))
    assert layout(sequential(Conv2D(17, 3), ReLU(), Conv2D(4, 3)))
    assert not layout(sequential(Flatten(), Linear(1000)))


def dense_block(x):
    """DenseNet's wiring, each step reading all maps before it."""
    maps = [Conv2D(4, 3, padding=1)(x)]
    for _ in range(5):
        maps.append(Conv2D(4, 3, padding=1)(ReLU()(concat(*maps))))
    return concat(*maps)


def nested_block(x):
    """The same with one growing concatenation."""
    x = Conv2D(4, 3, padding=1)(x)
    for _ in range(5):
        x = concat(x, Conv2D(4, 3, padding=1)(ReLU()(x)))
    return x


@pytest.mark.parametrize("block", [dense_block, nested_block])
@pytest.mark.parametrize("channels", [3, 20])
def test_dense_blocks_copy_nothing(block, channels):
    network = Network(lambda x: Conv2D(channels, 1)(block(x)), (2, 5, 4), "float64", seed=0)
    steps = planned(network.output, 2, channels == 20, training=True).steps
    assert not any(isinstance(step, Copy) for step in steps)
    agree_with_naive(network)


def test_a_value_in_two_unrelated_concatenations_is_copied_once():
    def model(x):
        a, b, c = (Conv2D(2, 1)(x) for _ in range(3))
        return concat(a, b) + concat(a, c)

    network = Network(model, (2, 3, 3), "float64", seed=0)
    steps = planned(network.output, 1).steps
    assert sum(isinstance(step, Copy) for step in steps) == 1
    agree_with_naive(network)


def test_repeated_and_nested_concatenations():
    def model(x):
        a = Conv2D(2, 1)(x)
        inner = concat(a, x, a)
        return concat(inner, concat(inner, a), inner)

    network = Network(lambda x: Conv2D(2, 1)(model(x)), (2, 3, 3), "float64", seed=0)
    agree_with_naive(network)


def test_the_image_itself_as_output_sum_and_concatenation():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype("float32")
    np.testing.assert_array_equal(Network(lambda image: image, (3, 4, 4)).predict(x), x)
    np.testing.assert_array_equal(Network(lambda image: image + image, (3, 4, 4)).predict(x), x + x)
    twice = Network(lambda image: concat(image, image), (3, 4, 4)).predict(x)
    np.testing.assert_array_equal(twice, np.concatenate([x, x], 1))


def test_a_network_without_parameters_has_a_loss_and_no_gradients():
    x = np.ones((2, 3), "float64")
    value, gradients = Network(Tanh(), (3,), "float64").gradients(x, x, Weighted())
    assert value == pytest.approx(6 * np.tanh(1))
    assert dict(gradients) == {}


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


@pytest.mark.parametrize("channels", [3, 20])
def test_the_output_outlives_a_training_step(channels):
    model = sequential(Conv2D(channels, 3), Tanh(), Conv2D(channels, 3), Tanh())
    network = Network(model, (2, 8, 8), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((3, 2, 8, 8))
    network.gradients(x, np.ones((3, channels, 4, 4)), Weighted())
    np.testing.assert_array_equal(network.executor.bound_plan(3, Weighted()).y, network.predict(x))


def test_plans_of_all_batch_sizes_share_one_arena():
    network = Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(5)), (1, 8, 8), seed=0)
    x, t = np.zeros((50, 1, 8, 8), "float32"), np.zeros(50, int)
    network.gradients(x, t, losses.CrossEntropy())
    arena = network.executor.arena
    for n in (50, 7, 20, 50, 1):
        network.gradients(x[:n], t[:n], losses.CrossEntropy())
        network.predict(x[:n])
    assert network.executor.arena is arena


def test_only_the_last_few_plans_are_kept():
    network = Network(Linear(2), (3,), seed=0)
    first = network.executor.bound_plan(100)
    for n in range(1, 20):
        network.predict(np.zeros((n, 3), "float32"))
    assert len(network.executor.plans) == 8
    assert network.executor.bound_plan(100) is not first
    kept = network.executor.bound_plan(100)
    for n in range(1, 20):
        assert network.executor.bound_plan(100) is kept  # used again and again
        network.predict(np.zeros((n, 3), "float32"))


def test_plans_in_a_smaller_arena_are_let_go():
    network = Network(Linear(2), (3,), seed=0)
    for n in (1, 2):
        network.executor.bound_plan(100 * n)
        assert len(network.executor.plans) == 1
        assert network.executor.bound_plan(1) is network.executor.bound_plan(1)


def test_plans_of_several_batch_sizes_write_the_same_gradients():
    network = Network(Linear(2), (3,), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((3, 3))
    first = [network.gradients(x[:n], np.zeros((n, 2)), losses.MSE())[1] for n in (3, 2, 1)]
    again = [network.gradients(x[:n], np.zeros((n, 2)), losses.MSE())[1] for n in (3, 2, 1)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.flat, b.flat)
        assert a.flat.any()


def test_growing_batches_keep_the_results_right():
    network = Network(sequential(Conv2D(20, 3), ReLU(), Flatten(), Linear(5)), (3, 8, 8), seed=0)
    x = np.random.default_rng(0).standard_normal((40, 3, 8, 8)).astype("float32")
    alone = [network.predict(one) for one in x]
    for n in (1, 3, 40, 2, 17, 40):
        np.testing.assert_array_equal(network.predict(x[:n]), alone[:n])


def test_results_held_at_once_stay_right():
    network = Network(sequential(Conv2D(4, 3), Sigmoid()), (1, 8, 8), seed=0)
    a, b = np.random.default_rng(0).standard_normal((2, 5, 1, 8, 8)).astype("float32")
    ya = network.predict(a)
    kept = ya.copy()
    yb = network.predict(b)
    np.testing.assert_array_equal(ya, kept)
    assert not np.shares_memory(ya, yb)
    assert not np.shares_memory(ya, network.executor.arena)
    _, first = network.gradients(a, np.zeros((5, 4, 6, 6), "float32"), losses.MSE())
    kept = {name: g.copy() for name, g in first.items()}
    network.gradients(b, np.zeros((5, 4, 6, 6), "float32"), losses.MSE())
    for name, gradient in first.items():
        np.testing.assert_array_equal(gradient, kept[name])


def test_eight_threads_give_the_serial_bits():
    network = Network(sequential(Conv2D(4, 3), Sigmoid(), Flatten(), Linear(3)), (1, 8, 8), seed=0)
    x = np.random.default_rng(0).standard_normal((64, 1, 8, 8)).astype("float32")
    sizes = [1 + i % 9 for i in range(200)]
    serial = [network.predict(x[i % 50 : i % 50 + n]).tobytes() for i, n in enumerate(sizes)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda i: network.predict(x[i % 50 : i % 50 + sizes[i]]).tobytes(), range(200)))
    assert parallel == serial


def test_training_from_two_threads_is_refused():
    network = Network(Linear(2), (3,), seed=0)
    x, t = np.zeros((1, 3), "float32"), np.zeros((1, 2), "float32")
    with network.training():
        network.gradients(x, t, losses.MSE())  # the same thread may
        with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="another thread is training"):
            pool.submit(network.gradients, x, t, losses.MSE()).result()
        assert network.predict(x).shape == (1, 2)
    network.gradients(x, t, losses.MSE())


@pytest.mark.parametrize("channels", [2, 20])
def test_a_thousand_layers(channels):
    def model(x):
        x = Conv2D(channels, 1)(x)
        for i in range(250):
            with scope(f"block{i}"):
                x = Tanh()(Conv2D(channels, 1)(x)) + x
        return Linear(2)(Flatten()(x))

    network = Network(model, (1, 2, 2), "float64", seed=0)
    assert len(network.nodes) > 750
    agree_with_naive(network, n=1)
    del network
    gc.collect()


def test_a_thousand_concatenations_are_planned():
    def model(x):
        for _ in range(1000):
            x = concat(x, ReLU()(x)) if x.shape[0] < 64 else Conv2D(2, 1)(x)
        return x

    network = Network(model, (2, 1, 1), "float64", seed=0)
    assert network.predict(np.ones((1, 2, 1, 1))).shape[0] == 1


def test_saved_arrays_and_shared_layers():
    shared = SeparableConv2D(3, 3, padding=1)

    def model(x):
        a = shared(x)
        b = shared(ReLU()(a))
        return Linear(2)(Flatten()(MaxPool2D(2)(concat(a, b, shared(b)))))

    network = Network(model, (3, 6, 6), "float64", seed=3)
    assert sum(name.endswith(".filters") for name in network.parameters) == 1
    agree_with_naive(network)


def test_an_empty_batch():
    network = Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(5)), (1, 8, 8), seed=0)
    assert network.predict(np.zeros((0, 1, 8, 8), "float32")).shape == (0, 5)
    with pytest.raises(ValueError, match="at least one image"):
        network.gradients(np.zeros((0, 1, 8, 8), "float32"), np.zeros(0, int), losses.CrossEntropy())


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


def test_layers_see_only_what_they_declare():
    seen = []

    class Curious(layers.Tanh):
        def backward(self, b):
            seen.append((b.x is None, b.y is None, b.dx is None))
            return super().backward(b)

    network = Network(sequential(Linear(3), Curious()), (3,), seed=0)
    x = np.ones((1, 3), "float32")
    network.gradients(x, x, losses.MSE())
    assert seen == [(True, False, False)]


def test_predictions_during_training_wait_for_whole_steps():
    network = Network(Linear(2), (3,), seed=0)
    x = np.ones((1, 3), "float32")
    with network.executor.lock:
        thread = threading.Thread(target=network.predict, args=(x,))
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_start_on_cache_lines(dtype):
    network = Network(sequential(Conv2D(3, 3), Flatten(), Linear(5)), (1, 5, 5), dtype, seed=0)
    for array in (*network.parameters.values(), network.executor.bound_plan(3).x, network.executor.bound_plan(3).y):
        assert array.__array_interface__["data"][0] % 64 == 0


DEEP = sequential(*(layer for _ in range(100) for layer in (Linear(1), Tanh())))


@pytest.mark.parametrize("n", [720720, 5765760, 735134400, 2**31, 10**12])
@pytest.mark.parametrize("model", [DEEP, sequential(Flatten(), Linear(5))])
def test_huge_batches_are_planned_at_once(model, n):
    """Numbers with very many divisors, and few bytes a step, of which more images stay in the caches."""
    network = Network(model, (1,), seed=0)
    small = network.memory(1000)
    assert network.memory(n).values == pytest.approx(small.values * n / 1000, rel=0.3)
    assert network.plan(n, training=True).nbytes > network.plan(n).nbytes
    assert str(n) in str(network.summary(n))


@pytest.mark.parametrize("n", [2**61, 2**63 - 1, 2**63, 2**64, 10**30])
def test_batches_beyond_what_can_be_addressed_are_refused(n):
    network = Network(sequential(Linear(3), Tanh(), Linear(5)), (2,), seed=0)
    for call in (network.memory, network.plan, network.freeze, network.summary, lambda n: network.memory(n, True)):
        with pytest.raises(ValueError, match=rf"batch_size={n} is too large: .*; use a smaller one"):
            call(n)


def test_values_that_are_too_large_only_together():
    network = Network(sequential(Linear(3), Tanh(), Linear(5)), (2,), seed=0)
    n = 2**63 // (5 * 4) - 10
    with pytest.raises(ValueError, match=rf"batch_size={n} is too large: .* in all"):
        network.memory(n, training=True)


@pytest.mark.parametrize("slots", [2**61, 10**30])
def test_more_optimizer_memory_than_can_be_addressed(slots):
    network = Network(Linear(3), (2,), seed=0)
    with pytest.raises(ValueError, match=f"slots={slots} takes .* bytes"):
        network.memory(1, training=True, slots=slots)
    assert network.memory(1, training=True, slots=10**6).optimizer == 10**6 * network.parameters.flat.nbytes


@pytest.mark.parametrize("n", [10**9, 2**62, 10**30])
def test_a_batch_size_above_the_number_of_images_is_no_work(n):
    network, x = Network(Linear(3), (2,), seed=0), np.ones((2, 2), "float32")
    np.testing.assert_array_equal(network.predict(x, n), network.predict(x))
    np.testing.assert_array_equal(network.freeze().predict(x, n), network.predict(x))


def conv_with(size):
    return Network(sequential(Conv2D(4, size), Flatten()), (3, 8, 8), seed=0)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: conv_with(5), r"conv1.weight must be \(4, 3, 3, 3\) float32, got \(4, 3, 5, 5\) float32"),
        (lambda: Network(Flatten(), (3, 8, 8)), r"conv1.weight must be .*, got none"),
        (lambda: Network(sequential(Conv2D(4, 3), Flatten()), (3, 8, 8), "float64"), "got .* float64"),
    ],
)
def test_an_executor_with_arrays_of_another_network_is_refused(other, says):
    network, arrays = conv_with(3), other()
    shared = Executor(network.output, arrays.parameters, arrays.buffers)
    for loss in (None, losses.MSE()):
        with pytest.raises(RuntimeError, match=says):
            shared.bound_plan(2, loss)
