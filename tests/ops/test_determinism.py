"""The same bits for any number of threads, for every run, and for a sample alone or inside any batch."""

from concurrent.futures import ThreadPoolExecutor

import inputs
import numpy as np
import problems
import pytest
from problems import Conv, Operands, Transposed, operands

import fastconv

PROBLEMS = {
    "plain": Conv((4, 5, 9, 8), (7, 5, 3, 3), 1, 1),
    "many channels": Conv((2, 40, 6, 7), (50, 40, 3, 3), 1, 1),
    "4x4, stride 2": Conv((3, 48, 12, 10), (40, 48, 4, 4), 2, 1),
    "few channels": Conv((5, 1, 20, 20), (6, 1, 5, 5)),
    "strided": Conv((3, 6, 11, 10), (8, 6, 3, 2), (2, 3), ((1, 0), (2, 1)), (1, 2)),
    "1x1": Conv((3, 33, 7, 5), (18, 33, 1, 1)),
    "depthwise": Conv((3, 19, 9, 9), (19, 1, 3, 3), 2, 1, 1, 19),
    "groups": Conv((3, 12, 6, 6), (9, 4, 3, 3), 1, "same", 1, 3),
    "long sums": Conv((2, 300, 3, 3), (5, 300, 3, 3), 1, 1),
    "transposed": Transposed((3, 6, 5, 4), (6, 7, 3, 3), 2, 1, 1),
    "transposed groups": Transposed((3, 12, 4, 4), (12, 3, 4, 4), 2, 1, 0, 4),
}
MANY_PIXELS = {  # partial sums of a gradient, added in order
    "many pixels": Conv((3, 5, 40, 41), (9, 5, 3, 3), 1, 1),
    "many pixels and channels": Conv((2, 20, 50, 31), (33, 20, 3, 3), (1, 2), 1),
    "many pixels, depthwise": Conv((3, 19, 40, 31), (19, 1, 3, 3), 1, 1, 1, 19),
    "many pixels, 1x1": Conv((3, 20, 40, 41), (33, 20, 1, 1)),
    "many channels, 1x1": Conv((3, 70, 20, 20), (40, 70, 1, 1), 2),
    "many channels, 4x4, stride 2": Conv((3, 32, 50, 52), (33, 32, 4, 4), 2, 1),
    "many channels, 5x5": Conv((2, 33, 25, 26), (32, 33, 5, 5), 1, 2),
}
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.array, inputs.channels_last], ids=["planar", "channels_last"])


def bits(problem, a):
    return [problem.call(fastconv, which, a).tobytes() for which in problems.PASSES]


@pytest.mark.parametrize("problem", [*PROBLEMS.values(), *MANY_PIXELS.values()], ids=[*PROBLEMS, *MANY_PIXELS])
@every_dtype
@every_layout
@pytest.mark.usefixtures("all_threads")
def test_any_number_of_threads(problem, dtype, layout):
    a = operands(problem, inputs.real, 1, dtype)
    a = a.replace(x=layout(a.x), dy=layout(a.dy))
    results = []
    for threads in (1, 2, 3, 4, 8, 1, 4):
        fastconv.set_num_threads(threads)
        results.append(bits(problem, a))
    assert all(result == results[0] for result in results)


@every_problem
@every_dtype
@every_layout
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.usefixtures("all_threads")
def test_a_sample_alone_or_in_any_batch(problem, dtype, layout, threads):
    fastconv.set_num_threads(threads)
    whole = problem._replace(x_shape=(64, *problem.x_shape[1:]))
    a = operands(whole, inputs.real, 2, dtype)
    for which, images in (("forward", "x"), ("input", "dy")):
        batches = []
        for N in (64, 7, 2, 1):
            part = a.replace(x=layout(a.x[:N]), dy=layout(a.dy[:N]))
            result = problem._replace(x_shape=part.x.shape).call(fastconv, which, part)
            batches.append([sample.tobytes() for sample in result])
        for batch in batches:
            assert batch == batches[0][: len(batch)]
        last = layout(getattr(a, images)[63:])
        alone = problem._replace(x_shape=(1, *problem.x_shape[1:])).call(
            fastconv, which, a.replace(**{"x": a.x[63:], "dy": a.dy[63:], images: last})
        )
        assert alone[0].tobytes() == batches[0][63]


@every_dtype
@pytest.mark.usefixtures("all_threads")
def test_linear_with_any_threads_and_any_batch(dtype):
    rng = np.random.default_rng(4)
    x, weight, bias, dy = (inputs.real(rng, shape, dtype) for shape in ((64, 50), (70, 50), (70,), (64, 70)))
    runs = []
    for threads in (1, 2, 4, 8):
        fastconv.set_num_threads(threads)
        y, dx = fastconv.linear(x, weight, bias), fastconv.linear_backward_input(dy, weight)
        gradients = fastconv.linear_backward_weight(dy, x), fastconv.linear_backward_bias(dy)
        runs.append([result.tobytes() for result in (y, dx, *gradients)])
        for N in (1, 2, 7):
            assert fastconv.linear(x[:N], weight, bias).tobytes() == y[:N].tobytes()
            assert fastconv.linear_backward_input(dy[:N], weight).tobytes() == dx[:N].tobytes()
    assert all(run == runs[0] for run in runs)


def test_operands_at_any_address():
    """The bits do not depend on how memory happens to be aligned."""
    problem = PROBLEMS["plain"]
    a = operands(problem, inputs.real, 5)
    for shift in range(1, 17):

        def moved(v, shift=shift):
            buffer = np.empty(v.size + shift, v.dtype)
            buffer[shift:] = v.ravel()
            return buffer[shift:].reshape(v.shape)

        assert bits(problem, Operands(*map(moved, a))) == bits(problem, a)


@pytest.mark.usefixtures("all_threads")
def test_eight_python_threads_at_once():
    fastconv.set_num_threads(2)
    work = [(p, operands(p, inputs.real, 6)) for p in PROBLEMS.values()] * 8
    expected = [bits(p, a) for p, a in work[: len(PROBLEMS)]] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda item: bits(*item), work)) == expected
