"""PReLU: one learnt slope, or one per channel."""

import inputs
import numpy as np
import pytest
from activation_cases import (
    OUTS,
    bits,
    every_dtype,
    given_out,
)

import fastconv


def one_for_each_channel(weight, x):
    """The weight along the second axis of x."""
    return weight if weight.size == 1 else weight.reshape(-1, *(1,) * (x.ndim - 2))


PRELU = pytest.mark.parametrize(
    ("shape", "weights"),
    [((), 1), ((7,), 1), ((3, 5), 5), ((3, 5), 1), ((2, 17, 3, 5), 17), ((2, 17, 3, 5), 1), ((70, 3, 9, 11), 3)]
    + [((2, 10, 37, 41), 10), ((3, 48, 20, 31), 48), ((1, 1023, 9, 2), 1023), ((1, 1030, 5, 2), 1030)]
    + [((2, 5000), 1), ((2, 3, 2, 2, 2, 3), 3), ((0, 4, 2), 4), ((0, 4), 1)],
)


@every_dtype
@PRELU
def test_prelu(shape, weights, dtype):
    rng = np.random.default_rng(18)
    x, dy = (inputs.whole(rng, shape, dtype) for _ in range(2))
    weight = inputs.whole(rng, weights, dtype)
    w = one_for_each_channel(weight, x)
    np.testing.assert_array_equal(fastconv.prelu(x, weight), np.where(x > 0, x, x * w).reshape(shape))
    if x.ndim == 4:  # channels-last: the weights are one row for all pixels
        last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(fastconv.prelu(last, weight), np.where(x > 0, x, x * w))
    dx, dweight = fastconv.prelu_backward(dy, x, weight)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, dy * w).reshape(shape))
    below = np.where(x > 0, 0, dy * x)
    want = below.sum() if weights == 1 else np.moveaxis(below, 1, 0).reshape(weights, -1).sum(1)
    np.testing.assert_array_equal(dweight, np.broadcast_to(want, weights))
    assert dweight.dtype == dtype


def test_prelu_gradient_against_central_differences():
    rng = np.random.default_rng(19)
    x, dy = rng.standard_normal((2, 3, 4, 5))
    weight, h = rng.standard_normal(4), 1e-5
    dx, dweight = fastconv.prelu_backward(dy, x, weight)
    for c in range(4):
        step = h * (np.arange(4) == c)
        slope = (dy * (fastconv.prelu(x, weight + step) - fastconv.prelu(x, weight - step))).sum() / (2 * h)
        np.testing.assert_allclose(dweight[c], slope, rtol=1e-8)
    slope = dy * (fastconv.prelu(x + h, weight) - fastconv.prelu(x - h, weight)) / (2 * h)
    np.testing.assert_allclose(dx, slope, rtol=1e-8)


@every_dtype
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("weights", [1, 4])
def test_prelu_in_any_memory(weights, odd, dtype):
    rng = np.random.default_rng(20)
    x, dy = (odd(inputs.whole(rng, (3, 4, 5, 6), dtype)) for _ in range(2))
    weight = odd(inputs.whole(rng, weights, dtype))
    plain = [np.array(a, dtype, order="C") for a in (dy, x, weight)]
    want, want_dx, want_dw = fastconv.prelu(*plain[1:]), *fastconv.prelu_backward(*plain)
    np.testing.assert_array_equal(fastconv.prelu(x, weight), want)
    dx, dw = fastconv.prelu_backward(dy, x, weight)
    np.testing.assert_array_equal(dx, want_dx)
    np.testing.assert_array_equal(dw, want_dw)
    for memory in OUTS:
        out = given_out(memory, x.shape, dtype)
        assert fastconv.prelu(x, weight, out=out) is out
        np.testing.assert_array_equal(out, want)
        assert fastconv.prelu_backward(dy, x, weight, out=out)[0] is out
        np.testing.assert_array_equal(out, want_dx)


def test_prelu_of_many_unlike_axes():
    wide = np.random.default_rng(21).standard_normal((2, 2, 3, 4, 3, 4, 3, 2))
    dy, x = (a[:, ::2, ::2, ::2, ::2, ::2] for a in wide)
    weight = np.arange(2.0)
    got = fastconv.prelu_backward(dy, x, weight)
    want = fastconv.prelu_backward(np.array(dy, order="C"), np.array(x, order="C"), weight)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_allclose(got[1], want[1])


@every_dtype
@pytest.mark.parametrize("weights", [1, 18])
def test_prelu_bits_do_not_depend_on_threads(weights, dtype, all_threads):
    rng = np.random.default_rng(22)
    x, dy = (inputs.channel_slice(inputs.real(rng, (70, 18, 5, 7), dtype)) for _ in range(2))
    weight = inputs.real(rng, weights, dtype)
    results = []
    for n in (1, 2, 4):
        all_threads(n)
        results.append([bits(a) for a in (fastconv.prelu(x, weight), *fastconv.prelu_backward(dy, x, weight))])
    for result in results[1:]:
        for a, b in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_prelu_nan_and_wrong_weights():
    x = np.array([[np.nan, -1.0], [-np.inf, np.inf]])
    np.testing.assert_array_equal(fastconv.prelu(x, np.array([0.5])), [[np.nan, -0.5], [-np.inf, np.inf]])
    for wrong in (np.ones(3), np.ones(0)):
        with pytest.raises(ValueError, match=r"weight must have one element, or one for .*\(2, 2\), got shape"):
            fastconv.prelu(x, wrong)
        with pytest.raises(ValueError, match="weight must have one element"):
            fastconv.prelu_backward(x, x, wrong)
    with pytest.raises(ValueError, match="weight must have one element"):
        fastconv.prelu(x[0], np.ones(2))
    with pytest.raises(ValueError, match="weight must have 0 or 1 dimensions"):
        fastconv.prelu(x, np.ones((1, 2)))
    with pytest.raises(TypeError, match="x and weight must have the same dtype"):
        fastconv.prelu(x, np.ones(2, "float32"))
    with pytest.raises(ValueError, match=r"x must have shape \(2, 2\)"):
        fastconv.prelu_backward(x, x[:1], np.ones(2))
