"""Losses of differences, element by element: squares, absolute values, Huber's mixture of both."""

import numpy as np

from .. import check
from ..elementwise import agreeing, like, positive
from .common import REDUCTIONS, arriving, bind, given_back, result, returned


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

    Notes
    -----
    A square that overflows the dtype of `x` (of 1e20 in float32) is inf, and so are the sum and the mean.

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

    Notes
    -----
    The gradient is 0 where x = t, NaN where x - t is NaN.

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

    Notes
    -----
    The gradient is continuous at |x - t| = delta, delta or -delta where x - t is infinite, NaN where it is NaN.

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


# ---------------------------------------------------------------- prepared calls


def mse_loss_call(x, targets, value, dx, reduction="mean", dy=1.0):
    return elements_call("mse", x, targets, None, value, dx, reduction, dy)


def l1_loss_call(x, targets, value, dx, reduction="mean", dy=1.0):
    return elements_call("l1", x, targets, None, value, dx, reduction, dy)


def huber_loss_call(x, targets, value, dx, reduction="mean", delta=1.0, dy=1.0):
    return elements_call("huber", x, targets, None, value, dx, reduction, dy, delta)


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
