"""Pooling of signals: windows written out in NumPy, gradients by hand and as adjoints, bits of images, errors."""

import numpy as np
import pytest

import fastconv
from fastconv import ops

WINDOWS = [  # kernel, stride, (left, right), ceil_mode
    (2, None, (0, 0), False),
    (3, 2, (1, 1), False),
    (3, 2, (0, 1), True),
    (4, 3, (2, 0), False),
    (1, 2, (0, 0), False),
    (5, 4, (1, 2), True),
]
every_window = pytest.mark.parametrize("window", WINDOWS, ids=str)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def places(L, kernel, stride, padding, ceil_mode, dilation=1):
    """The places that each window holds, and how many of its places lie in the padded signal."""
    stride, (left, right) = stride or kernel, padding
    room = L + left + right - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    while (count - 1) * stride >= L + left:
        count -= 1
    for i in range(count):
        start = i * stride - left
        held = [start + r * dilation for r in range(kernel)]
        yield [j for j in held if 0 <= j < L], sum(j < L + right for j in held)


def signals(dtype="float64", shape=(2, 3, 13), seed=0):
    return np.random.default_rng(seed).permutation(np.prod(shape)).reshape(shape).astype(dtype) - 40


@every_window
@every_dtype
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_largest_of_each_window(window, dtype, dilation):
    kernel, stride, padding, ceil_mode = window
    options = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x = signals(dtype)
    held = [inside for inside, _ in places(13, *window, dilation)]
    y, indices = fastconv.max_pool1d(x, kernel, stride, **options, return_indices=True)
    expected = np.stack([np.array(inside)[x[..., inside].argmax(-1)] for inside in held], axis=-1)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(y, np.take_along_axis(x, expected, -1))
    np.testing.assert_array_equal(fastconv.max_pool1d(x[1], kernel, stride, **options), y[1])
    dy, dx = np.arange(y.size, dtype=dtype).reshape(y.shape) + 1, np.zeros_like(x)
    for n, c, i in np.ndindex(y.shape):
        dx[n, c, expected[n, c, i]] += dy[n, c, i]
    for known in ({}, {"indices": indices}):
        np.testing.assert_array_equal(fastconv.max_pool1d_backward(dy, x, kernel, stride, **options, **known), dx)


@every_window
@every_dtype
@pytest.mark.parametrize("counts", [True, False])
def test_the_mean_of_each_window(window, dtype, counts):
    kernel, stride, padding, ceil_mode = window
    options = {"padding": padding, "ceil_mode": ceil_mode, "count_include_pad": counts}
    x = signals(dtype)
    held = [*places(13, *window)]
    divisors = [padded if counts else len(inside) for inside, padded in held]
    means = [x[..., inside].astype("float64").sum(-1) / m for (inside, _), m in zip(held, divisors, strict=True)]
    y = fastconv.avg_pool1d(x, kernel, stride, **options)
    np.testing.assert_allclose(y, np.stack(means, -1), rtol=1e-6 if dtype == "float32" else 1e-14)
    dy, dx = np.random.default_rng(1).standard_normal(y.shape).astype(dtype), np.zeros(x.shape)
    for i, (inside, _) in enumerate(held):
        dx[..., inside] += dy[..., i : i + 1] / divisors[i]
    found = fastconv.avg_pool1d_backward(dy, x.shape, kernel, stride, **options)
    np.testing.assert_allclose(found, dx, rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)
    fixed = fastconv.avg_pool1d(x, kernel, stride, padding, ceil_mode, divisor_override=7)
    np.testing.assert_allclose(fixed, y * np.array(divisors) / 7, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 4, 13, 20])
def test_pooling_to_a_length(length):
    x = signals()
    cuts = [slice(i * 13 // length, -(-(i + 1) * 13 // length)) for i in range(length)]
    y = fastconv.adaptive_avg_pool1d(x, length)
    np.testing.assert_allclose(y, np.stack([x[..., cut].mean(-1) for cut in cuts], -1), rtol=1e-14)
    largest, indices = fastconv.adaptive_max_pool1d(x, length, return_indices=True)
    np.testing.assert_array_equal(largest, np.stack([x[..., cut].max(-1) for cut in cuts], -1))
    np.testing.assert_array_equal(np.take_along_axis(x, indices, -1), largest)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, dx_max = np.zeros(x.shape), np.zeros(x.shape)
    for i, cut in enumerate(cuts):
        dx[..., cut] += dy[..., i : i + 1] / x[..., cut].shape[-1]
    for n, c, i in np.ndindex(y.shape):
        dx_max[n, c, indices[n, c, i]] += dy[n, c, i]
    np.testing.assert_allclose(fastconv.adaptive_avg_pool1d_backward(dy, x.shape), dx, atol=1e-14)
    np.testing.assert_allclose(fastconv.adaptive_max_pool1d_backward(dy, x), dx_max, atol=1e-14)
    np.testing.assert_allclose(fastconv.adaptive_max_pool1d_backward(dy, x, indices=indices), dx_max, atol=1e-14)
    assert fastconv.adaptive_avg_pool1d(x, None).shape == x.shape


def test_pooling_over_whole_signals():
    x = signals()
    np.testing.assert_allclose(fastconv.global_avg_pool1d(x), x.mean(-1, keepdims=True), rtol=1e-14)
    y, indices = fastconv.global_max_pool1d(x, return_indices=True)
    np.testing.assert_array_equal(y[..., 0], x.max(-1))
    np.testing.assert_array_equal(indices[..., 0], x.argmax(-1))
    dy = np.random.default_rng(1).standard_normal(y.shape)
    np.testing.assert_allclose(fastconv.global_avg_pool1d_backward(dy, x.shape), np.repeat(dy / 13, 13, -1), rtol=1e-14)
    expected = np.zeros(x.shape)
    np.put_along_axis(expected, indices, dy, -1)
    np.testing.assert_array_equal(fastconv.global_max_pool1d_backward(dy, x), expected)
    np.testing.assert_array_equal(fastconv.global_max_pool1d_backward(dy[0], x[0], indices=indices[0]), expected[0])


def test_nan_in_a_window_gives_nan():
    x = np.array([[1.0, np.nan, 3.0, 4.0]])
    np.testing.assert_array_equal(fastconv.max_pool1d(x, 2), [[np.nan, 4.0]])
    np.testing.assert_array_equal(fastconv.global_max_pool1d(x), [[np.nan]])


def test_into_a_given_array_of_any_memory():
    x = signals()
    for function in (fastconv.max_pool1d, fastconv.avg_pool1d, fastconv.adaptive_avg_pool1d):
        y = function(x, 4)
        out = np.full((2, 3, 2 * y.shape[2]), np.nan)[:, :, ::2]
        for _ in range(3):
            assert function(x, 4, out=out) is out
        np.testing.assert_array_equal(out, y)


X = np.ones((2, 3, 8))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ops.max_pool1d(X, 9), r"the window's length is 9, the signal's 8 \(8 and padding \(0, 0\)\)"),
        (
            lambda: ops.max_pool1d(X, 2, padding=2),
            r"padding must be below the effective kernel, .*\(kernel_size 2, ",
        ),
        (lambda: ops.max_pool1d(X, (2, 2)), r"kernel_size must be an integer, got \(2, 2\)"),
        (
            lambda: ops.max_pool1d(X, 2, 2, 1, 9),
            "a window must reach the signal, .* along the length of 8 .*ing 1",
        ),
        (lambda: ops.max_pool1d_backward(X, X, 2), r"dy must have shape \(2, 3, 4\) \(the output of max_pool1d for th"),
        (
            lambda: ops.max_pool1d_backward(X[..., :4], X, 2, indices=np.full((2, 3, 4), 9)),
            r"indices must be in \[0, 8\), in the signal of length 8 and in its window, got 9 at \(0, 0, 0\)",
        ),
        (
            lambda: ops.max_pool1d_backward(X[..., :4], X, 2, indices=X[..., :4]),
            "indices must be int64, got float64; use what max_pool1d returned",
        ),
        (lambda: ops.avg_pool1d(X, 2, divisor_override=0), "divisor_override must not be 0"),
        (
            lambda: ops.avg_pool1d_backward(X, (2, 3, 8), 2),
            r"dy must have shape \(2, 3, 4\) \(the output of avg_poo",
        ),
        (lambda: ops.adaptive_avg_pool1d(X, 0), "output_size must be >= 1, got 0"),
        (lambda: ops.adaptive_avg_pool1d(X, (2, 2)), r"output_size must be an integer, got \(2, 2\)"),
        (lambda: ops.adaptive_avg_pool1d(X[..., :0], 2), r"x must have L of at least 1, got shape \(2, 3, 0\)"),
        (lambda: ops.global_avg_pool1d(X[..., None]), r"x must have 2 or 3 dimensions, got 4"),
        (lambda: ops.global_avg_pool1d_backward(X, (2, 3, 8)), r"dy must have shape \(N, C, 1\), the output of global"),
    ],
)
def test_errors_are_in_the_words_of_signals(call, says):
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        call()
    assert "image" not in str(caught.value)
    assert "2d" not in str(caught.value)
