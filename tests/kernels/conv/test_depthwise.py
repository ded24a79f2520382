"""Depth-wise convolution: every form against the textbook, and the same bits whatever the call."""

from itertools import product

import inputs
import numpy as np
import pytest
import reference
from inputs import DTYPES
from problems import Conv, assert_exact, assert_rounded, operands, random_padding, random_pair, random_step

from fastconv import kernels

PASSES = ("forward", "input", "weight")


def last(a):
    return a.replace(x=inputs.channels_last(a.x), dy=inputs.channels_last(a.dy))


def run(problem, which, a, out=None, bias=True, activation=0, packed=None):
    """One pass by the kernel, into a channels-last array of NaN unless `out` is given."""
    depthwise = kernels.load(a.x.dtype).conv.depthwise
    taps = reference.Taps(problem.x_shape[2:], problem.weight_shape[2:], *problem.window[:3])
    rows, columns = taps.axes
    step = rows.stride, columns.stride, rows.dilation, columns.dilation
    window = *step, rows.before, columns.before, problem.groups
    shape = {"forward": problem.y_shape, "input": problem.x_shape, "weight": problem.weight_shape}[which]
    out = inputs.channels_last(np.full(shape, np.nan, a.x.dtype)) if out is None else out
    if which == "forward":
        depthwise.forward(a.x, a.weight, a.bias if bias else None, out, window, activation, packed)
    elif which == "input":
        depthwise.backward_input(a.dy, a.weight, None, out, window)
    else:
        depthwise.backward_weight(a.dy, a.x, out, window)
    return out


def random_problems(count, seed, size=11):
    """Channels below, at and above whole vectors, one to three filters each; half of them 3x3 with stride 1 or 2."""
    rng = np.random.default_rng(seed)
    while count:
        C, m = int(rng.choice([1, 2, 3, 5, 8, 16, 17, 21, 32, 39, 64, 70])), int(rng.choice([1, 1, 1, 2, 3]))
        kernel, stride, dilation = random_pair(rng, 1, 5), random_step(rng), random_step(rng)
        if rng.integers(2):
            kernel, stride, dilation = (3, 3), int(rng.integers(1, 3)), 1
        padding = random_padding(rng, ("valid", "same", "full"))
        shape = int(rng.integers(1, 4)), C, *random_pair(rng, 1, size)
        problem = Conv(shape, (m * C, 1, *kernel), stride, padding, dilation, C)
        if min(problem.y_shape) > 0:
            count -= 1
            yield problem


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_whole_numbers_are_exact(which, dtype):
    for seed, problem in enumerate(random_problems(60, 1)):
        a = last(operands(problem, inputs.whole, seed, dtype))
        assert_exact(run(problem, which, a), problem.call(reference, which, a), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_rounding_only(which, dtype):
    for seed, problem in enumerate(random_problems(20, 2)):
        a = last(operands(problem, inputs.real, seed, dtype))
        exact = problem.call(reference, which, a.float64())
        magnitude = problem.call(reference, which, a.absolute().float64())
        assert_rounded(run(problem, which, a), exact, magnitude, problem.terms(which))


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_input_gradient_of_every_stride_and_dilation(kernel):
    """Phases of dx that all taps reach, some of them, one or none."""
    for seed, (stride, dilation) in enumerate(product(range(1, 6), range(1, 5))):
        problem = Conv((2, 17, 21, 22), (17, 1, kernel, kernel), stride, 1, dilation, 17)
        a = last(operands(problem, inputs.whole, seed, "float32"))
        assert_exact(run(problem, "input", a), problem.call(reference, "input", a), "float32")


def beginning_at(array, first):
    """The same channels-last values, `first` elements after a cache line, each pixel between NaN; whole lines apart."""
    N, C, H, W = array.shape
    width = C + -C % 16 + 16
    memory = np.full(N * H * W * width + 32, np.nan, array.dtype)
    start = -memory.ctypes.data // array.itemsize % 16 + first
    pixels = memory[start : start + N * H * W * width].reshape(N, H, W, width)[..., :C].transpose(0, 3, 1, 2)
    pixels[...] = array
    return pixels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [0, 1, 7, 15])
@pytest.mark.parametrize("which", PASSES)
def test_channels_may_begin_anywhere_in_a_cache_line(which, first, dtype):
    """Many channels: all vectors lie between boundaries of memory but the first and the last, which overlap others."""
    problem = Conv((2, 103, 6, 9), (103, 1, 3, 3), 1, 1, 1, 103)
    a = last(operands(problem, inputs.whole, first, dtype))
    b = a.replace(x=beginning_at(a.x, first), dy=beginning_at(a.dy, first))
    assert_exact(run(problem, which, b), problem.call(reference, which, a), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_rows_in_stretches(which, dtype):
    """Pixels of whole multiples of 1024 bytes: a vector of channels walks along seven pixels at a time, or fewer."""
    for stride, width in product((1, 2), (1, 6, 7, 16, 29)):
        problem = Conv((1, 512, 4, width), (512, 1, 3, 3), stride, 1, 1, 512)
        a = last(operands(problem, inputs.whole, width, dtype))
        assert_exact(run(problem, which, a), problem.call(reference, which, a), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_five_taps(which, dtype):
    """Tiles at stride 1, walks at stride 2; rows and columns outside on every side, planes smaller than the kernel."""
    for stride, (H, W), padding in product((1, 2), ((1, 2), (5, 9), (12, 16)), (2, ((0, 3), (4, 1)))):
        problem = Conv((2, 37, H + 4, W + 3), (37, 1, 5, 5), stride, padding, 1, 37)
        a = last(operands(problem, inputs.whole, H, dtype))
        assert_exact(run(problem, which, a), problem.call(reference, which, a), dtype)


FIXED = (
    Conv((3, 37, 40, 33), (37, 1, 3, 3), 1, 1, 1, 37),
    Conv((3, 32, 41, 30), (32, 1, 3, 3), 2, 1, 1, 32),
    Conv((2, 9, 30, 21), (18, 1, 5, 4), (1, 2), 2, (2, 1), 9),
)


@pytest.mark.parametrize("problem", FIXED)
@pytest.mark.parametrize("which", PASSES)
def test_same_bits_for_any_number_of_threads(which, problem, all_threads):
    a = last(operands(problem, inputs.real, 5, "float32"))
    results = []
    for count in (1, 2, 4, 3):
        all_threads(count)
        results.append(run(problem, which, a).tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("which", ["forward", "input"])
def test_same_bits_alone_and_in_a_batch(which):
    for problem in [*FIXED, *random_problems(20, 3)]:
        problem = problem._replace(x_shape=(7, *problem.x_shape[1:]))
        a = last(operands(problem, inputs.real, 6, "float32"))
        batch = run(problem, which, a)
        one = a.replace(x=a.x[4:5], dy=a.dy[4:5])
        alone = run(problem._replace(x_shape=(1, *problem.x_shape[1:])), which, one)
        assert alone.tobytes() == batch[4:5].tobytes()


@pytest.mark.parametrize(
    "odd", [np.ascontiguousarray, inputs.inside, inputs.every_second, inputs.channel_slice, inputs.wild_strides]
)
@pytest.mark.parametrize("which", PASSES)
def test_any_strides(which, odd):
    for seed, problem in enumerate(random_problems(20, 4)):
        a = operands(problem, inputs.whole, seed, "float32")
        b = a.replace(x=odd(a.x), weight=odd(a.weight), dy=odd(a.dy))
        expected = run(problem, which, last(a))
        out = odd(np.full_like(expected, np.nan, order="C"))
        out = out if out.flags.writeable else np.full_like(expected, np.nan, order="C")
        assert_exact(run(problem, which, b, out), expected, "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_packed_weights_have_the_bits_of_plain_ones(dtype):
    depthwise = kernels.load(dtype).conv.depthwise
    many = Conv((2, 103, 6, 9), (103, 1, 3, 3), 1, 1, 1, 103)
    for seed, problem in enumerate([many, *random_problems(30, 7)]):
        a = last(operands(problem, inputs.real, seed, dtype))
        a = a.replace(x=beginning_at(a.x, 7)) if problem is many else a
        packed = np.full(depthwise.pack_forward(a.weight, None), np.nan, dtype)
        depthwise.pack_forward(a.weight, packed)
        plain = run(problem, "forward", a)
        weight = np.broadcast_to(np.array(np.nan, dtype), a.weight.shape)
        np.testing.assert_array_equal(run(problem, "forward", a.replace(weight=weight), packed=packed), plain)


@pytest.mark.parametrize(("stride", "size"), list(product([1, 2, 3], [1, 2, 3, 7, 8, 14])))
def test_pairs_of_rows_at_every_edge(stride, size):
    for kernel, padding in (((3, 3), 1), ((3, 3), 2), ((2, 3), 1), ((5, 5), 2), ((1, 3), 0)):
        problem = Conv((1, 32, size, 9), (32, 1, *kernel), stride, padding, 1, 32)
        if min(problem.y_shape) > 0:
            a = last(operands(problem, inputs.whole, size))
            assert_exact(run(problem, "forward", a), problem.call(reference, "forward", a), "float32")


@pytest.mark.parametrize("which", ["forward", "input"])
def test_writes_only_its_channels(which):
    for seed, problem in enumerate(random_problems(20, 5)):
        a = last(operands(problem, inputs.whole, seed, "float32"))
        expected = run(problem, which, a)
        N, C, H, W = expected.shape
        wide = np.full((N, H + 1, W + 2, C + 20), np.nan, "float32").transpose(0, 3, 1, 2)
        out = wide[:, 5 : C + 5, :H, 1 : W + 1]
        assert_exact(run(problem, which, a, out), expected, "float32")
        assert np.isnan(wide).sum() == wide.size - out.size


def test_relu_and_bias():
    for seed, problem in enumerate(random_problems(20, 6)):
        a = last(operands(problem, inputs.whole, seed, "float32"))
        y = run(problem, "forward", a)
        assert_exact(run(problem, "forward", a, activation=1), np.maximum(y, 0), "float32")
        assert_exact(run(problem, "forward", a, activation=2), np.clip(y, 0, 6), "float32")
        assert_exact(run(problem, "forward", a, bias=False), y - a.bias[:, None, None], "float32")


@pytest.mark.parametrize("which", PASSES)
def test_nan_stays_in_its_windows(which):
    for seed, problem in enumerate(random_problems(30, 7)):
        a = last(operands(problem, inputs.real, seed, "float64"))
        rng = np.random.default_rng(seed)
        for array in (a.dy,) if which == "input" else (a.x,):
            array[tuple(rng.integers(0, n) for n in array.shape)] = np.nan
        with np.errstate(invalid="ignore"):
            expected = problem.call(reference, which, a)
        np.testing.assert_array_equal(np.isnan(run(problem, which, a)), np.isnan(expected))
        if which == "forward":
            y = run(problem, which, a, activation=1)
            np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))


def test_empty_batch():
    for problem in FIXED:
        problem = problem._replace(x_shape=(0, *problem.x_shape[1:]))
        a = operands(problem, inputs.real, 0, "float32")
        assert run(problem, "forward", a).size == 0
        assert run(problem, "input", a).size == 0
        assert not run(problem, "weight", a).any()
