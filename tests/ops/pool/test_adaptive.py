"""Adaptive pooling against loops."""

import inputs
import numpy as np
import pool_reference as reference
import pytest
from pool_cases import (
    every_dtype,
    every_layout,
    nan_like,
)

import fastconv


@every_dtype
@every_layout
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4), (7, 1), (9, 50)])
def test_adaptive_pool(size, layout, dtype):
    rng = np.random.default_rng(1)
    x, dy = inputs.whole(rng, (2, 18, 7, 37), dtype), inputs.whole(rng, (2, 18, *size), dtype)
    pooling = reference.Adaptive((7, 37), size)
    y = fastconv.adaptive_avg_pool2d(layout(x), size, out=nan_like(dy.shape, dtype, layout))
    np.testing.assert_array_equal(y, reference.mean_pool(x, pooling).astype(dtype))
    dx = fastconv.adaptive_avg_pool2d_backward(layout(dy), x.shape, out=nan_like(x.shape, dtype, layout))
    near = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(dx, reference.mean_pool_backward(dy, x.shape, pooling), rtol=near, atol=near)
    y, indices = fastconv.adaptive_max_pool2d(layout(x), size, True, out=nan_like(dy.shape, dtype, layout))
    expected, expected_indices = reference.max_pool(x, pooling)
    np.testing.assert_array_equal(y, expected.astype(dtype))
    np.testing.assert_array_equal(indices, expected_indices)
    for remembered in (None, indices):
        dx = nan_like(x.shape, dtype, layout)
        fastconv.adaptive_max_pool2d_backward(layout(dy), layout(x), indices=remembered, out=dx)
        np.testing.assert_array_equal(dx, reference.max_pool_backward(dy, x, pooling).astype(dtype))
