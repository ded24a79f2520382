"""Binary cross-entropy with logits."""

import numpy as np
from loss_cases import (
    every_dtype,
    yes_or_no,
)

import fastconv


@every_dtype
def test_large_logits_of_yes_or_no(dtype):
    x = np.array([-1e4, -60, 60, 1e4, -60, 60], dtype)
    t = np.array([0, 0, 1, 1, 1, 0], dtype)
    want = np.array([0, np.exp(-60.0), np.exp(-60.0), 0, 60, 60])
    one = np.ones(1, dtype)
    for arguments in ({}, {"pos_weight": one}, {"weight": one}, {"pos_weight": one, "weight": one}):
        value = fastconv.binary_cross_entropy_with_logits(x, t, "none", **arguments)
        np.testing.assert_allclose(value, want, rtol=1e-6)
        dx = fastconv.binary_cross_entropy_with_logits_backward(x, t, "sum", **arguments)
        np.testing.assert_allclose(dx, [0, 0, 0, 0, -1, 1], atol=1e-7)


def test_weights_of_elements_and_their_mean():
    """The mean divides by the number of elements, whatever their weights."""
    x, t = np.array([[0.5, -1.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    for weight in (np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[2.0], [5.0]]), np.array(3.0)):
        want = (yes_or_no(x, t) * weight).sum() / 4
        value = fastconv.binary_cross_entropy_with_logits(x, t, weight=weight)
        np.testing.assert_allclose(value, want, rtol=1e-14)
