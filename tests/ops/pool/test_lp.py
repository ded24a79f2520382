"""L_p pooling against loops, and values whose powers overflow or vanish."""

import inputs
import numpy as np
import pool_reference as reference
import pytest
from pool_cases import (
    PADLESS,
    data,
    every_dtype,
    every_layout,
    nan_like,
    pooling_of,
)

import fastconv


@every_dtype
@every_layout
@pytest.mark.parametrize("p", [2, 1, 3, 2.5, 0.5])
@pytest.mark.parametrize("case", PADLESS, ids=str)
def test_lp_pool(case, p, layout, dtype):
    x, dy = data(case, dtype, inputs.real)
    window = (case[1], case[2], case[5])
    eps = np.finfo(dtype).eps
    y = reference.lp_pool(x, pooling_of(case), p)
    out = nan_like(y.shape, dtype, layout)
    np.testing.assert_allclose(fastconv.lp_pool2d(layout(x), p, *window, out=out), y, rtol=32 * eps)
    dx = reference.lp_pool_backward(dy, x, pooling_of(case), p)
    for known in (None, layout(y.astype(dtype))):
        out = nan_like(dx.shape, dtype, layout)
        fastconv.lp_pool2d_backward(layout(dy), layout(x), p, *window, y=known, out=out)
        np.testing.assert_allclose(out, dx, rtol=100 * eps, atol=100 * eps)


@every_dtype
def test_l2_of_whole_numbers_is_exact(dtype):
    x = inputs.whole(np.random.default_rng(0), (2, 19, 6, 8), dtype)
    y = reference.lp_pool(x, reference.Pooling((6, 8), 2)).astype(dtype)
    np.testing.assert_array_equal(fastconv.lp_pool2d(x, kernel_size=2), y)
    np.testing.assert_array_equal(fastconv.lp_pool2d(inputs.channels_last(x), 2.0, 2), y)


@every_dtype
@every_layout
@pytest.mark.parametrize("p", [2, 3])
@pytest.mark.parametrize("scale", [1e20, 1e-30, 3e-39, 0.0])
def test_lp_neither_overflows_nor_vanishes(scale, p, layout, dtype):
    if dtype == "float64":
        scale = {1e20: 1e300, 1e-30: 1e-300, 3e-39: 5e-310}.get(scale, 0.0)
    sample = inputs.real(np.random.default_rng(13), (2, 19, 6, 36)) * scale
    sample[:, :, :2, ::3] = 0
    sample[:, 1] = inputs.real(np.random.default_rng(14), (2, 6, 36))  # lanes beside it stay ordinary
    x = layout(sample.astype(dtype))
    tiny = np.finfo(dtype).smallest_subnormal
    near = 16 * np.finfo(dtype).eps
    y = fastconv.lp_pool2d(x, p, 2)
    expected = reference.lp_pool(x, reference.Pooling((6, 36), 2), p)
    np.testing.assert_allclose(y, expected, rtol=near, atol=4 * tiny)
    dx = fastconv.lp_pool2d_backward(np.ones_like(y), x, p, 2)
    assert np.isfinite(dx).all()
    assert (dx[x == 0] == 0).all()
    assert np.abs(dx).max() <= 1 + near


def test_lp_of_infinities():
    x = np.array([[[np.inf, 1.0, -np.inf, np.nan]]], "float32")
    np.testing.assert_array_equal(fastconv.lp_pool2d(x, 2, (1, 2)), np.array([[[np.inf, np.nan]]], "float32"))


@every_dtype
@every_layout
@pytest.mark.parametrize("columns", [2, 6, 16, 18, 33, 70])
def test_l2_of_squares_side_by_side(columns, layout, dtype):
    """Sizes around whole vectors, and a few squares whose sums overflow, vanish, are 0 or hold a NaN."""
    rng = np.random.default_rng(columns)
    x = rng.standard_normal((3, 5, 14, columns)).astype(dtype)
    large = 1e30 if dtype == "float32" else 1e300
    for value in (large, 1 / large, 0, np.nan, np.inf):
        for n, c, h, w in rng.integers(0, (3, 5, 7, columns // 2), (4, 4)):
            x[n, c, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2] = value * (1 + rng.random((2, 2))) if value else 0
    squares = x[..., : columns // 2 * 2].reshape(3, 5, 7, 2, columns // 2, 2)
    with np.errstate(invalid="ignore"):
        wanted = np.hypot.reduce(np.hypot.reduce(squares.astype("longdouble"), axis=5), axis=3).astype(dtype)
    np.testing.assert_allclose(fastconv.lp_pool2d(layout(x), 2, 2), wanted, rtol=4 * np.finfo(dtype).eps)
