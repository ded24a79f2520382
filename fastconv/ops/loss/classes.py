"""Losses over classes: cross entropy from logits, negative log likelihood."""

import numpy as np

from .. import check
from ..elementwise import like
from .common import REDUCTIONS, arriving, bind, given_back, result, returned


def cross_entropy(
    logits,
    targets,
    weight=None,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
    *,
    return_gradient=False,
    out=None,
):
    """Cross entropy of classes, from logits.

    L = mean of -sum_k g[k] log p[k], p = softmax(logits) over the second axis (the only one of (K,))
    g[k] = w[k] ((1 - e) t[k] + e / K), e = label_smoothing, t[k] = 1 for the class of the row and 0 for the others

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
        Other dtypes, dtypes that differ, targets that are neither integers nor probabilities.
    ValueError
        Shapes that do not agree, a class outside 0 ... K - 1 (found before anything is computed), another reduction,
        a smoothing outside 0 ... 1, an `out` that does not fit.

    Notes
    -----
    Infinite logits give limits: one +inf in a row has p = 1, so its class costs 0 and any other inf, and the gradient
    stays finite; a class whose g is 0 costs nothing, whatever its logit. A row of only -inf, with several +inf, or with
    NaN gives NaN in its own value and gradient; an ignored row gives 0 whatever it holds. The loss is never below 0.
    A mean over nothing (no rows, all ignored, weights that sum to 0) is NaN, or inf if the sum is not 0, with
    gradient 0.

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
    prepared, given = class_arguments("logits", logits, targets, weight, ignore_index, reduction, label_smoothing)
    return evaluate_classes(cross_entropy_call, out, return_gradient, prepared, given)


def cross_entropy_backward(
    logits,
    targets,
    weight=None,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
    *,
    dy=1.0,
    out=None,
):
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
    TypeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.cross_entropy_backward(np.zeros((1, 2)), np.array([1]))
    array([[ 0.5, -0.5]])
    """
    prepared, given = class_arguments("logits", logits, targets, weight, ignore_index, reduction, label_smoothing)
    return differentiate_classes(cross_entropy_call, out, dy, prepared, given)


def nll_loss(x, targets, weight=None, ignore_index=-100, reduction="mean", *, return_gradient=False, out=None):
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
    TypeError, ValueError
        As `cross_entropy`.

    Notes
    -----
    A row whose weight is 0 costs nothing, even at -inf. A mean over nothing is as in `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.nll_loss(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    np.float64(1.3862943611198906)
    """
    prepared, given = class_arguments("x", x, targets, weight, ignore_index, reduction)
    return evaluate_classes(nll_loss_call, out, return_gradient, prepared, given)


def nll_loss_backward(x, targets, weight=None, ignore_index=-100, reduction="mean", *, dy=1.0, out=None):
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
    TypeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.nll_loss_backward(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    array([[-1.,  0.]])
    """
    prepared, given = class_arguments("x", x, targets, weight, ignore_index, reduction)
    return differentiate_classes(nll_loss_call, out, dy, prepared, given)


def evaluate_classes(prepare, out, return_gradient, numbers, arrays):
    """The loss of rows of classes, and its gradient if wanted."""
    x, targets = arrays.values()
    value = check.output(out, rows_of(x) if numbers["reduction"] == "none" else (), x.dtype, **arrays)
    dx = like(None, {"x": x}) if return_gradient else None
    prepare(x, targets, value, dx, **numbers)()
    return returned(value, out, dx)


def differentiate_classes(prepare, out, dy, numbers, arrays):
    """The gradient of a loss of rows of classes."""
    x, targets = arrays.values()
    one_each = numbers["reduction"] == "none"
    factor, each = arriving(dy, rows_of(x) if one_each else None, x.dtype)
    dx = result(out, x, arrays)
    value = np.empty(rows_of(x) if one_each else (), x.dtype)
    prepare(x, targets, value, dx, **numbers, dy=factor)()
    return given_back(dx, None if each is None else np.expand_dims(each, class_axis(x)), out)


def class_axis(x):
    return min(1, x.ndim - 1)


def rows_of(x):
    """The shape of x without its class axis."""
    return x.shape[:1][: x.ndim - 1] + x.shape[2:]


def class_arguments(name, x, targets, weight, ignore_index, reduction, label_smoothing=None):
    """The arguments of a loss over classes, checked: the numbers of its prepared call, and the arrays by name."""
    x = check.array(x, name)
    if x.ndim == 0 or x.shape[class_axis(x)] == 0:
        raise ValueError(f"{name} must have at least one dimension and one class, got shape {x.shape}")
    K = x.shape[class_axis(x)]
    ignore_index = check.integer(ignore_index, "ignore_index")
    numbers = {"weight": weight, "ignore_index": ignore_index}
    numbers["reduction"] = check.choice(reduction, "reduction", REDUCTIONS)
    if weight is not None:
        numbers["weight"] = weight = check.array(weight, "weight", 1)
        check.shape_is(weight, "weight", (K,), f"one for each class of {name}")
        check.same_dtype(**{name: x}, weight=weight)
    targets = np.asarray(targets)
    if label_smoothing is not None:
        numbers["label_smoothing"] = smoothing(label_smoothing)
        if targets.dtype.kind == "f":
            return numbers, {name: x, "targets": probabilities(name, x, targets)}
    return numbers, {name: x, "targets": class_indices(targets, name, x, ignore_index)}


def smoothing(value):
    value = check.number(value, "label_smoothing")
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {value}")
    return value


def probabilities(name, x, targets):
    targets = check.array(targets, "targets")
    check.same_dtype(**{name: x}, targets=targets)
    check.shape_is(targets, "targets", x.shape, f"the shape of {name}, as they are probabilities")
    return targets


def class_indices(targets, name, x, ignored):
    """int64 indices, each below the number of classes or ignored."""
    if targets.dtype.kind not in "iu":
        raise TypeError(f"targets must be integers (class indices), got {targets.dtype}; use targets.astype('int64')")
    check.shape_is(targets, "targets", rows_of(x), f"one class for each row of {name}, which has shape {x.shape}")
    K = x.shape[class_axis(x)]
    wrong = targets[((targets < 0) | (targets >= K)) & (targets != ignored)]
    if wrong.size:
        raise ValueError(f"targets must be class indices from 0 to {K - 1}, or {ignored} (ignored), got {wrong[0]}")
    return targets.astype(np.int64)


# ---------------------------------------------------------------- prepared calls


def cross_entropy_call(
    logits, targets, value, dlogits, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0, dy=1.0
):
    if targets.dtype == np.int64:
        numbers = (ignore_index, label_smoothing, reduction == "mean", dy)
        return classes_call("cross_entropy", logits, targets, weight, value, dlogits, reduction, *numbers)
    numbers = (label_smoothing, reduction == "mean", dy)
    return classes_call("cross_entropy_probabilities", logits, targets, weight, value, dlogits, reduction, *numbers)


def nll_loss_call(x, targets, value, dx, weight=None, ignore_index=-100, reduction="mean", dy=1.0):
    numbers = (ignore_index, reduction == "mean", dy)
    return classes_call("nll", x, targets, weight, value, dx, reduction, *numbers)


def classes_call(kernel, x, targets, weight, value, dx, reduction, *numbers):
    axis = class_axis(x)
    targets = targets if targets.ndim == x.ndim else along(targets, axis, x.shape)
    each = along(value, axis, x.shape) if reduction == "none" else None
    one = value.reshape(1) if each is None else None
    return bind(kernel, x, [targets], [each, dx], one, *numbers, axis=axis, weight=(weight,))


def along(a, axis, shape):
    """`a` repeated along the class axis, without memory; writable if `a` is."""
    strides = (*a.strides[:axis], 0, *a.strides[axis:])
    return np.lib.stride_tricks.as_strided(a, shape, strides)
