"""Laws of every loss of elements: the textbook in long double, central differences, every kind of memory."""

import inputs
import numpy as np
import pytest
from loss_cases import (
    ELEMENTS,
    OUTS,
    as_dtype,
    backward_of,
    bits,
    every_dtype,
    every_element,
    every_reduction,
    loss_of,
    numbers,
    reduced,
    slope,
)

import fastconv


def values(case, seed, shape, dtype="float64"):
    """x and targets; probabilities where the targets are answers of yes-or-no questions."""
    x, t = numbers(seed, shape, dtype)
    return x, np.abs(np.cos(t)) if case.startswith("binary") else t


@every_dtype
@every_reduction
@every_element
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4, 5), (5,), (3000, 5), (257, 7, 5)])
def test_elements(shape, case, reduction, dtype):
    f, arguments = ELEMENTS[case]
    x, t = values(case, 1, shape, dtype)
    want = reduced(f(x.astype(np.longdouble), t.astype(np.longdouble), **arguments), reduction)
    value = loss_of(case)(x, t, reduction=reduction, **as_dtype(arguments, dtype))
    assert value.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, want.astype(dtype), rtol=16 * eps, atol=16 * eps)


@every_element
@every_reduction
def test_gradient_of_elements_against_central_differences(case, reduction):
    f, arguments = ELEMENTS[case]
    x, t = values(case, 2, (4, 5))
    each = numbers(3, (4, 5))[0] if reduction == "none" else 1.75
    want = slope(lambda x: reduced(f(x, t, **arguments), reduction), x, each)
    dx = backward_of(case)(x, t, reduction=reduction, **arguments, dy=each)
    np.testing.assert_allclose(dx, want, rtol=1e-8, atol=1e-9)
    single = backward_of(case)(
        *(a.astype("float32") for a in (x, t)),
        reduction=reduction,
        **as_dtype(arguments, "float32"),
        dy=each.astype("float32") if reduction == "none" else each,
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, want, rtol=1e-5, atol=1e-5)


@every_element
@every_reduction
def test_value_and_gradient_of_elements_together(case, reduction):
    arguments = ELEMENTS[case][1]
    x, t = values(case, 4, (3, 4, 5))
    value, dx = loss_of(case)(x, t, reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_array_equal(value, loss_of(case)(x, t, reduction=reduction, **arguments))
    np.testing.assert_array_equal(dx, backward_of(case)(x, t, reduction=reduction, **arguments))


@every_dtype
@every_element
@every_reduction
@pytest.mark.parametrize("odd", inputs.ODD)
def test_elements_in_any_memory(odd, case, reduction, dtype):
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    x, t = (odd(a) for a in values(case, 5, (3, 4, 6, 5), dtype))
    plain = [np.array(a, dtype, order="C") for a in (x, t)]
    value, dx = loss_of(case)(x, t, reduction=reduction, **arguments, return_gradient=True)
    want, want_dx = loss_of(case)(*plain, reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(bits(dx), bits(want_dx))
    mixed = loss_of(case)(x, plain[1], reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_array_equal(bits(mixed[0]), bits(value))
    np.testing.assert_array_equal(bits(mixed[1]), bits(dx))
    np.testing.assert_array_equal(plain, (x, t))


@every_dtype
@every_element
@pytest.mark.parametrize("odd", OUTS)
def test_results_of_elements_in_any_memory(odd, case, dtype):
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    x, t = values(case, 6, (3, 4, 6, 5), dtype)
    out = odd(np.full(x.shape, np.nan, dtype))
    assert backward_of(case)(x, t, **arguments, out=out) is out
    np.testing.assert_array_equal(out, backward_of(case)(x, t, **arguments))
    out = odd(np.full(x.shape, np.nan, dtype))
    assert loss_of(case)(x, t, reduction="none", **arguments, out=out) is out
    np.testing.assert_array_equal(out, loss_of(case)(x, t, reduction="none", **arguments))
    out = np.full((), np.nan, dtype)
    assert loss_of(case)(x, t, **arguments, out=out) is out
    assert out == loss_of(case)(x, t, **arguments)


@every_element
def test_nan_reaches_value_and_gradient(case):
    arguments = ELEMENTS[case][1]
    x, t = values(case, 8, (40, 5))
    x[17, 3] = np.nan
    value, dx = loss_of(case)(x, t, **arguments, return_gradient=True)
    assert np.isnan(value)
    assert np.argwhere(np.isnan(dx)).tolist() == [[17, 3]]


@every_dtype
@every_element
def test_empty_batch_of_elements(case, dtype):
    x = np.zeros((0, 5), dtype)
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    value, dx = loss_of(case)(x, x, **arguments, return_gradient=True)
    assert np.isnan(value)
    assert dx.shape == (0, 5)
    assert loss_of(case)(x, x, reduction="sum", **arguments) == 0
    assert loss_of(case)(x, x, reduction="none", **arguments).shape == (0, 5)
    assert backward_of(case)(x, x, **arguments).shape == (0, 5)


@every_element
def test_single_numbers(case):
    arguments = ELEMENTS[case][1]
    if "weighted" in case:
        arguments = {name: np.array(value[2]) for name, value in arguments.items()}
    want = ELEMENTS[case][0](0.5, 0.25, **arguments)
    value, dx = loss_of(case)(np.array(0.5), np.array(0.25), **arguments, return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=1e-14)
    assert dx.shape == ()


@every_element
def test_wrong_arguments_of_elements(case):
    f, df, arguments = loss_of(case), backward_of(case), ELEMENTS[case][1]
    x = np.zeros((3, 5))
    for g in (f, df):
        with pytest.raises(TypeError, match="x must be float32 or float64, got int64"):
            g(x.astype(int), x, **dict.fromkeys(arguments) if "weighted" in case else arguments)
        with pytest.raises(TypeError, match="must have the same dtype, got float64 and float32"):
            g(x, x.astype("float32"), **arguments)
        with pytest.raises(ValueError, match=r"targets must have shape \(3, 5\) \(the shape of x\), got \(5,\)"):
            g(x, x[0], **arguments)
        with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
            g(x, x, reduction="average", **arguments)
        with pytest.raises(ValueError, match="out must have shape"):
            g(x, x, **arguments, out=np.zeros(2))
        with pytest.raises(TypeError, match="out must have dtype float64"):
            g(x, x, **arguments, out=np.zeros(x.shape if g is df else (), "float32"))
    for out in (x, x[::-1]):
        with pytest.raises(ValueError, match="out must not share memory with x"):
            df(x, x + 1, **arguments, out=out)
    with pytest.raises(ValueError, match=r"dy must have shape \(3, 5\) \(the shape of the loss\), got \(5,\)"):
        df(x, x, reduction="none", **arguments, dy=x[0])
    with pytest.raises(TypeError, match="dy must be a number"):
        df(x, x, **arguments, dy="1")
    with pytest.raises(TypeError, match="dy must be a number"):
        df(x, x, **arguments, dy=x)


def test_wrong_numbers_of_elements():
    x = np.zeros((3, 5))
    for delta in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="delta must be > 0, got"):
            fastconv.huber_loss(x, x, delta=delta)
    with pytest.raises(ValueError, match=r"pos_weight must broadcast to the shape of x, \(3, 5\), got shape \(4,\)"):
        fastconv.binary_cross_entropy_with_logits(x, x, pos_weight=np.ones(4))
    with pytest.raises(TypeError, match="x and pos_weight must have the same dtype"):
        fastconv.binary_cross_entropy_with_logits(x, x, pos_weight=np.ones(5, "float32"))
    with pytest.raises(ValueError, match=r"weight must broadcast to the shape of x, \(3, 5\), got shape \(3,\)"):
        fastconv.binary_cross_entropy_with_logits(x, x, weight=np.ones(3))
    with pytest.raises(TypeError, match="x and weight must have the same dtype"):
        fastconv.binary_cross_entropy_with_logits(x, x, weight=np.ones(5, "float32"))
