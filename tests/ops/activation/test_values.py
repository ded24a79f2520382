"""Values and gradients of every activation: the textbook in long double, limits, central differences."""

import inputs
import numpy as np
import pytest
from activation_cases import (
    LIMITS,
    TEXTBOOK,
    bits,
    every_activation,
    every_dtype,
    function,
    gradient,
    ulps,
)


@every_dtype
@every_activation
def test_values(case, dtype):
    f, arguments, allowed, _ = TEXTBOOK[case]
    x = np.random.default_rng(2).uniform(-6, 6, 5001).astype(dtype)
    want = f(x.astype(np.longdouble), *(np.longdouble(a) if not isinstance(a, str) else a for a in arguments))
    assert ulps(function(case)(x, *arguments), want).max() <= allowed


@every_dtype
@every_activation
def test_infinities_and_nan(case, dtype):
    arguments = TEXTBOOK[case][1]
    low, high, slope_low, slope_high = LIMITS[case]
    for size in (3, 40):  # alone in the padded rest, and inside whole vectors
        x = np.resize(np.array([-np.inf, np.inf, np.nan], dtype), size)
        want = np.resize(np.array([low, high, np.nan], dtype), size)
        np.testing.assert_allclose(function(case)(x, *arguments), want, rtol=np.finfo(dtype).eps, atol=0)
        slope = gradient(case)(np.ones_like(x), x, *arguments)
        np.testing.assert_array_equal(slope[x == -np.inf], np.full((x == -np.inf).sum(), slope_low, dtype))
        np.testing.assert_array_equal(slope[x == np.inf], np.full((x == np.inf).sum(), slope_high, dtype))


@every_dtype
@every_activation
def test_huge_and_tiny_values_stay_in_range(case, dtype):
    """Nothing overflows on the way: the same as the limits, for numbers that are merely large."""
    arguments = (1.0,) if case == "softplus" else TEXTBOOK[case][1]
    low, high, slope_low, slope_high = LIMITS[case]
    top = np.finfo(dtype).max / (2 if case == "selu" else 1)  # whose slope is above 1
    x = np.array([-top, top, -1e-30, 1e-30], dtype)
    y = function(case)(x, *arguments)
    assert np.isfinite(y).all()
    want = low if np.isfinite(low) else x[0] * slope_low, high if np.isfinite(high) else x[1] * slope_high
    np.testing.assert_allclose(y[:2], want, rtol=np.finfo(dtype).eps, atol=0)
    assert np.isfinite(gradient(case)(np.ones_like(x), x, *arguments)).all()


@every_activation
def test_gradient_against_central_differences(case):
    f, arguments, _, jumps = TEXTBOOK[case]
    x = np.random.default_rng(3).uniform(-6, 7, 999)
    for jump in jumps:
        x = x[np.abs(x - jump) > 1e-3]
    dy = np.random.default_rng(4).standard_normal(x.shape)
    h, at = np.longdouble(1e-5), x.astype(np.longdouble)
    want = dy * (f(at + h, *arguments) - f(at - h, *arguments)) / (2 * h)
    np.testing.assert_allclose(gradient(case)(dy, x, *arguments), want.astype(float), rtol=1e-8, atol=1e-9)
    single = gradient(case)(dy.astype("float32"), x.astype("float32"), *arguments)
    np.testing.assert_allclose(single, want.astype(float), rtol=2e-5, atol=2e-5)


@every_dtype
@every_activation
def test_bits_do_not_depend_on_position(case, dtype):
    """Every value of a long array is the value it has alone: vectors, their rest and blocks are the same."""
    arguments = TEXTBOOK[case][1]
    x = inputs.real(np.random.default_rng(11), 4096 + 37, dtype)
    y, dx = function(case)(x, *arguments), gradient(case)(x, x, *arguments)
    for at in (slice(0, 1), slice(5, 22), slice(4090, 4133), slice(4132, 4133), slice(1, 4100)):
        np.testing.assert_array_equal(bits(y[at]), bits(function(case)(x[at], *arguments)))
        np.testing.assert_array_equal(bits(dx[at]), bits(gradient(case)(x[at], x[at], *arguments)))


@every_dtype
@pytest.mark.parametrize("name", [*TEXTBOOK, "softmax", "log_softmax"])
def test_bits_do_not_depend_on_threads_or_batch(name, dtype, all_threads):
    arguments = TEXTBOOK[name][1] if name in TEXTBOOK else (1,)
    x = inputs.real(np.random.default_rng(12), (64, 7, 9, 11), dtype)
    for memory in (np.array, inputs.channels_last, inputs.channel_slice):
        alone = None
        for n in (1, 2, 4):
            all_threads(n)
            for N in (1, 2, 7, 64):
                given = memory(x[:N])
                y = bits(np.array(function(name)(given, *arguments)[:1]))
                dx = bits(np.array(gradient(name)(given, given, *arguments)[:1]))
                alone = (y, dx) if alone is None else alone
                np.testing.assert_array_equal(y, alone[0])
                np.testing.assert_array_equal(dx, alone[1])


@every_dtype
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3, 4, 5), (2, 0, 3), (1, 1, 1, 1), (2, 3, 1, 2, 1, 5)])
@every_activation
def test_any_rank(case, shape, dtype):
    arguments = TEXTBOOK[case][1]
    x = inputs.real(np.random.default_rng(17), shape, dtype)
    y, dx = function(case)(x, *arguments), gradient(case)(x, x, *arguments)
    assert y.shape == dx.shape == shape
    assert y.dtype == dx.dtype == dtype
    if y.size:
        np.testing.assert_array_equal(y.ravel(), function(case)(np.array(x.ravel()), *arguments))
