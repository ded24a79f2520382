"""Global pooling."""

import inputs
import numpy as np
from pool_cases import (
    every_layout,
)

import fastconv


@every_layout
def test_global_pooling_is_adaptive_pooling_to_one(layout):
    x = layout(inputs.real(np.random.default_rng(0), (3, 20, 7, 9), "float32"))
    dy = layout(inputs.real(np.random.default_rng(1), (3, 20, 1, 1), "float32"))
    pairs = (
        (fastconv.global_avg_pool2d(x), fastconv.adaptive_avg_pool2d(x, 1)),
        (fastconv.global_max_pool2d(x), x.max((2, 3), keepdims=True)),
        (fastconv.global_max_pool2d(x, True)[1], fastconv.adaptive_max_pool2d(x, 1, True)[1]),
        (fastconv.global_avg_pool2d_backward(dy, x.shape), np.broadcast_to(dy / np.float32(63), x.shape)),
        (fastconv.global_max_pool2d_backward(dy, x), fastconv.adaptive_max_pool2d_backward(dy, x)),
    )
    for ours, expected in pairs:
        np.testing.assert_array_equal(ours, expected)
