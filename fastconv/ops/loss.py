"""Losses, each with its gradient in the same pass over the data: `<loss>(..., return_gradient=True)`.

Each has two halves: the public function checks, takes or makes the results, and runs a prepared call; the `_call` makes
that prepared call from checked arrays. Networks use the `_call` alone.

Sums are made in double over fixed blocks in their order: the same bits for any number of threads. A mean over nothing
(an empty batch, or every target ignored) is NaN, as in PyTorch.
"""

from functools import partial

import numpy as np

from .. import kernels
from . import check
from .elementwise import agreeing, like, positive, views

REDUCTIONS = ("mean", "sum", "none")


def mse_loss(x, targets, reduction="mean", *, return_gradient=False, out=None):
    """Squares of differences.

    L = mean (x - t)^2;  "half_sum": L = 1 / (2 N) sum (x - t)^2

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum", "none" or "half_sum"
        "half_sum" is the form of the sources (Zhang 2016, eq. 13): half the sum of squares of each sample, averaged
        over the N samples along the first axis, so that the gradient is averaged over the batch. It divides by N, not
        by the number of elements.
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
        Other dtypes, dtypes that differ, arguments that are not numbers.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(3.5)
    >>> fastconv.mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "half_sum")
    np.float64(3.5)
    """
    check.choice(reduction, "reduction", (*REDUCTIONS, "half_sum"))
    return evaluate(mse_loss_call, out, return_gradient, reduction, x=x, targets=targets)


def mse_loss_backward(x, targets, reduction="mean", *, dy=1.0, out=None):
    """The gradient of `mse_loss` with respect to `x`.

    dx = 2 dy (x - t) / count;  "half_sum": dx = dy (x - t) / N

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum", "none" or "half_sum"
        "half_sum" is the form of the sources (Zhang 2016, eq. 13): half the sum of squares of each sample, averaged
        over the N samples along the first axis, so that the gradient is averaged over the batch. It divides by N, not
        by the number of elements.
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dx : array, shape of `x`

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mse_loss_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "half_sum")
    array([[0. , 0.5],
           [1. , 1.5]])
    """
    check.choice(reduction, "reduction", (*REDUCTIONS, "half_sum"))
    return differentiate(mse_loss_call, out, dy, reduction, x=x, targets=targets)


def l1_loss(x, targets, reduction="mean", *, return_gradient=False, out=None):
    """Absolute differences.

    L = mean |x - t|

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
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
        Other dtypes, dtypes that differ, arguments that are not numbers.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.l1_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(1.5)
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    return evaluate(l1_loss_call, out, return_gradient, reduction, x=x, targets=targets)


def l1_loss_backward(x, targets, reduction="mean", *, dy=1.0, out=None):
    """The gradient of `l1_loss` with respect to `x`.

    dx = dy sign(x - t) / count

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dx : array, shape of `x`

    Raises
    ------
    TypeError, ValueError
        As `l1_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.l1_loss_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "sum")
    array([[0., 1.],
           [1., 1.]])
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    return differentiate(l1_loss_call, out, dy, reduction, x=x, targets=targets)


def huber_loss(x, targets, reduction="mean", delta=1.0, *, return_gradient=False, out=None):
    """Squares of small differences, absolute values of large ones.

    L = mean of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = x - t

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
    delta : float > 0
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
        Other dtypes, dtypes that differ, arguments that are not numbers.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.huber_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(1.125)
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    delta = positive(delta, "delta")
    return evaluate(huber_loss_call, out, return_gradient, reduction, delta, x=x, targets=targets)


def huber_loss_backward(x, targets, reduction="mean", delta=1.0, *, dy=1.0, out=None):
    """The gradient of `huber_loss` with respect to `x`.

    dx = dy min(max(x - t, -delta), delta) / count

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum" or "none"
    delta : float > 0
    dy : float, or (reduction "none") array of the shape of the loss
        The gradient that arrives at the loss.
    out : array, optional

    Returns
    -------
    dx : array, shape of `x`

    Raises
    ------
    TypeError, ValueError
        As `huber_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.huber_loss_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "sum", 1.5)
    array([[0. , 1. ],
           [1.5, 1.5]])
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    delta = positive(delta, "delta")
    return differentiate(huber_loss_call, out, dy, reduction, delta, x=x, targets=targets)


def binary_cross_entropy_with_logits(
    x, targets, reduction="mean", pos_weight=None, weight=None, *, return_gradient=False, out=None
):
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
        Other dtypes, dtypes that differ, arguments that are not numbers.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

    Notes
    -----
    Right for logits of any size: log(1 - s) is never formed. Targets may be any numbers from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.binary_cross_entropy_with_logits(np.array([0.0, 100.0]), np.array([1.0, 1.0]))
    np.float64(0.34657359027997264)
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    weights = element_weight("pos_weight", pos_weight, x), element_weight("weight", weight, x)
    prepare = binary_cross_entropy_with_logits_call
    return evaluate(prepare, out, return_gradient, reduction, *weights, x=x, targets=targets)


def binary_cross_entropy_with_logits_backward(
    x, targets, reduction="mean", pos_weight=None, weight=None, *, dy=1.0, out=None
):
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
    TypeError, ValueError
        As `binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.binary_cross_entropy_with_logits_backward(np.array([0.0, 100.0]), np.array([1.0, 0.0]), "sum")
    array([-0.5,  1. ])
    """
    check.choice(reduction, "reduction", REDUCTIONS)
    weights = element_weight("pos_weight", pos_weight, x), element_weight("weight", weight, x)
    return differentiate(binary_cross_entropy_with_logits_call, out, dy, reduction, *weights, x=x, targets=targets)


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
    A row of -inf alone, or one that holds NaN or +inf, gives NaN; an ignored row gives 0 whatever it holds.

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


# ---------------------------------------------------------------- checks shared by all


def evaluate(prepare, out, return_gradient, reduction, *numbers, **arrays):
    """The loss of elements, and its gradient if wanted."""
    arrays = agreeing(arrays)
    x, targets = arrays.values()
    value = check.output(out, x.shape if reduction == "none" else (), x.dtype, **arrays)
    dx = like(None, {"x": x}) if return_gradient else None
    prepare(x, targets, value, dx, reduction, *numbers)()
    return returned(value, out, dx)


def differentiate(prepare, out, dy, reduction, *numbers, **arrays):
    """The gradient of a loss of elements."""
    arrays = agreeing(arrays)
    x, targets = arrays.values()
    factor, each = arriving(dy, x.shape if reduction == "none" else None, x.dtype)
    dx = result(out, x, arrays)
    value = np.empty(x.shape if reduction == "none" else (), x.dtype)
    prepare(x, targets, value, dx, reduction, *numbers, dy=factor)()
    return given_back(dx, each, out)


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


def result(out, x, arrays):
    """The gradient: `out`, which must not be an input here, or a new array in the memory order of x."""
    return like(None, {"x": x}) if out is None else check.output(out, x.shape, x.dtype, **arrays)


def returned(value, out, dx):
    value = check.give(value, out) if out is not None else value[()]
    return value if dx is None else (value, dx)


def arriving(dy, shape, dtype):
    """(factor, None), or (1, array) where each row or element has its own gradient arriving (`shape` not None)."""
    if shape is None or np.ndim(dy) == 0:
        return check.number(dy, "dy"), None
    dy = check.array(dy, "dy")
    check.shape_is(dy, "dy", shape, "the shape of the loss")
    check.same_dtype(x=np.empty(0, dtype), dy=dy)
    return 1.0, dy


def given_back(dx, each, out):
    if each is not None:
        dx *= each
    return check.give(dx, out)


def element_weight(name, weight, x):
    """A weight of every element, checked; None stays."""
    if weight is None:
        return None
    weight, x = check.array(weight, name), check.array(x, "x")
    check.same_dtype(x=x, **{name: weight})
    try:
        return np.broadcast_to(weight, x.shape)
    except ValueError:
        raise ValueError(f"{name} must broadcast to the shape of x, {x.shape}, got shape {weight.shape}") from None


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


def mse_loss_call(x, targets, value, dx, reduction="mean", dy=1.0):
    return elements_call("mse", x, targets, None, value, dx, reduction, dy)


def l1_loss_call(x, targets, value, dx, reduction="mean", dy=1.0):
    return elements_call("l1", x, targets, None, value, dx, reduction, dy)


def huber_loss_call(x, targets, value, dx, reduction="mean", delta=1.0, dy=1.0):
    return elements_call("huber", x, targets, None, value, dx, reduction, dy, delta)


def binary_cross_entropy_with_logits_call(
    x, targets, value, dx, reduction="mean", pos_weight=None, weight=None, dy=1.0
):
    if pos_weight is not None and weight is not None:
        return partial(run_both_weights, x, targets, value, dx, reduction, pos_weight, weight, dy)
    if weight is not None:
        return elements_call("bce_weighted", x, targets, weight, value, dx, reduction, dy)
    kernel = "bce" if pos_weight is None else "bce_positive"
    return elements_call(kernel, x, targets, pos_weight, value, dx, reduction, dy)


def run_both_weights(x, targets, value, dx, reduction, pos_weight, weight, dy):
    """As a weight of the yes and one of the no: v w t and v (1 - t)."""
    yes, no = weight * pos_weight * targets, weight * (1 - targets)
    elements_call("bce_sides", x, yes, no, value, dx, reduction, dy)()


def elements_call(kernel, x, targets, weight, value, dx, reduction, dy, *numbers):
    each = reduction == "none"
    scale = scale_of(reduction, x.shape)
    inputs = [targets] if weight is None else [targets, weight]
    value = value if each else value.reshape(1)
    return bind(kernel, x, inputs, [value if each else None, dx], None if each else value, scale, dy * scale, *numbers)


def scale_of(reduction, shape):
    """What the sum over all elements is multiplied with."""
    if reduction in ("sum", "none"):
        return 1.0
    if reduction == "mean":
        size = np.prod(shape, dtype=float)
        return 1 / size if size else np.nan
    samples = shape[0] if shape else 1  # the half of each sample's sum of squares, averaged over the samples
    return 0.5 / samples if samples else np.nan


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


def bind(kernel, x, inputs, results, value, *numbers, axis=None, weight=()):
    """The kernel bound to views that it accepts; None among the results stays."""
    present = [a for a in results if a is not None]
    groups = views([*inputs, *present, x], axis)
    if len(groups) > 1:  # more than four axes of unlike strides
        return partial(run_copied, kernel, x, inputs, results, value, numbers, axis, weight)
    *operands, x = groups[0]
    operands[len(inputs) :] = placed(operands[len(inputs) :], results)
    run = getattr(kernels.load(x.dtype).loss, kernel)
    return partial(run, x, operands[0], *weight, *operands[1:], value, *numbers)


def placed(views_of_present, results):
    found = iter(views_of_present)
    return [None if a is None else next(found) for a in results]


def run_copied(kernel, x, inputs, results, value, numbers, axis, weight):
    copies = [None if a is None else np.empty(a.shape, a.dtype) for a in results]
    x, *inputs = (np.array(a, order="C") for a in (x, *inputs))
    bind(kernel, x, inputs, copies, value, *numbers, axis=axis, weight=weight)()
    for a, copy in zip(results, copies, strict=True):
        if a is not None:
            np.copyto(a, copy)
