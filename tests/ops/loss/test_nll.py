"""The negative log-likelihood, against the textbook row by row."""

import numpy as np
import pytest
from loss_cases import (
    CLASS_SHAPES,
    WEIGHTED,
    class_loss,
    classes_for,
    every_dtype,
    every_reduction,
    numbers,
    slope,
)

import fastconv


@every_dtype
@every_reduction
@WEIGHTED
@pytest.mark.parametrize("shape", CLASS_SHAPES)
def test_nll(shape, weighted, reduction, dtype):
    x = -np.abs(numbers(15, shape, dtype, 1)[0])
    t = classes_for(16, shape)
    arguments = {"reduction": reduction}
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1]).astype(dtype)
    if t.size > 1:
        arguments["ignore_index"] = t.flat[0]
    value, dx = fastconv.nll_loss(x, t, **arguments, return_gradient=True)
    want = class_loss(x.astype(np.longdouble), t, **arguments, logits=False)
    np.testing.assert_allclose(value, np.asarray(want, dtype), rtol=8 * np.finfo(dtype).eps)
    if x.size < 100:
        f = lambda x: class_loss(x, t, **arguments, logits=False)  # noqa: E731
        np.testing.assert_allclose(dx, slope(f, x), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(dx, fastconv.nll_loss_backward(x, t, **arguments))


def test_cross_entropy_is_nll_of_log_softmax():
    x, t = numbers(17, (5, 9), count=1)[0], classes_for(18, (5, 9))
    np.testing.assert_allclose(fastconv.cross_entropy(x, t), fastconv.nll_loss(fastconv.log_softmax(x), t), rtol=1e-14)
    chained = fastconv.log_softmax_backward(fastconv.nll_loss_backward(fastconv.log_softmax(x), t), x)
    np.testing.assert_allclose(fastconv.cross_entropy_backward(x, t), chained, atol=1e-15)
