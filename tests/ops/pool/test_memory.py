"""Pooling of arrays in every kind of memory, and of empty batches."""

import inputs
import numpy as np
import pytest
from pool_cases import (
    PASSES,
    bits,
    every_dtype,
    every_pass,
)

import fastconv


@every_dtype
@pytest.mark.parametrize("odd", inputs.ODD)
@every_pass
def test_odd_arrays(name, odd, dtype):
    x = odd(inputs.real(np.random.default_rng(8), (2, 6, 12, 36), dtype))
    before = x.tobytes()
    given_ = PASSES[name](x)
    expected = PASSES[name](np.array(x, dtype, order="C"))
    assert bits(given_) == bits(expected)
    assert x.tobytes() == before


@pytest.mark.parametrize("odd", inputs.ODD)
def test_odd_gradients_and_indices(odd):
    rng = np.random.default_rng(9)
    x = inputs.real(rng, (2, 6, 8, 10), "float32")
    y, indices = fastconv.max_pool2d(x, 2, return_indices=True)
    if odd not in (inputs.broadcast, inputs.constant):
        plain = fastconv.max_pool2d_backward(y, x, 2, indices=indices)
        with np.errstate(invalid="ignore"):  # NaN as filling
            odd_indices = odd(indices)
        assert bits(fastconv.max_pool2d_backward(y, x, 2, indices=odd_indices)) == bits(plain)
        assert bits(fastconv.max_unpool2d(y, odd_indices, 2)) == bits(fastconv.max_unpool2d(y, indices, 2))
    dy, dy_plain = odd(y), np.array(odd(y), "float32", order="C")
    for backward in (
        lambda dy: fastconv.max_pool2d_backward(dy, inputs.channels_last(x), 2, indices=indices),
        lambda dy: fastconv.avg_pool2d_backward(dy, x.shape, 2),
        lambda dy: fastconv.lp_pool2d_backward(dy, inputs.channels_last(x), 2, 2),
        lambda dy: fastconv.adaptive_avg_pool2d_backward(dy, x.shape),
    ):
        assert bits(backward(dy)) == bits(backward(dy_plain))


@pytest.mark.parametrize("wild", [inputs.every_second, inputs.negative, inputs.fortran, inputs.misaligned])
@every_pass
def test_out_of_any_strides(name, wild):
    x = inputs.real(np.random.default_rng(10), (2, 6, 12, 36), "float32")
    expected = PASSES[name](x)
    expected = expected[0] if isinstance(expected, tuple) else expected
    out = wild(np.full(expected.shape, np.nan, "float32"))
    into = {
        "max": lambda: fastconv.max_pool2d(x, 3, 2, 1, out=out),
        "max backward": lambda: fastconv.max_pool2d_backward(x[..., :6, :18], x, 3, 2, 1, out=out),
        "mean": lambda: fastconv.avg_pool2d(x, 3, 2, 1, out=out),
        "mean backward": lambda: fastconv.avg_pool2d_backward(x[..., :6, :18], x.shape, 3, 2, 1, out=out),
        "L2": lambda: fastconv.lp_pool2d(x, 2, 2, out=out),
        "L2 backward": lambda: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 2, 3, 2, out=out),
        "L3": lambda: fastconv.lp_pool2d(x, 3, 2, out=out),
        "L3 backward": lambda: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 3, 3, 2, out=out),
        "adaptive mean": lambda: fastconv.adaptive_avg_pool2d(x, 5, out=out),
        "adaptive max": lambda: fastconv.adaptive_max_pool2d(x, 5, out=out),
        "global mean": lambda: fastconv.global_avg_pool2d(x, out=out),
        "unpool": lambda: fastconv.max_unpool2d(
            *fastconv.max_pool2d(x, 2, return_indices=True), output_size=(12, 36), out=out
        ),
    }
    assert into[name]() is out
    np.testing.assert_array_equal(out, expected)


@every_dtype
def test_empty_batches(dtype):
    x = np.empty((0, 3, 12, 36), dtype)
    for name, call in PASSES.items():
        result = call(x)
        result = result[0] if isinstance(result, tuple) else result
        assert result.shape[:2] == (0, 3), name
        assert result.dtype == dtype, name
    assert fastconv.max_pool2d(np.empty((2, 0, 4, 4), dtype), 2).shape == (2, 0, 2, 2)
