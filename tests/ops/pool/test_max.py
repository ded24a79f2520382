"""Max pooling: values, indices and gradients against loops; NaN, infinities, planes beyond 32 bits, wrong indices."""

import inputs
import numpy as np
import pool_reference as reference
import pytest
from pool_cases import (
    bits,
    data,
    every_case,
    every_dtype,
    every_layout,
    nan_like,
    pooling_of,
)

import fastconv


@every_dtype
@every_layout
@every_case
def test_max_pool_is_exact(case, layout, dtype):
    x, dy = data(case, dtype)
    y, indices = reference.max_pool(x, pooling_of(case))
    out = nan_like(y.shape, dtype, layout)
    given_y, given_indices = fastconv.max_pool2d(layout(x), *case[1:], return_indices=True, out=out)
    assert given_y is out
    np.testing.assert_array_equal(given_y, y.astype(dtype))
    np.testing.assert_array_equal(given_indices, indices)
    np.testing.assert_array_equal(fastconv.max_pool2d(layout(x), *case[1:]), given_y)
    dx = reference.max_pool_backward(dy, x, pooling_of(case)).astype(dtype)
    for remembered in (None, given_indices):
        out = nan_like(dx.shape, dtype, layout)
        fastconv.max_pool2d_backward(layout(dy), layout(x), *case[1:], indices=remembered, out=out)
        np.testing.assert_array_equal(out, dx)


@every_dtype
@every_layout
@pytest.mark.parametrize("C", [1, 3, 8, 17])
@pytest.mark.parametrize("k", [2, 3])
def test_nan_at_each_position(k, C, layout, dtype):
    for row, column in np.ndindex(k, k):
        x = inputs.real(np.random.default_rng(11), (1, C, k, 17 * k), dtype)
        x[..., row, column::k] = np.nan
        y, indices = fastconv.max_pool2d(layout(x), k, return_indices=True)
        assert np.isnan(y).all()
        assert np.isnan(fastconv.max_pool2d(layout(x), k)).all()
        np.testing.assert_array_equal(indices, np.broadcast_to(row * 17 * k + column + np.arange(17) * k, y.shape))
        dx = fastconv.max_pool2d_backward(np.ones_like(y), layout(x), k)
        np.testing.assert_array_equal(dx, np.isnan(x))
        assert np.isnan(fastconv.avg_pool2d(layout(x), k)).all()
        assert np.isnan(fastconv.lp_pool2d(layout(x), 2, k)).all()
        assert np.isnan(fastconv.lp_pool2d(layout(x), 3, k)).all()


@every_layout
@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, -0.0])
def test_windows_of_one_value(value, layout):
    x = layout(np.full((2, 17, 5, 35), value, "float32"))
    y, indices = fastconv.max_pool2d(x, 3, 2, 1, return_indices=True)
    np.testing.assert_array_equal(y, np.full(y.shape, value, "float32"))
    assert np.isnan(value) or (np.signbit(y) == np.signbit(value)).all()
    expected = reference.max_pool(x, reference.Pooling((5, 35), 3, 2, 1))[1]
    np.testing.assert_array_equal(indices, expected)
    dx = fastconv.max_pool2d_backward(np.ones_like(y), x, 3, 2, 1)
    assert dx.sum() == y.size


@every_dtype
@every_layout
@pytest.mark.parametrize("C", [3, 16, 20])
def test_windows_of_nan_infinities_zeros_and_huge_values(C, layout, dtype):
    """A channel in which one value is a NaN, beside channels of infinities of both signs or sums that overflow."""
    huge = np.finfo(dtype).max
    values = np.array([0.0, -0.0, 1.0, huge, -huge, np.inf, -np.inf], dtype)
    x = np.random.default_rng(5).choice(values, (2, C, 13, 11))
    x[:, ::3][np.random.default_rng(6).random(x[:, ::3].shape) < 0.1] = np.nan
    for k in (2, 3, 4):
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::2, ::2]
        y, indices = fastconv.max_pool2d(layout(x), k, 2, return_indices=True)
        np.testing.assert_array_equal(y, windows.max((-2, -1)))
        taken = np.take_along_axis(x.reshape(2, C, -1), indices.reshape(2, C, -1), 2).reshape(y.shape)
        np.testing.assert_array_equal(fastconv.max_pool2d(layout(x), k, 2), taken)


@every_layout
def test_padding_is_below_every_value(layout):
    x = layout(-1 - np.abs(inputs.real(np.random.default_rng(12), (2, 9, 6, 20), "float32")) * 1e37)
    y = fastconv.max_pool2d(x, 3, 1, 1)
    np.testing.assert_array_equal(y, reference.max_pool(x, reference.Pooling((6, 20), 3, 1, 1))[0].astype("float32"))


def test_backward_twice_gives_the_same_and_leaves_its_arguments():
    x = inputs.real(np.random.default_rng(15), (2, 5, 8, 8), "float32")
    y, indices = fastconv.max_pool2d(x, 3, 2, return_indices=True)
    before = bits((x, y, indices))
    first = fastconv.max_pool2d_backward(y, x, 3, 2, indices=indices)
    assert bits(first) == bits(fastconv.max_pool2d_backward(y, x, 3, 2, indices=indices))
    assert bits((x, y, indices)) == before


@every_layout
def test_strides_beyond_the_kernel_leave_zeros(layout):
    x = layout(inputs.real(np.random.default_rng(16), (2, 18, 7, 37), "float32"))
    y = fastconv.max_pool2d(x, 1, 2)
    np.testing.assert_array_equal(y, x[..., ::2, ::2])
    dx = fastconv.avg_pool2d_backward(y, x.shape, 1, 2)
    np.testing.assert_array_equal(dx[..., ::2, ::2], y)
    assert not dx[..., 1::2, :].any()
    assert not dx[..., 1::2].any()


def test_planes_beyond_32_bits():
    """A view of 2**31 + elements that repeats one row: indices need 64 bits."""
    x = np.broadcast_to(np.float32([[[[1, 2, 3, 4, 5, 6, 7, 8]]]]), (1, 1, 2**28 + 1, 8))
    y, indices = fastconv.max_pool2d(x, (1, 8), (2**28, 1), return_indices=True)
    np.testing.assert_array_equal(y.ravel(), [8, 8])
    np.testing.assert_array_equal(indices.ravel(), [7, 2**31 + 7])


WAYS_BACK = ((2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 1), (2, 1, 0, 2), (5, 3, 2, 1))


@every_layout
@pytest.mark.parametrize("case", WAYS_BACK, ids=str)
@pytest.mark.parametrize("size", [(2, 17, 9, 10), (9, 33, 10, 11)])
def test_every_way_back_finds_the_first_bad_index(case, size, layout):
    rng = np.random.default_rng(0)
    x = layout(rng.standard_normal(size).astype("float32"))
    y, indices = fastconv.max_pool2d(x, *case, return_indices=True)
    n, c, i, j = where = tuple(axis // 2 for axis in y.shape)
    kernel, stride, padding, dilation = case
    h, w = (stride * at - padding for at in (i, j))
    reach = dilation * (kernel - 1)
    outside = [(h - 1, w), (h, w - 1), (h + reach + 1, w), (h, w + reach + 1)]
    values = [row * size[3] + column for row, column in outside] + [-1, indices[where] + 2**32]
    for value in values:
        bad = indices.copy(order="K")
        bad[where] = value
        bad[-1, -1, -1, -1] = -7
        with pytest.raises(ValueError, match=rf"in its window, got {value} at \({n}, {c}, {i}, {j}\)"):
            fastconv.max_pool2d_backward(layout(y), x, *case, indices=bad)


def test_giant_broadcast_arrays_are_refused_before_anything_is_allocated():
    x = np.broadcast_to(np.float32(1), (2**20, 2**20, 2**20, 1))
    with pytest.raises(ValueError, match=r"2\*\*40"):
        fastconv.max_pool2d(x, 1)
