"""Negative log-likelihood of log-probabilities and class indices, with its gradient."""

from typing import Any

from ...typing import Array, Call
from ..habits import op
from .classes import class_arguments, classes_call, differentiate_classes, evaluate_classes


@op
def nll_loss(
    x: Array,
    targets: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    return_gradient: bool = False,
    out: Array | None = None,
) -> Any:  # the loss, or (loss, dx) with return_gradient
    """Negative log likelihood of classes, from log-probabilities.

    L = mean of -w[t] x[t] over the rows

    Parameters
    ----------
    x : array (N, K), (K,) or (N, K, ...), float32 or float64
        Log-probabilities, as `log_softmax` gives them.
    targets : array of integers (N,), () or (N, ...)
        The class of each row.
    weight : array (K,), dtype of `x`, optional
        The weight of each class.
    ignore_index : int
        Rows with this class count for nothing.
    reduction : "mean", "sum" or "none"
        "mean" divides by the weights of the rows' classes.
    return_gradient : bool
        Also return the gradient with respect to `x`.
    out : array, optional
        Where the loss goes; of shape () unless reduction is "none".

    Returns
    -------
    loss : scalar of the dtype of `x`; reduction "none": array, `x` without its class axis
    dx : array, shape of `x`; only with return_gradient

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; targets that are not integers.
    ValueError
        Shapes that do not agree, a class outside 0 ... K - 1 (found before anything is computed), another reduction, an
        `out` that does not fit.

    Notes
    -----
    Error: within 8 eps |L|. A row whose weight is 0 costs nothing, even at -inf. A mean over nothing is as in
    `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.nll_loss(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    np.float64(1.3862943611198906)
    """
    given = class_arguments("x", x, targets, weight, ignore_index, reduction)
    return evaluate_classes(nll_loss_call, out, return_gradient, *given)


@op
def nll_loss_backward(
    x: Array,
    targets: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    dy: Array | float = 1.0,
    out: Array | None = None,
) -> Array:
    """The gradient of `nll_loss` with respect to `x`.

    dx[k] = -dy w[t] / count for the row's class k = t, else 0

    Parameters
    ----------
    x : array (N, K), (K,) or (N, K, ...), float32 or float64
        Log-probabilities, as `log_softmax` gives them.
    targets : array of integers (N,), () or (N, ...)
        The class of each row.
    weight : array (K,), dtype of `x`, optional
        The weight of each class.
    ignore_index : int
        Rows with this class count for nothing.
    reduction : "mean", "sum" or "none"
        "mean" divides by the weights of the rows' classes.
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dx : array, shape of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; targets that are not integers, a `dy` that is not a
        number.
    ValueError
        Shapes that do not agree, a class outside 0 ... K - 1 (found before anything is computed), another reduction, an
        `out` that does not fit.

    Notes
    -----
    dx is 0 along ignored rows and where a mean is over nothing.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.nll_loss_backward(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    array([[-1.,  0.]])
    """
    given = class_arguments("x", x, targets, weight, ignore_index, reduction)
    return differentiate_classes(nll_loss_call, out, dy, *given)


def nll_loss_call(
    x: Array,
    targets: Array,
    value: Array,
    dx: Array | None,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    dy: float = 1.0,
) -> Call:
    numbers = (ignore_index, reduction == "mean", dy)
    return classes_call("nll", x, targets, weight, value, dx, reduction, *numbers)
