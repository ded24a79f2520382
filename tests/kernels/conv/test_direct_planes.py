"""1x1 kernels of the direct path on planar memory: all tails, small planes that share vectors, any strides."""

import numpy as np
import pytest
from inputs import DTYPES

import fastconv
from fastconv import kernels

# N, C, K, H, W, stride, groups
CASES = {
    "whole vectors": (2, 16, 12, 8, 16, 1, 1),
    "small planes that share a panel": (5, 20, 33, 3, 5, 1, 1),
    "a panel that ends inside an image": (3, 7, 9, 9, 11, 1, 1),
    "fewer filters than a tile": (2, 9, 3, 5, 6, 1, 1),
    "one filter": (2, 30, 1, 6, 6, 1, 1),
    "one channel": (2, 1, 30, 6, 6, 1, 1),
    "more channels than filters, several parts": (9, 70, 40, 13, 14, 1, 1),
    "more filters than channels, several parts": (9, 40, 70, 13, 14, 1, 1),
    "sets of many filters": (1, 65, 530, 2, 3, 1, 1),
    "the gradient of the weight written in place": (2, 1040, 24, 4, 5, 1, 1),
    "groups": (2, 36, 60, 7, 6, 1, 4),
    "every second pixel": (3, 20, 30, 9, 10, 2, 1),
    "every second pixel, more channels than filters": (3, 30, 20, 9, 10, 2, 1),
    "every second pixel, groups": (2, 24, 36, 8, 7, 2, 3),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def problem(case, dtype):
    """Whole numbers: x, w, b, dy."""
    N, C, K, H, W, s, groups = case
    rng = np.random.default_rng(1)
    shapes = (N, C, H, W), (K, C // groups, 1, 1), (K,), (N, K, -(-H // s), -(-W // s))
    return [rng.integers(-3, 4, shape).astype(dtype) for shape in shapes]


def split(a, groups):
    return a.astype(np.float64).reshape(len(a), groups, -1, *a.shape[2:])


def expected(case, x, w, b, dy):
    """y, dx (where the stride is 1) and dw: products of matrices in float64."""
    s, groups = case[5:]
    x, dy = split(x[:, :, ::s, ::s], groups), split(dy, groups)
    w = w.astype(np.float64).reshape(groups, -1, w.shape[1])
    y = np.einsum("gkc,ngchw->ngkhw", w, x).reshape(len(x), -1, *x.shape[3:]) + b[:, None, None]
    dx = np.einsum("gkc,ngkhw->ngchw", w, dy).reshape(len(x), -1, *x.shape[3:])
    dw = np.einsum("ngkhw,ngchw->gkc", dy, x).reshape(-1, w.shape[2], 1, 1)
    return y, dx, dw


def spread(a):
    """The same values, no two of which are neighbours in memory."""
    wide = np.zeros((*a.shape[:2], a.shape[2] + 1, 3 * a.shape[3]), a.dtype)
    view = wide[:, :, 1:, ::3]
    view[...] = a
    return view


def same(a):
    return a


@every_case
@every_dtype
@pytest.mark.parametrize("place", [same, spread])
def test_whole_numbers_are_exact(case, dtype, place):
    x, w, b, dy = problem(case, dtype)
    y, dx, dw = expected(case, x, w, b, dy)
    s, groups = case[5:]
    direct, window = kernels.load(dtype).conv.direct, (s, s, 1, 1, 0, 0, groups)
    result = place(np.full(y.shape, np.nan, dtype))
    direct.forward_planes(place(x), w, b, result, window, 1)
    np.testing.assert_array_equal(result, np.maximum(y, 0))
    if s == 1:
        result = place(np.full(dx.shape, np.nan, dtype))
        direct.backward_input_planes(place(dy), w, None, result, window)
        np.testing.assert_array_equal(result, dx)
    for order in ("C", "F"):
        result = np.full(dw.shape, np.nan, dtype, order)
        direct.backward_weight_planes(dy, np.ascontiguousarray(x[:, :, ::s, ::s]), result, window)
        np.testing.assert_array_equal(result, dw, err_msg=order)


@every_case
@every_dtype
def test_the_ops_agree_for_any_strides_of_the_images(case, dtype):
    x, w, b, dy = problem(case, dtype)
    y, dx, dw = expected(case, x, w, b, dy)
    s, groups = case[5:]
    for place in (same, spread):
        np.testing.assert_array_equal(fastconv.conv2d(place(x), w, b, stride=s, groups=groups), y)
        gradient = fastconv.conv2d_backward_weight(place(dy), place(x), w.shape, stride=s, groups=groups)
        np.testing.assert_array_equal(gradient, dw)
        if s == 1:
            np.testing.assert_array_equal(fastconv.conv2d_backward_input(place(dy), w, x.shape, groups=groups), dx)


@every_case
@every_dtype
def test_results_have_the_bits_of_channels_last_memory(case, dtype):
    s, groups = case[5:]
    rng = np.random.default_rng(2)
    x, w, b, dy = (rng.standard_normal(a.shape).astype(dtype) for a in problem(case, dtype))
    before = [fastconv.use_path(name, False) for name in ("planar", "depthwise")]
    results = []
    try:
        for on in (True, False):
            was = fastconv.use_path("pointwise", on)
            y = fastconv.conv2d(x, w, b, stride=s, groups=groups, activation="relu")
            dx = fastconv.conv2d_backward_input(dy, w, x.shape, stride=s, groups=groups)
            results.append((y, dx))
            fastconv.use_path("pointwise", was)
    finally:
        for name, enabled in zip(("planar", "depthwise"), before, strict=True):
            fastconv.use_path(name, enabled)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@every_dtype
def test_a_large_result_has_the_same_bits_on_any_address(dtype):
    """Stored around the caches where its memory allows."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((2, 5, 128, 128)).astype(dtype), rng.standard_normal((60, 5, 1, 1)).astype(dtype)
    raw = np.full(2 * 60 * 128 * 128 + 64, np.nan, dtype)
    start = -raw.ctypes.data % 64 // raw.itemsize
    results = []
    for offset in (0, 1):
        y = raw[start + offset : start + offset + 2 * 60 * 128 * 128].reshape(2, 60, 128, 128)
        fastconv.conv2d(x, w, out=y)
        results.append(y.copy())
    assert results[0].size > 3 * 2**19
    np.testing.assert_array_equal(*results)
    np.testing.assert_array_equal(results[0][:, :, :9], fastconv.conv2d(x[:, :, :9], w))
