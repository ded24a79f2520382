"""Winograd's convolution against the direct kernels in float64: every tail, every padding, the same bits."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastconv import kernels

winograd = kernels.load("float32").conv.winograd
direct = kernels.load("float64").conv
BOUND = 5e-6  # of max |result|


class Problem(NamedTuple):
    N: int
    C: int
    K: int
    H: int
    W: int
    kernel: int
    top: int = 1
    bottom: int = 1
    left: int = 1
    right: int = 1
    extra: int = 0  # channels around those in use, in the same buffers
    s: int = 1  # the stride

    @property
    def x_shape(self):
        return self.N, self.C, self.H, self.W

    @property
    def y_shape(self):
        return (
            self.N,
            self.K,
            (self.H + self.top + self.bottom - self.kernel) // self.s + 1,
            (self.W + self.left + self.right - self.kernel) // self.s + 1,
        )

    @property
    def w_shape(self):
        return self.K, self.C, self.kernel, self.kernel

    @property
    def window(self):
        """Stride, dilation, padding and groups, as the kernels take them."""
        return self.s, self.s, 1, 1, self.top, self.left, 1


@st.composite
def sides(draw, kernel, s):
    """A size and the padding before and after it, whole steps of s together."""
    size, before = draw(st.integers(1, 14 * s)), draw(st.integers(0, 3 * s))
    after = draw(st.integers(0, 3)) * s + max(kernel, size + before) - size - before
    return size, before, after + -(size + before + after) % s


@st.composite
def problems(draw):
    kernel, s = draw(st.sampled_from([(2, 1), (3, 1), (5, 1), (4, 2), (6, 3), (8, 4)]))
    H, top, bottom = draw(sides(kernel, s))
    W, left, right = draw(sides(kernel, s))
    N, K = draw(st.integers(1, 3)), draw(st.integers(1, 140))
    C = draw(st.integers(1, 140)) if s == 1 else 16 * draw(st.integers(1, 8))
    return Problem(N, C, K, H, W, kernel, top, bottom, left, right, draw(st.integers(0, 2)), s)


def channels_last(shape, dtype=np.float32, fill=np.nan, extra=0):
    """A view with NCHW shape into a buffer that holds `extra` more channels on both sides."""
    N, C, H, W = shape
    buffer = np.full((N, H, W, C + 2 * extra), fill, dtype)
    return buffer.transpose(0, 3, 1, 2)[:, extra : extra + C]


def operands(problem, seed=0):
    rng = np.random.default_rng(seed)
    x = channels_last(problem.x_shape, extra=problem.extra)
    dy = channels_last(problem.y_shape, extra=problem.extra)
    for a in (x, dy):
        a[...] = rng.standard_normal(a.shape)
    w = rng.standard_normal(problem.w_shape).astype(np.float32)
    return x, dy, w, rng.standard_normal(problem.K).astype(np.float32)


def doubled(a):
    result = channels_last(a.shape, np.float64)
    result[...] = a
    return result


def run(problem, x, dy, w, b, activation=0):
    """y, dx and dw by Winograd, each written over NaN."""
    y = channels_last((len(x), *problem.y_shape[1:]), extra=problem.extra)
    dx = channels_last(x.shape, extra=problem.extra)
    dw = np.full(w.shape, np.nan, np.float32)
    winograd.forward(x, w, b, y, problem.window, activation)
    winograd.backward_input(dy, w, None, dx, problem.window)
    winograd.backward_weight(dy, x, dw, problem.window)
    return y, dx, dw


def expected(problem, x, dy, w, b, activation=0):
    x, dy, w = doubled(x), doubled(dy), w.astype(np.float64)
    b = None if b is None else b.astype(np.float64)
    y, dx, dw = channels_last(dy.shape, np.float64), channels_last(x.shape, np.float64), np.empty(w.shape)
    direct.direct.forward(x, w, b, y, problem.window, activation)
    direct.direct.backward_input(dy, w, None, dx, problem.window)
    direct.direct.backward_weight(dy, x, dw, problem.window)
    return y, dx, dw


def assert_close(problem, results, wanted):
    """Within BOUND of max |result|, or of its standard deviation where a few results happen to be small."""
    taps = problem.kernel**2
    terms = problem.C * taps, problem.K * taps, problem.N * problem.y_shape[2] * problem.y_shape[3]
    for name, a, b, count in zip(("y", "dx", "dw"), results, wanted, terms, strict=True):
        assert np.abs(a - b).max() <= BOUND * max(np.abs(b).max(), count**0.5), name


def assert_same_bits(results, wanted):
    for a, b in zip(results, wanted, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 1), st.booleans())
def test_equals_direct(problem, activation, with_bias):
    x, dy, w, b = operands(problem)
    b = b if with_bias else None
    assert_close(problem, run(problem, x, dy, w, b, activation), expected(problem, x, dy, w, b, activation))


@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("channels", [(1, 1), (3, 17), (16, 16), (64, 64), (65, 63), (95, 97), (200, 80)])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (7, 9), (30, 33)])
def test_tails(kernel, channels, size):
    problem = Problem(2, *channels, *size, kernel, 2, 2, 2, 2)
    arguments = operands(problem)
    assert_close(problem, run(problem, *arguments), expected(problem, *arguments))


@pytest.mark.parametrize("s", [2, 3])
@pytest.mark.parametrize("channels", [(16, 1), (16, 17), (32, 33), (80, 64), (112, 97)])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (10, 11), (29, 40)])
def test_tails_of_cells(s, channels, size):
    H, W = size
    problem = Problem(2, *channels, H, W, 2 * s, s, s + -H % s, s - 1, s + 1 + -W % s, s=s)
    arguments = operands(problem)
    assert_close(problem, run(problem, *arguments), expected(problem, *arguments))


def test_bias_and_relu_of_cells():
    """In the input gradient, which is the transposed convolution."""
    problem = Problem(2, 48, 40, 12, 10, 4, s=2)
    x, dy, w, _ = operands(problem)
    b = np.random.default_rng(1).standard_normal(problem.C).astype(np.float32)
    dx, plain = channels_last(x.shape), run(problem, x, dy, w, None)[1]
    winograd.backward_input(dy, w, b, dx, problem.window, 1)
    np.testing.assert_allclose(dx, np.maximum(plain + b[:, None, None], 0), rtol=0, atol=1e-6 * np.abs(plain).max())


@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("pad", [(0, 0, 0, 0), (3, 0, 0, 3), (0, 3, 3, 0), (7, 6, 9, 8)])
def test_padding_beyond_the_kernel(kernel, pad):
    problem = Problem(2, 20, 24, 11, 8, kernel, *pad)
    arguments = operands(problem)
    assert_close(problem, run(problem, *arguments), expected(problem, *arguments))


@pytest.mark.parametrize(
    "problem",
    [
        Problem(1, 128, 64, 60, 60, 3),
        Problem(1, 64, 64, 27, 31, 5),
        Problem(2, 512, 16, 14, 14, 3, extra=3),
        Problem(1, 512, 64, 41, 41, 2),
        Problem(1, 256, 512, 40, 40, 4, s=2),
    ],
)
def test_error_of_long_sums(problem):
    arguments = operands(problem)
    assert_close(problem, run(problem, *arguments), expected(problem, *arguments))


@settings(max_examples=30, deadline=None)
@given(problems())
def test_an_image_alone_has_the_same_bits(problem):
    x, dy, w, b = operands(problem)
    y, dx, _ = run(problem, x, dy, w, b)
    for n in range(problem.N):
        assert_same_bits(run(problem, x[n : n + 1], dy[n : n + 1], w, b)[:2], (y[n : n + 1], dx[n : n + 1]))


@pytest.mark.parametrize("N", [1, 40])
@pytest.mark.parametrize(("kernel", "s"), [(2, 1), (3, 1), (5, 1), (4, 2)])
def test_few_and_many_patches_have_the_same_bits(N, kernel, s):
    problem = Problem(N, 80, 150, 6 * s, 7 * s, kernel, s=s)
    x, dy, w, b = operands(problem)
    y, dx, _ = run(problem, x, dy, w, b)
    assert_same_bits(run(problem, x[-1:], dy[-1:], w, b)[:2], (y[-1:], dx[-1:]))


@pytest.mark.parametrize(
    "problem",
    [
        Problem(1, 70, 150, 6, 7, 3),
        Problem(3, 64, 64, 40, 40, 3),
        Problem(2, 130, 300, 9, 9, 5),
        Problem(3, 64, 100, 41, 41, 2),
        Problem(3, 80, 150, 40, 40, 4, s=2),
    ],
)
def test_threads_do_not_change_bits(problem, all_threads):
    arguments = operands(problem)
    all_threads(1)
    wanted = run(problem, *arguments)
    for threads in (2, 3, 4, 8):
        all_threads(threads)
        assert_same_bits(run(problem, *arguments), wanted)


@settings(max_examples=30, deadline=None)
@given(problems(), st.integers(0, 2))
def test_packed_weights_have_the_same_bits(problem, activation):
    x, dy, w, b = operands(problem)
    y, dx, _ = run(problem, x, dy, w, b, activation)
    s, inputs = problem.s, problem.s**2 * problem.C
    packed = np.full(winograd.packed_size(problem.K, inputs, s), np.nan, np.float32)
    rotated = np.full(winograd.packed_size(inputs, problem.K, s), np.nan, np.float32)
    winograd.pack(w, packed, s)
    winograd.pack_rotated(w, rotated, s)
    y2, dx2 = channels_last(y.shape), channels_last(dx.shape)
    winograd.forward_packed(x, packed, b, y2, problem.window, activation, problem.kernel)
    winograd.backward_input_packed(dy, rotated, None, dx2, problem.window, 0, problem.kernel)
    assert_same_bits((y2, dx2), (y, dx))


def test_weights_of_any_strides():
    problem = Problem(1, 40, 50, 9, 9, 3)
    x, dy, w, b = operands(problem)
    wanted = run(problem, x, dy, w, b)
    for order in ((2, 3, 1, 0), (1, 0, 3, 2)):
        turned = np.ascontiguousarray(w.transpose(order)).transpose(np.argsort(order))
        dw = np.full([w.shape[axis] for axis in order], np.nan, np.float32).transpose(np.argsort(order))
        winograd.backward_weight(dy, x, dw, problem.window)
        assert_same_bits((*run(problem, x, dy, turned, b)[:2], dw), wanted)
    flipped = np.ascontiguousarray(w[::-1, :, ::-1, ::-1])[::-1, :, ::-1, ::-1]
    assert_same_bits(run(problem, x, dy, flipped, b), wanted)


@pytest.mark.parametrize("shape", [(), (50, 1, 1, 1), (1, 40, 1, 1), (1, 1, 3, 3), (1, 1, 1, 3), (1, 1, 3, 1)])
def test_broadcast_weights(shape):
    problem = Problem(1, 40, 50, 9, 9, 3)
    x, dy, w, b = operands(problem)
    w = np.broadcast_to(np.random.default_rng(1).standard_normal(shape, np.float32), w.shape)
    packed = np.empty(winograd.packed_size(problem.K, problem.C), np.float32)
    y, y2 = channels_last(problem.y_shape), channels_last(problem.y_shape)
    dx, dx2 = channels_last(x.shape), channels_last(x.shape)
    winograd.forward(x, w, b, y, problem.window)
    winograd.backward_input(dy, w, None, dx, problem.window)
    winograd.pack(w.copy(), packed)
    winograd.forward_packed(x, packed, b, y2, problem.window, 0, 3)
    winograd.backward_input(dy, w.copy(), None, dx2, problem.window)
    assert_same_bits((y, dx), (y2, dx2))


def test_neighbouring_channels_are_left_alone():
    problem = Problem(2, 19, 21, 9, 10, 3, extra=2)
    x, dy, w, b = operands(problem)
    y, dx, _ = run(problem, x, dy, w, b)
    for a in (y, dx):
        assert np.isnan(a.base).sum() == a.base.size - a.size


def test_a_nan_stays_in_its_patch():
    problem = Problem(2, 32, 32, 16, 16, 3)
    x, dy, w, b = operands(problem)
    y = run(problem, x, dy, w, b, activation=1)[0]
    x[1, 3, 0, 0] = np.nan
    spoilt = run(problem, x, dy, w, b, activation=1)[0]
    assert np.isnan(spoilt[1, :, :2, :2]).all()
    assert_same_bits([spoilt[0], spoilt[1, :, 4:], spoilt[1, :, :, 4:]], [y[0], y[1, :, 4:], y[1, :, :, 4:]])


def test_empty_batch():
    problem = Problem(0, 8, 8, 5, 5, 3)
    y, dx, dw = run(problem, *operands(problem))
    assert y.shape == problem.y_shape
    assert dx.shape == problem.x_shape
    assert not dw.any()


# Small patches: F(2x2, 3x3), for packed weights alone.


@st.composite
def small_problems(draw):
    (H, top, bottom), (W, left, right) = draw(sides(3, 1)), draw(sides(3, 1))
    N, C, K = draw(st.integers(1, 3)), draw(st.integers(1, 140)), draw(st.integers(1, 140))
    return Problem(N, C, K, H, W, 3, top, bottom, left, right, draw(st.integers(0, 2)))


def run_small(problem, x, dy, w, b, residual=None, activation=0):
    """y and dx."""
    packed = np.full(winograd.packed_size(problem.K, problem.C, 1, 4), np.nan, np.float32)
    rotated = np.full(winograd.packed_size(problem.C, problem.K, 1, 4), np.nan, np.float32)
    winograd.pack(w, packed, 1, 4)
    winograd.pack_rotated(w, rotated, 1, 4)
    y, dx = channels_last((len(x), *problem.y_shape[1:]), extra=problem.extra), channels_last(x.shape)
    winograd.forward_packed(x, packed, b, y, problem.window, activation, 3, 4, residual)
    winograd.backward_input_packed(dy, rotated, None, dx, problem.window, 0, 3, 4)
    return y, dx


@settings(max_examples=60, deadline=None)
@given(small_problems(), st.integers(0, 2))
def test_small_patches_equal_direct(problem, activation):
    x, dy, w, b = operands(problem)
    exact = expected(problem, x, dy, w, b, activation)[:2]
    assert_close(problem, (*run_small(problem, x, dy, w, b, None, activation), 0), (*exact, np.zeros(1)))
    residual = doubled(dy).astype(np.float32)
    plain = run_small(problem, x, dy, w, b)[0]
    np.testing.assert_allclose(
        run_small(problem, x, dy, w, b, residual)[0], plain + residual, rtol=0, atol=1e-5 * np.abs(plain).max()
    )


@settings(max_examples=20, deadline=None)
@given(small_problems())
def test_small_patches_of_an_image_alone_have_the_same_bits(problem):
    x, dy, w, b = operands(problem)
    y, dx = run_small(problem, x, dy, w, b)
    for n in range(problem.N):
        assert_same_bits(run_small(problem, x[n : n + 1], dy[n : n + 1], w, b), (y[n : n + 1], dx[n : n + 1]))


@pytest.mark.parametrize("problem", [Problem(1, 70, 150, 6, 7, 3), Problem(3, 64, 64, 40, 40, 3)])
def test_threads_do_not_change_bits_of_small_patches(problem, all_threads):
    arguments = operands(problem)
    all_threads(1)
    wanted = run_small(problem, *arguments)
    for threads in (2, 3, 8):
        all_threads(threads)
        assert_same_bits(run_small(problem, *arguments), wanted)
