"""Cross entropy of yes-or-no questions."""

from functools import partial
from typing import Any

import numpy as np

from ...typing import Array, Call
from .. import check
from ..elementwise import array_beside
from ..habits import op
from .common import REDUCTIONS, check_range
from .elements import differentiate, elements_call, evaluate


@op
def binary_cross_entropy_with_logits(
    x: Array,
    targets: Array,
    reduction: str = "mean",
    pos_weight: Array | None = None,
    weight: Array | None = None,
    *,
    return_gradient: bool = False,
    out: Array | None = None,
) -> Any:  # the loss, or (loss, dx) with return_gradient
    """Cross entropy of independent yes-or-no questions, from logits.

    L = mean of -v (w t log s + (1 - t) log(1 - s)), s = sigmoid(x), w = pos_weight or 1, v = weight or 1

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
    pos_weight : array that broadcasts to the shape of `x`, optional
        The weight of the yes of each question.
    weight : array that broadcasts to the shape of `x`, optional
        The weight of each question; the mean still divides by their number.
    return_gradient : bool
        Also return the gradient with respect to `x`.
    out : array, optional
        Where the loss goes; of shape () unless reduction is "none".

    Returns
    -------
    loss : scalar of the dtype of `x`; reduction "none": array, shape of `x`
    dx : array, shape of `x`; only with return_gradient

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, another reduction, weights that do not broadcast to the shape of `x`, an `out` that does not
        fit.

    Notes
    -----
    Right for logits of any size: log(1 - s) is never formed. Targets may be any numbers from 0 to 1. An infinite logit
    gives the limit: 0 if its sign agrees with a target of 0 or 1 or the weight is 0, else inf; the gradient stays
    finite. The loss is never below 0. A NaN affects only the value and the gradient of its element. Error: within 16
    eps (1 + L).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.binary_cross_entropy_with_logits(np.array([0.0, 100.0]), np.array([1.0, 1.0]))
    np.float64(0.34657359027997264)
    """
    reduction = check.word(reduction, "reduction", REDUCTIONS)
    targets, right = probabilities(x, targets)
    weights = element_weight("pos_weight", pos_weight, x), element_weight("weight", weight, x)
    prepare, checks = binary_cross_entropy_with_logits_call, (right,)
    return evaluate(prepare, out, return_gradient, reduction, *weights, checks=checks, x=x, targets=targets)


@op
def binary_cross_entropy_with_logits_backward(
    x: Array,
    targets: Array,
    reduction: str = "mean",
    pos_weight: Array | None = None,
    weight: Array | None = None,
    *,
    dy: Array | float = 1.0,
    out: Array | None = None,
) -> Array:
    """The gradient of `binary_cross_entropy_with_logits` with respect to `x`.

    dx = dy v ((1 - t) s - w t (1 - s)) / count, s = sigmoid(x)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
    pos_weight : array that broadcasts to the shape of `x`, optional
        The weight of the yes of each question.
    weight : array that broadcasts to the shape of `x`, optional
        The weight of each question; the mean still divides by their number.
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dx : array, shape of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a `dy` that is not a number.
    ValueError
        Shapes that differ, another reduction, weights that do not broadcast to the shape of `x`, an `out` that does not
        fit.

    Notes
    -----
    The gradient stays finite for infinite logits; a NaN affects only the gradient of its element.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.binary_cross_entropy_with_logits_backward(np.array([0.0, 100.0]), np.array([1.0, 0.0]), "sum")
    array([-0.5,  1. ])
    """
    reduction = check.word(reduction, "reduction", REDUCTIONS)
    targets, right = probabilities(x, targets)
    weights = element_weight("pos_weight", pos_weight, x), element_weight("weight", weight, x)
    prepare, checks = binary_cross_entropy_with_logits_call, (right,)
    return differentiate(prepare, out, dy, reduction, *weights, checks=checks, x=x, targets=targets)


def probabilities(x: Array, targets: Array) -> tuple[Array, Call]:
    """Targets, checked to be the answers of questions, and the call that checks them.

    Logits in their place would give another loss without a word.
    """
    targets = array_beside(targets, "targets", check.array(x, "x"))
    return targets, check_range(targets, "logits")


def element_weight(name: str, weight: Array | None, x: Array) -> Array | None:
    """A weight of every element, checked; None stays."""
    if weight is None:
        return None
    x = check.array(x, "x")
    weight = array_beside(weight, name, x)
    check.same_dtype(x=x, **{name: weight})
    try:
        return np.broadcast_to(weight, x.shape)
    except ValueError:
        raise ValueError(f"{name} must broadcast to the shape of x, {x.shape}, got shape {weight.shape}") from None


# ---------------------------------------------------------------- prepared calls


def binary_cross_entropy_with_logits_call(
    x: Array,
    targets: Array,
    value: Array,
    dx: Array | None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
    weight: Array | None = None,
    dy: float = 1.0,
) -> Call:
    if pos_weight is not None and weight is not None:
        return partial(run_both_weights, x, targets, value, dx, reduction, pos_weight, weight, dy)
    if weight is not None:
        return elements_call("bce_weighted", x, targets, weight, value, dx, reduction, dy)
    kernel = "bce" if pos_weight is None else "bce_positive"
    return elements_call(kernel, x, targets, pos_weight, value, dx, reduction, dy)


def run_both_weights(
    x: Array,
    targets: Array,
    value: Array,
    dx: Array | None,
    reduction: str,
    pos_weight: Array,
    weight: Array,
    dy: float,
) -> None:
    """As a weight of the yes and one of the no: v w t and v (1 - t)."""
    yes, no = np.asarray(weight * pos_weight * targets), np.asarray(weight * (1 - targets))
    elements_call("bce_sides", x, yes, no, value, dx, reduction, dy)()
