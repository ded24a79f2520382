"""What the tests of the executor share: plans, a loss whose gradient is its targets, agreement with the naive run."""

from dataclasses import dataclass

import numpy as np
import pytest
from naive import Naive

from fastconv.executor.planner import plan_prediction
from fastconv.executor.training_planner import plan_training


@dataclass(frozen=True)
class Weighted:
    """L = sum y t: its gradient is the targets themselves."""

    def target_array(self, y_shape, dtype):
        return y_shape, dtype

    def prepare(self, targets, y_shape, dtype):
        return targets

    def bind(self, y, targets, value, dy):
        def call():
            value[...] = (y * targets).sum()
            if dy is not None:
                dy[...] = targets

        return call


def planned(output, n, channels_last=False, training=False):
    return (plan_training if training else plan_prediction)(output, n, channels_last)


def agree_with_naive(network, n=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *network.input_shape)).astype(network.dtype)
    dy = rng.standard_normal((n, *network.output_shape)).astype(network.dtype)
    naive = Naive(network)
    y = naive.forward(x, training=True)
    expected = naive.backward(dy)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-10, atol=1e-10)
    value, gradients = network.gradients(x, dy, Weighted())
    assert value == pytest.approx((y * dy).sum(), rel=1e-9, abs=1e-9)
    assert set(gradients) == set(expected)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-8, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-10, atol=1e-10)
