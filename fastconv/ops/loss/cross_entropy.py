"""Cross entropy of logits and class indices, or class probabilities, with its gradient."""

from typing import Any

from ...typing import Array, Call
from .. import check
from ..habits import op
from .classes import class_arguments, classes_call, differentiate_classes, evaluate_classes


@op
def cross_entropy(
    logits: Array,
    targets: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    return_gradient: bool = False,
    out: Array | None = None,
) -> Any:  # the loss, or (loss, dx) with return_gradient
    """Cross entropy of classes, from logits.

    L = mean of -sum_k g[k] log p[k], p = softmax(logits) over the second axis (the only one of (K,))
    g[k] = w[k] ((1 - e) t[k] + e / K), e = label_smoothing, t[k] = 1 for the class of the row, else 0

    Parameters
    ----------
    logits : array (N, K), (K,) or (N, K, ...), float32 or float64
    targets : array of integers (N,), () or (N, ...), or array of the shape and dtype of `logits`
        The class of each row, or the probability of each class.
    weight : array (K,), dtype of `logits`, optional
        The weight of each class.
    ignore_index : int
        Rows with this class count for nothing.
    reduction : "mean", "sum" or "none"
        "mean" divides by the weights of the rows' classes (by the number of rows where targets are probabilities).
    label_smoothing : float from 0 to 1
        The share of each target that is spread over all classes.
    return_gradient : bool
        Also return the gradient with respect to `logits`.
    out : array, optional
        Where the loss goes; of shape () unless reduction is "none".

    Returns
    -------
    loss : scalar of the dtype of `logits`; reduction "none": array, `logits` without its class axis
    dlogits : array, shape of `logits`; only with return_gradient

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; targets that are neither integers nor probabilities.
    ValueError
        Shapes that do not agree, a class outside 0 ... K - 1 (found before anything is computed), another reduction, a
        smoothing outside 0 ... 1, an `out` that does not fit.

    Notes
    -----
    Error: within 30 eps (1 + L) for logits of order 1. Infinite logits give limits: one +inf in a row has p = 1, so its
    class costs 0 and any other inf, and the gradient stays finite; a class whose g is 0 costs nothing, whatever its
    logit. A row of only -inf, with several +inf, or with NaN gives NaN in its own value and gradient; an ignored row
    gives 0 whatever it holds. The loss is never below 0. A mean over nothing (no rows, all ignored, weights that sum to
    0) is NaN, or inf if the sum is not 0, with gradient 0. Label smoothing: Szegedy 2016 [33].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.cross_entropy(np.zeros((2, 4)), np.array([1, 3]))
    np.float64(1.3862943611198906)
    >>> loss, d = fastconv.cross_entropy(np.zeros((1, 2)), np.array([1]), return_gradient=True)
    >>> d
    array([[ 0.5, -0.5]])
    """
    given = class_arguments("logits", logits, targets, weight, ignore_index, reduction, label_smoothing)
    return evaluate_classes(cross_entropy_call, out, return_gradient, *given)


@op
def cross_entropy_backward(
    logits: Array,
    targets: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    dy: Array | float = 1.0,
    out: Array | None = None,
) -> Array:
    """The gradient of `cross_entropy` with respect to `logits`.

    dlogits[k] = dy (p[k] sum_j g[j] - g[k]) / count, g as in `cross_entropy`

    Parameters
    ----------
    logits : array (N, K), (K,) or (N, K, ...), float32 or float64
    targets : array of integers (N,), () or (N, ...), or array of the shape and dtype of `logits`
        The class of each row, or the probability of each class.
    weight : array (K,), dtype of `logits`, optional
        The weight of each class.
    ignore_index : int
        Rows with this class count for nothing.
    reduction : "mean", "sum" or "none"
        "mean" divides by the weights of the rows' classes (by the number of rows where targets are probabilities).
    label_smoothing : float from 0 to 1
        The share of each target that is spread over all classes.
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dlogits : array, shape of `logits`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; targets that are neither integers nor probabilities, a
        `dy` that is not a number.
    ValueError
        Shapes that do not agree, a class outside 0 ... K - 1 (found before anything is computed), another reduction, a
        smoothing outside 0 ... 1, an `out` that does not fit.

    Notes
    -----
    Infinite logits, NaN, ignored rows and a mean over nothing as in `cross_entropy`. Label smoothing: Szegedy 2016
    [33].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.cross_entropy_backward(np.zeros((1, 2)), np.array([1]))
    array([[ 0.5, -0.5]])
    """
    given = class_arguments("logits", logits, targets, weight, ignore_index, reduction, label_smoothing)
    return differentiate_classes(cross_entropy_call, out, dy, *given)


def cross_entropy_call(
    logits: Array,
    targets: Array,
    value: Array,
    dlogits: Array | None,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    dy: float = 1.0,
) -> Call:
    if targets.dtype == check.INT64:
        numbers: tuple[float, ...] = (ignore_index, label_smoothing, reduction == "mean", dy)
        return classes_call("cross_entropy", logits, targets, weight, value, dlogits, reduction, *numbers)
    numbers = (label_smoothing, reduction == "mean", dy)
    return classes_call("cross_entropy_probabilities", logits, targets, weight, value, dlogits, reduction, *numbers)
