"""Random networks over all layers and joints: the executor gives what the graph run node by node gives.

`FASTCONV_RANDOM_GRAPHS` says how many; the seed in a test's name gives the same graph again: ``graphs.Case(seed)``.
"""

import os

import graphs
import numpy as np
import pytest
from graphs import Case
from naive import Naive

import fastconv
from fastconv import SGD, layers, train_step
from fastconv.executor import gradient_buckets, microbatch, parameter_gradients, rewrites

KINDS = "input", "layer", "add", "multiply", "matmul", "concat", "slice"
COUNT = int(os.environ.get("FASTCONV_RANDOM_GRAPHS", "40"))
SAME_BITS = ("activation", "reuse", "pooled_first", "updates", "slices")  # others add in another order, or elsewhere
every_graph = pytest.mark.parametrize("seed", range(COUNT))
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
pytestmark = pytest.mark.filterwarnings("ignore:the network ends with:UserWarning")  # some end so
some_dtype = pytest.mark.parametrize(("seed", "dtype"), [(s, ("float32", "float64")[s % 2]) for s in range(COUNT)])
PREDICTED = {"float32": 1e-4, "float64": 1e-11}  # of the largest value
GRADIENTS = {"float32": 1e-3, "float64": 1e-9}


def largest(arrays):
    """The largest finite value of all."""
    return max((np.abs(a[np.isfinite(a)]).max(initial=0) for a in arrays.values()), default=0)


def close(result, expected, share, among=0.0, name=""):
    """Within this share of the largest value of `expected`, and of a hundredth of the largest `among` others."""
    within = share * max(largest({name: expected}), among / 100, 1e-3)
    np.testing.assert_allclose(result, expected, rtol=0, atol=within, err_msg=name)


def same(a, b):
    """The same arrays under the same names, bit for bit."""
    assert a.keys() == b.keys()
    assert [name for name in a if a[name].tobytes() != b[name].tobytes()] == []


def textbook(case, dtype="float64", n=None):
    """Output, gradients and buffers of a training step of a network run node by node, and that network."""
    network = case.network(dtype)
    naive = Naive(network, network.executor.channels_last)
    y = naive.forward(case.images(n, dtype), training=True)
    gradients = naive.backward(graphs.slope(case.loss, y, case.targets(n, dtype)).astype(dtype))
    return y, gradients, network


def training_step(case, network, n=None):
    """The loss and the gradients as one mapping, and what the buffers have become."""
    x, targets = case.images(n, network.dtype), case.targets(n, network.dtype)
    loss, gradients = network.gradients(x, targets, case.loss)
    return {"loss": np.float64(loss), **gradients, **{f"buffer {k}": v.copy() for k, v in network.buffers.items()}}


def test_consecutive_seeds_use_every_layer_and_joint():
    cases = [Case(seed) for seed in range(2 * len(graphs.LAYERS))]
    assert set(graphs.LAYERS) == {getattr(layers, name) for name in layers.__all__}
    assert set.union(*(case.kinds for case in cases)) == set(graphs.LAYERS)
    assert set.union(*(case.joints for case in cases)) == set(KINDS)
    assert {len(case.output_shape) for case in cases} == {1, 3}
    assert {case.network().executor.channels_last for case in cases} == {True, False}
    assert {type(case.loss).__name__ for case in cases} == {"MSE", "CrossEntropy", "AuxiliaryCrossEntropy"}


@every_graph
@every_dtype
def test_a_prediction_is_that_of_the_graph_run_node_by_node_in_float64(seed, dtype):
    case = Case(seed)
    network, exact = case.network(dtype), case.network()
    for name, array in exact.arrays().items():
        array[...] = network.arrays()[name]
    x = case.images(dtype=dtype)
    close(network.predict(x), Naive(exact).forward(x.astype("float64")), PREDICTED[dtype])


@every_graph
@every_dtype
def test_gradients_and_buffers_are_those_of_the_graph_run_node_by_node(seed, dtype):
    case, share = Case(seed), GRADIENTS[dtype]
    for n in (case.batch, case.last):
        network = case.network(dtype)
        _, gradients = network.gradients(case.images(n, dtype), case.targets(n, dtype), case.loss)
        _, expected, twin = textbook(case, dtype, n)
        assert gradients.keys() == expected.keys()
        for name, gradient in gradients.items():
            close(gradient, expected[name], share, largest(expected), name)
        for name, buffer in network.buffers.items():
            close(buffer, twin.buffers[name], 0 if buffer.dtype.kind in "iu" else share, name=name)


@every_graph
def test_float32_gradients_of_smooth_graphs_are_those_in_float64(seed):
    """Smooth: a gradient that jumps may jump elsewhere after rounding. Random masks differ between dtypes."""
    masked = layers.Dropout, layers.StochasticDepth
    smooth = tuple(kind for kind in graphs.LAYERS if kind in graphs.SMOOTH and kind not in masked)
    case = Case(seed, smooth)
    network = case.network("float32")
    _, gradients = network.gradients(case.images(dtype="float32"), case.targets(dtype="float32"), case.loss)
    _, expected, _ = textbook(case)
    for name, gradient in gradients.items():
        close(gradient, expected[name], 1e-3, largest(expected), name)


@every_graph
def test_gradients_are_those_of_central_differences(seed):
    """Along random directions; where a value crosses a kink between the two points, along another one."""
    case = Case(seed)
    network, x, targets = case.network(), case.images(), case.targets()
    first = {name: array.copy() for name, array in network.arrays().items()}

    def loss(direction, step):
        for name, array in network.arrays().items():
            array[...] = first[name] + step * direction[name] if name in direction else first[name]
        return network.gradients(x, targets, case.loss)

    _, gradients = loss({}, 0)
    errors = []
    for attempt in range(4):
        rng = case.rng(10 + attempt)
        direction = {name: rng.standard_normal(p.shape) for name, p in network.parameters.items()}
        step = 1e-5 / 10**attempt
        difference = (loss(direction, step)[0] - loss(direction, -step)[0]) / (2 * step)
        products = [(gradients[name] * direction[name]).ravel() for name in direction]
        size = np.sqrt(sum((p**2).sum() for p in products))
        errors.append(abs(difference - sum(p.sum() for p in products)) / (size + 1e-3))
        if errors[-1] < 1e-5:
            return
    pytest.fail(f"relative errors {errors}")


@some_dtype
def test_an_image_alone_has_the_bits_of_its_row(seed, dtype):
    case = Case(seed)
    network, x = case.network(dtype), case.images(dtype=dtype)
    for predict in (network.predict, network.freeze().predict):
        whole = predict(x)
        assert predict(x[: case.last]).tobytes() == whole[: case.last].tobytes()
        assert predict(x, batch_size=case.last).tobytes() == whole.tobytes()
        assert [predict(one).tobytes() for one in x] == [y.tobytes() for y in whole]


@some_dtype
def test_the_frozen_network_agrees(seed, dtype):
    case = Case(seed)
    network, x = case.network(dtype), case.images(dtype=dtype)
    expected = network.predict(x)
    for n in (1, case.batch):
        close(network.freeze(n).predict(x), expected, PREDICTED[dtype])


@some_dtype
def test_lean_and_recomputing_steps_leave_the_same_bits(seed, dtype, monkeypatch):
    monkeypatch.setattr(parameter_gradients, "ROWS", 600)  # bytes: gradients by rows, and buckets of few parameters
    monkeypatch.setattr(gradient_buckets, "BUCKET", 2000)
    case, results = Case(seed), []
    for lean, recompute in ((False, False), (True, False), (False, True), (True, True)):
        network, optimizer = case.network(dtype, recompute=recompute), SGD(0.01, 0.9)
        values = [
            train_step(network, case.images(n, dtype), case.targets(n, dtype), optimizer, case.loss, lean)
            for n in (case.batch, case.last)
        ]
        results.append({"loss": np.array(values), "with gaps": network.parameters.flat, **network.arrays()})
    for result in results[1:]:
        same(result, results[0])


def results(case, dtype):
    """Predictions of the network and of the frozen one, the loss and all gradients, buffers."""
    network, x = case.network(dtype), case.images(dtype=dtype)
    predicted = {"predicted": network.predict(x), "frozen": network.freeze(len(x)).predict(x)}
    return {**predicted, **training_step(case, network)}


@some_dtype
def test_no_rewrite_changes_the_result(seed, dtype, monkeypatch):
    monkeypatch.setattr(microbatch, "CACHES", 6000)  # so that these small graphs are sliced
    monkeypatch.setattr(microbatch, "CALL", 0)
    case = Case(seed)
    expected = results(case, dtype)
    for name in rewrites.OPTIONAL:
        before = rewrites.use_rewrite(name, False)
        try:
            found = results(case, dtype)
        finally:
            rewrites.use_rewrite(name, before)
        if name in SAME_BITS:
            same(found, expected)
        for key, array in found.items():
            close(array, expected[key], GRADIENTS[dtype], largest(expected), f"{key} without {name}")


@some_dtype
def test_the_number_of_threads_changes_no_bit(seed, dtype, all_threads):
    case, found = Case(seed), []
    for threads in (1, 2):
        all_threads(threads)
        found.append(results(case, dtype))
    same(*found)


@some_dtype
def test_a_saved_network_is_the_same_when_loaded(seed, dtype, tmp_path):
    case = Case(seed)
    network, other = case.network(dtype), fastconv.Network(case.model, case.input_shape, dtype, seed=seed + 1)
    training_step(case, network)  # buffers move
    path = tmp_path / ("weights" + (".npz", ".safetensors")[seed // 2 % 2])
    network.save(path)
    other.load(path)
    same(other.arrays(), network.arrays())
    x = case.images(dtype=dtype)
    assert other.predict(x).tobytes() == network.predict(x).tobytes()
    same(training_step(case, other), training_step(case, network))
