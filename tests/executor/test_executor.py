"""The executor: plans of all batch sizes in one arena, results that stay right, threads that wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from plans import Weighted

from fastconv import layers, losses
from fastconv.executor import Executor
from fastconv.graph import sequential
from fastconv.layers import Conv2D, Flatten, Linear, ReLU, Sigmoid, Tanh
from fastconv.network import Network


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


def test_an_empty_batch():
    network = Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(5)), (1, 8, 8), seed=0)
    assert network.predict(np.zeros((0, 1, 8, 8), "float32")).shape == (0, 5)
    with pytest.raises(ValueError, match="at least one image"):
        network.gradients(np.zeros((0, 1, 8, 8), "float32"), np.zeros(0, int), losses.CrossEntropy())


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
