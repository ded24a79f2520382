"""Backward of means in planar memory: rows of dx that are computed in different ways share the scratch of a thread.

Rows that at most eight rows of windows read are summed from kept rows, others are summed anew; one plane has both.
"""

import numpy as np
import pytest

import fastconv

CASES = (  # x shape, kernel, stride, padding
    ((1, 1, 32, 24), (10, 3), 1, (0, 1)),
    ((2, 3, 32, 24), (9, 3), 1, (0, 1)),
    ((1, 2, 32, 25), (10, 5), 1, (0, 2)),
    ((1, 3, 48, 33), (11, 7), 1, (0, 3)),
    ((1, 2, 40, 24), (18, 3), 2, (4, 1)),
    ((1, 3, 48, 33), (20, 4), 2, (0, 1)),
    ((2, 2, 20, 19), (9, 3), 1, (4, 1)),
    ((1, 2, 32, 24), (10, 3), 1, (0, 0)),
)


def mean_gradient(dy, x_shape, kernel, stride, padding, count_include_pad):
    """dx by loops over the windows, in float64."""
    dx = np.zeros((*x_shape[:2], x_shape[2] + 2 * padding[0], x_shape[3] + 2 * padding[1]))
    inside = np.zeros(dx.shape[2:])
    rows, cols = slice(padding[0], padding[0] + x_shape[2]), slice(padding[1], padding[1] + x_shape[3])
    inside[rows, cols] = 1
    for oh in range(dy.shape[2]):
        for ow in range(dy.shape[3]):
            window = np.s_[oh * stride : oh * stride + kernel[0], ow * stride : ow * stride + kernel[1]]
            divisor = kernel[0] * kernel[1] if count_include_pad else inside[window].sum()
            dx[:, :, *window] += dy[:, :, oh, ow, None, None].astype("float64") / divisor
    return dx[:, :, rows, cols]


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_read_by_many_rows_of_windows_leave_nothing_in_the_scratch(case, dtype, count_include_pad):
    x_shape, *window = case
    y = fastconv.avg_pool2d(np.zeros(x_shape, dtype), *window)
    dy = np.random.default_rng(0).random(y.shape).astype(dtype)
    dx = fastconv.avg_pool2d_backward(dy, x_shape, *window, count_include_pad=count_include_pad)
    expected = mean_gradient(dy, *case, count_include_pad)
    np.testing.assert_allclose(dx, expected, rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("kernel", [(10, 3), (18, 5)], ids=str)
def test_both_layouts_give_the_same_bits(kernel):
    x_shape, padding = (2, 5, 40, 24), (0, 1)
    y = fastconv.avg_pool2d(np.zeros(x_shape, "float32"), kernel, 1, padding)
    dy = np.random.default_rng(1).random(y.shape, "float32")
    last = np.ascontiguousarray(dy.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    planar, channels_last = (
        fastconv.avg_pool2d_backward(a, x_shape, kernel, 1, padding, count_include_pad=False) for a in (dy, last)
    )
    np.testing.assert_array_equal(planar, channels_last)
