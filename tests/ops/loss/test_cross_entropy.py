"""Cross-entropy of logits with classes or probabilities, against the textbook row by row."""

import re

import numpy as np
import pytest
from loss_cases import (
    CLASS_SHAPES,
    SMOOTHING,
    WEIGHTED,
    class_loss,
    classes_for,
    every_dtype,
    every_reduction,
    numbers,
    shares_for,
    slope,
)

import fastconv
from fastconv.ops import loss as ops


@every_dtype
@every_reduction
@WEIGHTED
@SMOOTHING
@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("kind", ["classes", "some ignored", "probabilities"])
def test_cross_entropy(kind, shape, label_smoothing, weighted, reduction, dtype):
    x = 3 * numbers(10, shape, dtype, 1)[0]
    t = shares_for(11, shape, dtype) if kind == "probabilities" else classes_for(11, shape)
    arguments = {"reduction": reduction, "label_smoothing": label_smoothing}
    if kind == "some ignored" and t.size > 1:
        arguments["ignore_index"] = -7
        t.ravel()[::3] = -7
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1]).astype(dtype)
    want = class_loss(x.astype(np.longdouble), t, **arguments)
    value = fastconv.cross_entropy(x, t, **arguments)
    assert value.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, np.asarray(want, dtype), rtol=30 * eps, atol=30 * eps)


@every_reduction
@WEIGHTED
@SMOOTHING
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("kind", ["classes", "some ignored", "probabilities"])
def test_gradient_of_cross_entropy_against_central_differences(kind, shape, label_smoothing, weighted, reduction):
    x = numbers(12, shape, count=1)[0]
    t = shares_for(13, shape) if kind == "probabilities" else classes_for(13, shape)
    arguments = {"reduction": reduction, "label_smoothing": label_smoothing}
    if kind == "some ignored":
        arguments["ignore_index"] = 1
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1])
    dy = numbers(14, shape[:1] + shape[2:], count=1)[0] if reduction == "none" else 1.75
    want = slope(lambda x: class_loss(x, t, **arguments), x, dy)
    np.testing.assert_allclose(fastconv.cross_entropy_backward(x, t, **arguments, dy=dy), want, rtol=1e-8, atol=1e-9)
    if weighted:
        arguments["weight"] = arguments["weight"].astype("float32")
    x, dy = x.astype("float32"), dy.astype("float32") if reduction == "none" else dy
    t = t.astype("float32") if kind == "probabilities" else t
    single = fastconv.cross_entropy_backward(x, t, **arguments, dy=dy)
    np.testing.assert_allclose(single, want, rtol=1e-5, atol=1e-6)


def test_one_hot_probabilities_are_classes():
    x, t = numbers(19, (6, 5, 3), count=1)[0], classes_for(20, (6, 5, 3))
    shares = (np.arange(5)[:, None] == t[:, None]).astype(float)
    for smoothing in (0.0, 0.2):
        a = fastconv.cross_entropy(x, t, label_smoothing=smoothing, return_gradient=True)
        b = fastconv.cross_entropy(x, shares, label_smoothing=smoothing, return_gradient=True)
        np.testing.assert_allclose(a[0], b[0], rtol=1e-14)
        np.testing.assert_allclose(a[1], b[1], atol=1e-16)


@every_dtype
def test_logits_of_any_size(dtype):
    x = np.array([[1e4, 0, -1e4], [1e30, -1e30, 0], [-1e30, -1e30, -1e30]], dtype)
    t = np.array([1, 0, 2])
    value, dx = fastconv.cross_entropy(x, t, reduction="none", return_gradient=True)
    np.testing.assert_allclose(value, [1e4, 0, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(dx, [[1, -1, 0], [0, 0, 0], [1 / 3, 1 / 3, -2 / 3]], atol=1e-7)


@every_dtype
def test_nan_and_infinite_logits(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([[nan, 0, 0], [-inf, -inf, -inf], [0, inf, 0], [-inf, 0, 0], [0, 0, -inf]], dtype)
    t = np.array([1, 1, 1, 0, 0])
    value, dx = fastconv.cross_entropy(x, t, reduction="none", return_gradient=True)
    np.testing.assert_allclose(value, [nan, nan, 0, inf, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(dx[2:], [[0, 0, 0], [-1, 0.5, 0.5], [-0.5, 0.5, 0]], rtol=1e-6)
    assert np.isnan(dx[:2]).all()
    shares = np.array([[0, 0.5, 0.5]], dtype)  # an impossible class that has no share costs nothing
    np.testing.assert_allclose(fastconv.cross_entropy(x[3:4], shares), np.log(2), rtol=1e-6)


def test_wrong_probabilities_and_smoothing():
    x = np.zeros((3, 5))
    with pytest.raises(ValueError, match=r"targets must have shape \(3, 5\) .*probabilities"):
        fastconv.cross_entropy(x, np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"targets must be from 0 to 1, got -0\.5; logits come first"):
        fastconv.cross_entropy(x, np.full((3, 5), -0.5))
    with pytest.raises(TypeError, match="same dtype"):
        fastconv.cross_entropy(x, x.astype("float32"))
    with pytest.raises(TypeError, match=r"targets must be integers"):
        fastconv.nll_loss(x, x)
    for smoothing in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="label_smoothing must be from 0 to 1, got"):
            fastconv.cross_entropy(x, np.zeros(3, int), label_smoothing=smoothing)
    with pytest.raises(ValueError, match="out must not share memory with logits"):
        fastconv.cross_entropy_backward(x, np.zeros(3, int), out=x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("over", [1e-7, 5e-4])
def test_probabilities_that_were_rounded_are_taken(dtype, over):
    """Label smoothing or a softmax computed elsewhere, in half precision too, may leave 1.0005 and -1e-8."""
    logits = np.eye(3, dtype=dtype)
    given = np.array([[1 + over, -over / 10, 0]] * 3, dtype)
    want = fastconv.cross_entropy(logits, np.array([[1, 0, 0]] * 3, dtype))
    np.testing.assert_allclose(fastconv.cross_entropy(logits, given), want, rtol=2 * over + 1e-6)
    want = fastconv.binary_cross_entropy_with_logits(logits, np.array([[1, 0, 0]] * 3, dtype))
    np.testing.assert_allclose(fastconv.binary_cross_entropy_with_logits(logits, given), want, rtol=2 * over + 1e-6)


def test_targets_on_another_scale_are_told_the_line():
    logits, answers = np.array([0.5, -1, 2, 0]), np.array([1.0, 0, 0, 1])
    loss = fastconv.binary_cross_entropy_with_logits
    for targets, line in ((2 * answers - 1, "(targets + 1) / 2"), (255 * answers, "targets / 255")):
        with pytest.raises(ValueError, match=f"from 0 to 1, got .*write {re.escape(line)}$"):
            loss(logits, targets)
        assert loss(logits, eval(line)) == loss(logits, answers)
    with pytest.raises(ValueError, match=r"got 7\.0; logits come first, then targets$"):
        loss(logits, 7 * answers)
    assert np.isnan(loss(logits, np.array([np.nan, 1, 0, 0])))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integers_are_told_the_dtype_of_the_logits(dtype):
    x, targets = np.array([0.5, -1, 2], dtype), np.array([1, 0, 1])
    for loss in (fastconv.mse_loss, fastconv.l1_loss, fastconv.huber_loss, fastconv.binary_cross_entropy_with_logits):
        with pytest.raises(TypeError, match=rf"^targets must be .*got int64; write targets\.astype\('{dtype}'\)$"):
            loss(x, targets)
        assert loss(x, targets.astype(dtype)).dtype == dtype
    with pytest.raises(TypeError, match=rf"^weight must be .*\.astype\('{dtype}'\)$"):
        fastconv.cross_entropy(x[None], np.array([2]), weight=[1, 1, 2])
    with pytest.raises(TypeError, match=rf"^pos_weight must be .*\.astype\('{dtype}'\)$"):
        fastconv.binary_cross_entropy_with_logits(x, x * 0, pos_weight=3)


def test_a_prepared_call_refuses_a_class_out_of_range():
    """Targets change between the steps of a training: the kernel itself never reads outside."""
    x, t, value, dx = np.zeros((3, 5)), np.zeros(3, np.int64), np.zeros(()), np.full((3, 5), 7.0)
    run = ops.cross_entropy_call(x, t, value, dx)
    run()
    np.testing.assert_allclose(value, np.log(5))
    for wrong in (5, -1, 2**62):
        t[2] = wrong
        dx[...] = 7
        with pytest.raises(ValueError, match=rf"class indices from 0 to 4 or -100 \(ignored\), got {wrong}"):
            run()
        assert (dx == 7).all()
