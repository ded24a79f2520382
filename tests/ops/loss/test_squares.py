"""The mean squared error and half the sum of squares."""

import numpy as np
from loss_cases import (
    every_dtype,
)

import fastconv


@every_dtype
def test_half_sum_is_the_sources_loss(dtype):
    """Half the sum of squares of a sample (Zhang 2016, eq. 13), averaged over the batch; gradient (y - t) / N."""
    x, t = np.arange(12, dtype=dtype).reshape(4, 3), np.ones((4, 3), dtype)
    samples = [sum((x[n, i] - t[n, i]) ** 2 for i in range(3)) / 2 for n in range(4)]
    value, dx = fastconv.mse_loss(x, t, "half_sum", return_gradient=True)
    assert value == sum(samples) / 4
    np.testing.assert_array_equal(dx, (x - t) / 4)
    np.testing.assert_array_equal(fastconv.mse_loss_backward(x, t, "half_sum", dy=2.0), (x - t) / 2)
    assert fastconv.mse_loss(x[:1], t[:1], "half_sum") == samples[0]


def test_sums_stay_right_over_a_million_elements():
    x = np.full(1_000_003, 0.1, "float32")
    assert fastconv.mse_loss(x, np.zeros_like(x), "sum") == np.float32(np.sum(x.astype(float) ** 2))


def test_half_sum_of_nothing():
    assert np.isnan(fastconv.mse_loss(np.zeros((0, 3)), np.zeros((0, 3)), "half_sum"))
    assert fastconv.mse_loss(np.zeros((2, 0)), np.zeros((2, 0)), "half_sum") == 0
