"""Max unpooling."""

import inputs
import numpy as np
from pool_cases import (
    every_dtype,
    every_layout,
    nan_like,
)

import fastconv


@every_dtype
@every_layout
def test_unpooling_puts_back_what_pooling_took(layout, dtype):
    x = inputs.real(np.random.default_rng(2), (2, 19, 6, 10), dtype)
    y, indices = fastconv.max_pool2d(layout(x), 2, return_indices=True)
    out = nan_like(x.shape, dtype, layout)
    back = fastconv.max_unpool2d(y, indices, 2, out=out)
    assert back is out
    np.testing.assert_array_equal(back, np.where(np.isin(x, y), x, 0))
    np.testing.assert_array_equal(fastconv.max_unpool2d_backward(layout(x), indices), y)
    larger = fastconv.max_unpool2d(y, indices, output_size=(7, 11))
    np.testing.assert_array_equal(larger.reshape(2, 19, -1)[..., :60].reshape(x.shape), back)
    assert fastconv.max_unpool2d(y, indices, 2, output_size=x.shape).shape == x.shape


def test_unpooling_keeps_the_later_of_two():
    y = fastconv.max_unpool2d(np.array([[[1.0, 2.0, 3.0]]]), np.array([[[2, 0, 2]]]), output_size=(1, 4))
    np.testing.assert_array_equal(y, [[[2, 0, 3, 0]]])
