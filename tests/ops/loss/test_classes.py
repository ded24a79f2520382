"""Laws of both losses of classes: integers of any kind, every kind of memory, ignored rows, wrong classes."""

import inputs
import numpy as np
import pytest
from loss_cases import (
    OUTS,
    bits,
    classes_for,
    every_dtype,
    every_reduction,
    numbers,
    shares_for,
)

import fastconv


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_one_row_without_a_batch(name):
    x = numbers(21, (5,), count=1)[0]
    value, dx = getattr(fastconv, name)(x, 3, return_gradient=True)
    batch, batch_dx = getattr(fastconv, name)(x[None], np.array([3]), return_gradient=True)
    assert value == batch
    np.testing.assert_array_equal(dx, batch_dx[0])
    assert getattr(fastconv, name)(x, 3, reduction="none").shape == ()


@every_dtype
@pytest.mark.parametrize("integer", ["int8", "uint8", "int32", ">i4", "uint64"])
def test_any_integers(integer, dtype):
    x, t = numbers(22, (4, 5), dtype, 1)[0], classes_for(23, (4, 5))
    want = fastconv.cross_entropy(x, t)
    assert fastconv.cross_entropy(x, t.astype(integer)) == want
    assert fastconv.cross_entropy(x, t.tolist()) == want
    assert fastconv.cross_entropy(x, np.repeat(t, 2)[::2]) == want


PADDED = (inputs.every_second, inputs.inside, inputs.channel_slice)  # they put NaN around, which integers cannot hold


@every_dtype
@every_reduction
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("kind", ["classes", "probabilities", "nll"])
def test_classes_in_any_memory(kind, odd, reduction, dtype):
    shape = (3, 18, 4, 5)
    x = odd(numbers(24, shape, dtype, 1)[0])
    if kind == "probabilities":
        t = odd(shares_for(25, shape, dtype))
    else:
        t = odd(classes_for(25, shape)) if odd not in PADDED else classes_for(25, (6, 18, 8, 10))[::2, ::2, ::2]
    weight = odd(np.linspace(0.5, 2, 18).astype(dtype))
    name = "nll_loss" if kind == "nll" else "cross_entropy"
    plain = np.array(x, dtype, order="C")
    plain_t = np.array(t, dtype if kind == "probabilities" else np.int64, order="C")
    plain_weight = np.array(weight, dtype, order="C")
    value, dx = getattr(fastconv, name)(x, t, weight, reduction=reduction, return_gradient=True)
    want = getattr(fastconv, name)(plain, plain_t, plain_weight, reduction=reduction, return_gradient=True)
    np.testing.assert_allclose(value, want[0], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, want[1], rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
    if reduction == "none":
        np.testing.assert_array_equal(bits(value), bits(want[0]))
        np.testing.assert_array_equal(bits(dx), bits(want[1]))
    np.testing.assert_array_equal(plain, x)
    np.testing.assert_array_equal(plain_t, t)
    for memory in OUTS:
        out = memory(np.full(shape, np.nan, dtype))
        backward = getattr(fastconv, name + "_backward")
        assert backward(x, t, weight, reduction=reduction, out=out) is out
        np.testing.assert_array_equal(out, dx)


@pytest.mark.parametrize("odd", [inputs.negative, inputs.fortran, inputs.every_second, inputs.inside])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_of_rows_in_any_memory(name, odd):
    x, t = numbers(26, (3, 7, 4, 5), count=1)[0], classes_for(27, (3, 7, 4, 5))
    out = odd(np.full(t.shape, np.nan))
    assert getattr(fastconv, name)(x, t, reduction="none", out=out) is out
    np.testing.assert_array_equal(out, getattr(fastconv, name)(x, t, reduction="none"))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_ignored_rows_count_for_nothing(name):
    x, t = numbers(28, (6, 5), count=1)[0], classes_for(29, (6, 5))
    t[[1, 4]] = -100
    x[1] = np.nan
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    keep = t != -100
    want, want_dx = getattr(fastconv, name)(x[keep], t[keep], return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=1e-15)
    np.testing.assert_allclose(dx[keep], want_dx, rtol=1e-15)
    assert (dx[~keep] == 0).all()
    assert getattr(fastconv, name)(x, t, reduction="none")[1] == 0


@every_dtype
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2, 2), (2, 3, 0)])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_empty_batch_of_classes(name, shape, dtype):
    x, t = np.zeros(shape, dtype), np.zeros(shape[:1] + shape[2:], int)
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    assert np.isnan(value)
    assert dx.shape == shape
    assert getattr(fastconv, name)(x, t, reduction="sum") == 0
    assert getattr(fastconv, name)(x, t, reduction="none").shape == t.shape
    if name == "cross_entropy":
        assert np.isnan(fastconv.cross_entropy(x, x))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_all_rows_ignored(name):
    x, t = numbers(32, (3, 4), count=1)[0], np.full(3, -100)
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    assert np.isnan(value)
    assert (dx == 0).all()
    assert getattr(fastconv, name)(x, t, reduction="sum") == 0


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "cross_entropy_backward", "nll_loss_backward"])
def test_wrong_arguments_of_classes(name):
    f, x, t = getattr(fastconv, name), np.zeros((3, 5)), np.zeros(3, int)
    out = np.full((3, 5) if "backward" in name else (), 7.0)
    for wrong in (5, -1, 2**40, -(2**62)):
        with pytest.raises(ValueError, match=rf"class indices from 0 to 4, or -100 \(ignored\), got {wrong}"):
            f(x, np.array([0, wrong, 1]), out=out)
    with pytest.raises(ValueError, match=r"class indices from 0 to 4, .* got 18446744073709551615"):
        f(x, np.full(3, 2**64 - 1, np.uint64), out=out)
    assert (out == 7).all()
    with pytest.raises(ValueError, match=r"got -100"):
        f(x, np.array([0, -100, 1]), ignore_index=-1)
    with pytest.raises(ValueError, match=r"targets must have shape \(3,\) .*got \(2,\)"):
        f(x, t[:2])
    with pytest.raises(ValueError, match=r"targets must have shape"):
        f(np.zeros((3, 5, 2)), t)
    with pytest.raises(TypeError, match=r"targets must be integers .*got bool"):
        f(x, np.zeros(3, bool))
    with pytest.raises(TypeError, match="must be float32 or float64"):
        f(x.astype(int), t)
    for shape in ((), (3, 0), (0,)):
        with pytest.raises(ValueError, match="must have at least one dimension and one class"):
            f(np.zeros(shape), t)
    with pytest.raises(ValueError, match=r"weight must have shape \(5,\)"):
        f(x, t, np.ones(4))
    with pytest.raises(ValueError, match="weight must have 1 dimensions"):
        f(x, t, np.ones((5, 1)))
    with pytest.raises(TypeError, match="same dtype"):
        f(x, t, np.ones(5, "float32"))
    with pytest.raises(ValueError, match="reduction must be one of"):
        f(x, t, reduction="half_sum")
    with pytest.raises(TypeError, match="ignore_index must be an integer"):
        f(x, t, ignore_index=None)
    with pytest.raises(ValueError, match="out must have shape"):
        f(x, t, out=np.zeros(2))
