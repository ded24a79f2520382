"""Activations of arrays in every kind of memory, and in place."""

import inputs
import numpy as np
import pytest
from activation_cases import (
    OUTS,
    TEXTBOOK,
    bits,
    every_activation,
    every_dtype,
    function,
    given_out,
    gradient,
)

import fastconv
from fastconv.ops import elementwise


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", inputs.ODD)
def test_any_memory_gives_the_same_bits(odd, case, dtype):
    rng = np.random.default_rng(6)
    arguments = TEXTBOOK[case][1]
    a, b = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    x, dy = odd(a), odd(b)
    plain = [np.array(v, dtype, order="C") for v in (x, dy)]
    want = bits(function(case)(plain[0], *arguments))
    want_dx = bits(gradient(case)(plain[1], plain[0], *arguments))
    np.testing.assert_array_equal(bits(function(case)(x, *arguments)), want)
    np.testing.assert_array_equal(bits(gradient(case)(dy, x, *arguments)), want_dx)
    np.testing.assert_array_equal(bits(gradient(case)(dy, plain[0], *arguments)), want_dx)
    np.testing.assert_array_equal(plain, (x, dy))


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", OUTS)
def test_out_of_any_memory(odd, case, dtype):
    rng = np.random.default_rng(7)
    arguments = TEXTBOOK[case][1]
    x, dy = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    out = given_out(odd, x.shape, dtype)
    assert function(case)(x, *arguments, out=out) is out
    np.testing.assert_array_equal(out, function(case)(x, *arguments))
    out = given_out(odd, x.shape, dtype)
    assert gradient(case)(dy, x, *arguments, out=out) is out
    np.testing.assert_array_equal(out, gradient(case)(dy, x, *arguments))


def test_out_leaves_its_neighbours_alone():
    wide = np.full((6, 40), 7.0)
    fastconv.sigmoid(np.zeros((4, 37)), out=wide[1:5, 2:39])
    assert (wide[1:5, 2:39] == 0.5).all()
    wide[1:5, 2:39] = 7
    assert (wide == 7).all()


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", OUTS[:-1])
def test_in_place(odd, case, dtype):
    rng = np.random.default_rng(8)
    arguments = TEXTBOOK[case][1]
    a, b = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    want, want_dx = function(case)(a, *arguments), gradient(case)(b, a, *arguments)
    x = odd(a.copy())
    assert function(case)(x, *arguments, out=x) is x
    np.testing.assert_array_equal(x, want)
    dy = odd(b.copy())
    assert gradient(case)(dy, a, *arguments, out=dy) is dy
    np.testing.assert_array_equal(dy, want_dx)


@every_activation
def test_a_result_keeps_the_memory_order(case):
    arguments = TEXTBOOK[case][1]
    for odd in (inputs.channels_last, inputs.fortran, np.array):
        x = odd(np.random.default_rng(9).standard_normal((2, 3, 4, 5)))
        y = function(case)(x, *arguments)
        assert y.strides == x.strides
        assert not np.shares_memory(x, y)


def test_arrays_of_one_order_become_one_run():
    x, y = (inputs.channels_last(np.zeros((2, 3, 4, 5))) for _ in range(2))
    [[a, b]] = elementwise.views([x, y])
    assert a.shape == b.shape == (1, 1, 1, 120)
    [[a, b]] = elementwise.views([inputs.channel_slice(x), inputs.channel_slice(y)])
    assert a.shape == b.shape == (1, 1, 40, 3)


def test_more_than_four_axes_of_unlike_strides():
    x = np.random.default_rng(10).standard_normal((2, 3, 4, 3, 4, 3, 2))[:, ::2, ::2, ::2, ::2, ::2, ::-1]
    y = np.full(x.shape, np.nan)
    assert len(elementwise.views([x, y])) > 1
    fastconv.tanh(x, out=y)
    np.testing.assert_array_equal(y, fastconv.tanh(np.array(x)))
    np.testing.assert_array_equal(fastconv.softmax(x, 3, out=y), fastconv.softmax(np.array(x), 3))
