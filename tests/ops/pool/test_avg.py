"""Mean pooling against loops."""

import numpy as np
import pool_reference as reference
import pytest
from pool_cases import data, every_dtype, every_layout, nan_like, pooling_of, undilated

import fastconv


@every_dtype
@every_layout
@pytest.mark.parametrize(("include", "override"), [(True, None), (False, None), (True, 3), (False, -2)])
@undilated
def test_mean_pool(case, include, override, layout, dtype):
    x, dy = data(case, dtype)
    window = (*case[1:4], case[5], include, override)
    y = reference.mean_pool(x, pooling_of(case), include, override)
    out = nan_like(y.shape, dtype, layout)
    np.testing.assert_array_equal(fastconv.avg_pool2d(layout(x), *window, out=out), y.astype(dtype))
    dx = reference.mean_pool_backward(dy, x.shape, pooling_of(case), include, override)
    out = nan_like(dx.shape, dtype, layout)
    fastconv.avg_pool2d_backward(layout(dy), x.shape, *window, out=out)
    np.testing.assert_allclose(out, dx, rtol=8 * np.finfo(dtype).eps, atol=16 * np.finfo(dtype).eps)


def test_the_mean_gives_one_over_m():
    """The factor of mean pooling is 1/m, m the size of the window, and not 1."""
    np.testing.assert_array_equal(
        fastconv.avg_pool2d_backward(np.ones((1, 1, 2, 2)), (1, 1, 4, 4), 2), np.full((1, 1, 4, 4), 1 / 4)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_means_of_pairs_have_the_bits_of_other_windows(dtype):
    """2 x 2 windows side by side go a quick way; the same windows inside padding go the general one."""
    for width in (4, 6, 8, 24, 62, 130):
        x = np.random.default_rng(width).standard_normal((7, 3, 11, width)).astype(dtype)
        x[0, 0, 3, 2], x[0, 1, 4, 3] = np.nan, np.inf
        quick = fastconv.avg_pool2d(x, 2)
        general = fastconv.avg_pool2d(x[:, :, 1:-1, 1:-1], 2, padding=1)
        np.testing.assert_array_equal(quick[:, :, 1:-1, 1:-1], general[:, :, 1:-1, 1:-1])
        odd = fastconv.avg_pool2d(x[:, :, :, : width - 1], 2)  # its last column is in no window
        np.testing.assert_array_equal(odd, quick[..., : odd.shape[3]])
