"""Convolution of signals against loops in float64, as the adjoints of each other, and bit for bit that of images."""

import inputs
import numpy as np
import pytest

import fastconv
from fastconv import ops

CASES = {  # x (C, L), weight (K, C / groups, k), options
    "plain": ((3, 11), (4, 3, 3), {}),
    "one channel": ((1, 5), (1, 1, 5), {}),
    "padded on one side": ((3, 11), (4, 3, 4), {"padding": (0, 3)}),
    "same": ((3, 11), (2, 3, 4), {"padding": "same", "stride": 3}),
    "full": ((2, 6), (3, 2, 3), {"padding": "full", "dilation": 2}),
    "strided and dilated": ((2, 20), (3, 2, 3), {"stride": 2, "dilation": 4, "padding": 1}),
    "groups": ((6, 9), (4, 3, 2), {"groups": 2}),
    "one filter per channel": ((20, 9), (20, 1, 3), {"groups": 20, "padding": 1}),
    "wide": ((33, 40), (70, 33, 3), {"padding": 1}),
    "long": ((2, 2000), (2, 2, 41), {"stride": 5}),
}
every_case = pytest.mark.parametrize("case", CASES)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
MEMORY = {
    "plain": np.array,
    "channels last": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "gaps": inputs.every_second,
    "backwards": inputs.negative,
    "read-only": inputs.readonly,
    "misaligned": inputs.misaligned,
}


def ends(padding, size, k, stride, dilation):
    """(left, right), written out."""
    reach = dilation * (k - 1)
    if padding == "same":
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        return total // 2, total - total // 2
    if padding == "full":
        return reach, reach
    return padding if isinstance(padding, tuple) else (padding, padding)


def textbook(x, weight, bias, stride=1, padding=0, dilation=1, groups=1):
    """y[n,k,i] = bias[k] + sum over c, r of x[n, c, i stride - left + r dilation] weight[k,c,r], value by value."""
    (N, _, L), (K, c, k) = x.shape, weight.shape
    left, right = ends(padding, L, k, stride, dilation)
    x = np.pad(x.astype("float64"), ((0, 0), (0, 0), (left, right)))
    length = (x.shape[2] - dilation * (k - 1) - 1) // stride + 1
    y = np.zeros((N, K, length))
    for f in range(K):
        first = f // (K // groups) * c
        for i in range(length):
            window = x[:, first : first + c, i * stride : i * stride + dilation * (k - 1) + 1 : dilation]
            y[:, f, i] = (window * weight[f].astype("float64")).sum((1, 2)) + bias[f]
    return y


def drawn(case, dtype, n=3, seed=0):
    x_shape, w_shape, options = CASES[case]
    rng = np.random.default_rng(seed)
    arrays = (rng.standard_normal(shape).astype(dtype) for shape in ((n, *x_shape), w_shape, w_shape[:1]))
    return *arrays, options


@every_case
@every_dtype
def test_values_are_those_of_loops(case, dtype):
    x, weight, bias, options = drawn(case, dtype)
    expected = textbook(x, weight, bias, **options)
    y = fastconv.conv1d(x, weight, bias, **options)
    assert y.dtype == dtype
    assert y.flags.c_contiguous
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-5 if dtype == "float32" else 1e-12)
    np.testing.assert_array_equal(fastconv.conv1d(x[1], weight, bias, **options), y[1])
    fused = fastconv.conv1d(x, weight, bias, **options, activation="relu", residual=-y)
    np.testing.assert_array_equal(fused, np.zeros_like(y))


@every_case
def test_gradients_are_adjoints(case):
    """<conv(x, w), dy> = <x, dx> = <w, dw>, and db are the sums."""
    x, weight, _, options = drawn(case, "float64")
    y = fastconv.conv1d(x, weight, **options)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx = fastconv.conv1d_backward_input(dy, weight, x.shape, **options)
    dw = fastconv.conv1d_backward_weight(dy, x, weight.shape, **options)
    assert (dx.shape, dw.shape) == (x.shape, weight.shape)
    assert np.vdot(x, dx) == pytest.approx(np.vdot(y, dy), rel=1e-9, abs=1e-9)
    assert np.vdot(weight, dw) == pytest.approx(np.vdot(y, dy), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(fastconv.conv1d_backward_bias(dy), dy.sum((0, 2)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2, "output_padding": 1}, {"stride": 3, "padding": (1, 2)}, {"padding": "multiple", "stride": 2},
     {"dilation": 2, "groups": 2}],
    ids=str,
)  # fmt: skip
def test_the_transposed_one_is_the_adjoint_of_the_convolution(options):
    """<conv_transpose(x, w), z> = <x, conv(z, w)>, and its own gradients alike."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 4, 7)), rng.standard_normal((4, 3, 4))
    y = fastconv.conv_transpose1d(x, weight, **options)
    dy = rng.standard_normal(y.shape)
    dx = fastconv.conv_transpose1d_backward_input(dy, weight, x.shape, **options)
    dw = fastconv.conv_transpose1d_backward_weight(dy, x, weight.shape, **options)
    assert np.vdot(x, dx) == pytest.approx(np.vdot(y, dy), rel=1e-10)
    assert np.vdot(weight, dw) == pytest.approx(np.vdot(y, dy), rel=1e-10)
    np.testing.assert_allclose(fastconv.conv_transpose1d_backward_bias(dy), dy.sum((0, 2)), rtol=1e-12)
    if options.get("padding") != "multiple":
        same = {name: value for name, value in options.items() if name != "output_padding"}
        np.testing.assert_allclose(fastconv.conv1d(dy, weight, **same), dx, rtol=1e-12)


def test_the_transposed_one_by_hand():
    y = fastconv.conv_transpose1d(np.array([[1.0, 2.0]]), np.array([[[1.0, 10.0, 100.0]]]), np.array([0.5]), stride=2)
    np.testing.assert_array_equal(y, [[1.5, 10.5, 102.5, 20.5, 200.5]])


@every_case
def test_bits_are_those_of_images_of_one_row(case):
    x, weight, bias, options = drawn(case, "float32")
    step, dilation = (1, options.get("stride", 1)), (1, options.get("dilation", 1))
    left_right = ends(options.get("padding", 0), x.shape[2], weight.shape[2], step[1], dilation[1])
    numbers = {
        "stride": step,
        "dilation": dilation,
        "padding": ((0, 0), left_right),
        "groups": options.get("groups", 1),
    }
    image, kernel = x[:, :, None].copy(), weight[:, :, None].copy()
    y = fastconv.conv2d(image, kernel, bias, **numbers)
    np.testing.assert_array_equal(fastconv.conv1d(x, weight, bias, **options), y[:, :, 0])
    dx = fastconv.conv2d_backward_input(y, kernel, image.shape, **numbers)
    np.testing.assert_array_equal(fastconv.conv1d_backward_input(y[:, :, 0], weight, x.shape, **options), dx[:, :, 0])


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("case", ["plain", "wide"])
def test_any_memory(case, memory):
    x, weight, bias, options = drawn(case, "float32")
    expected = fastconv.conv1d(x, weight, bias, **options)
    for _ in range(3):  # the third call follows the plan of the second
        y = fastconv.conv1d(MEMORY[memory](x), MEMORY[memory](weight), bias, **options)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
    out = MEMORY["gaps"](np.full_like(expected, np.nan))
    assert fastconv.conv1d(x, weight, bias, **options, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_channels_last_memory_stays():
    x, weight, _, options = drawn("wide", "float32")
    y = fastconv.conv1d(MEMORY["channels last"](x), weight, **options)
    assert y.strides[1] == y.itemsize


def test_an_empty_batch():
    weight = np.ones((4, 3, 2))
    assert fastconv.conv1d(np.ones((0, 3, 5)), weight).shape == (0, 4, 4)
    np.testing.assert_array_equal(fastconv.conv1d_backward_weight(np.ones((0, 4, 4)), np.ones((0, 3, 5)), (4, 3, 2)), 0)


@pytest.mark.usefixtures("all_threads")
def test_any_number_of_threads_and_any_batch():
    x, weight, bias, options = drawn("wide", "float32", n=5)
    results = []
    for threads in (1, 2, 4):
        fastconv.set_num_threads(threads)
        y = fastconv.conv1d(x, weight, bias, **options)
        gradients = fastconv.conv1d_backward_weight(y, x, weight.shape, **options)
        results.append((y.tobytes(), gradients.tobytes()))
        assert fastconv.conv1d(x[2:3], weight, bias, **options).tobytes() == y[2:3].tobytes()
    assert len(set(results)) == 1


X, W = np.ones((2, 3, 8)), np.ones((4, 3, 3))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ops.conv1d(X[..., None], W), r"x must have 2 or 3 dimensions, got 4: shape \(2, 3, 8, 1\)"),
        (lambda: ops.conv1d(X[..., None, None], W), r"3-D images \(N, C, D, H, W\) are not supported: there are \(N, "),
        (lambda: ops.conv1d(X, W[..., None]), "weight must have 3 dimensions, got 4"),
        (lambda: ops.conv1d(X, W[:, :2]), r"weight must have shape \(K, C / groups, k\), got signals \(2, 3, 8\), wei"),
        (lambda: ops.conv1d(X, np.ones((4, 3, 9))), r"a length of 9, the signal's is 8 \(8 and padding \(0, 0\)\)"),
        (lambda: ops.conv1d(X, W, padding=(0, 2), dilation=9), r"the signal's is 10 \(8 and padding \(0, 2\)\)"),
        (lambda: ops.conv1d(X, W, np.ones(3)), r"bias must have shape \(4,\)"),
        (lambda: ops.conv1d(X, W, stride=0), "stride must be >= 1, got 0"),
        (lambda: ops.conv1d(X, W, stride=(1, 2)), r"stride must be an integer, got \(1, 2\)"),
        (lambda: ops.conv1d(X, W, dilation=2**31), r"dilation must be below 2\*\*31, got 2147483648"),
        (lambda: ops.conv1d(X, W, padding=-1), "padding must be >= 0, got -1"),
        (lambda: ops.conv1d(X, W, padding=(1, 2, 3)), r"padding must be an integer, a pair \(left, right\), 'valid'"),
        (
            lambda: ops.conv1d(X, W, padding="reflect"),
            r"x = numpy.pad\(x, \(\(0, 0\), \(0, 0\), \(1, 1\)\), mode",
        ),
        (lambda: ops.conv1d(X, W, groups=2), r"groups must divide the channels of the signals and the filters of wei"),
        (lambda: ops.conv1d(X, W, 1, 1), r"write conv1d\(x, weight, stride=1, padding=1\)"),
        (lambda: ops.conv1d(X, W, out=np.ones((2, 4, 7))), r"out must have shape \(2, 4, 6\).* got \(2, 4, 7\)"),
        (lambda: ops.conv1d(X, W, out=np.array(1.0)), r"out must have shape \(2, 4, 6\).* got \(\)"),
        (lambda: ops.conv1d(X, W, out=[1.0]), "out must be a numpy.ndarray, got a list"),
        (lambda: ops.conv1d(X, W, out=X), r"out must have shape|out must not overlap"),
        (lambda: ops.conv1d(X, W, residual=np.ones((2, 4, 7))), r"residual must have shape \(2, 4, 6\)"),
        (lambda: ops.conv1d(X, W.astype("float32")), "x and weight must have the same dtype"),
        (lambda: ops.conv1d(X.astype(int), W), "x must be float32 or float64, got int64"),
        (lambda: ops.conv1d(None, W), "x must be an array, got None"),
        (lambda: ops.conv1d_backward_input(X, W, (3, 8)), r"input_shape must be 3 integers >= 0, got \(3, 8\)"),
        (lambda: ops.conv1d_backward_input(X, W, (2, 3, 8)), r"dy must have shape \(2, 4, 6\) \(the output of conv1d"),
        (lambda: ops.conv1d_backward_weight(X, X, (3, 3, 1, 1)), "weight_shape must be 3 integers >= 0"),
        (
            lambda: ops.conv_transpose1d(X, W[:3], output_padding=1),
            "output_padding must be .* got 1 with stride 1",
        ),
        (lambda: ops.conv_transpose1d(X, W), r"weight must have shape \(C, K / groups, k\) with C the channels of x"),
        (lambda: ops.conv_transpose1d(X, W[:3], padding=9), "leaves no output along the length"),
        (lambda: ops.conv_transpose1d(X, W[:3], padding="same"), "'multiple' makes the result stride times as large"),
    ],
)
def test_errors_are_in_the_words_of_signals(call, says):
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        call()
    assert "image" not in str(caught.value).replace("3-D images", "")
    assert "2d" not in str(caught.value)
