"""Losses that grow like the absolute difference: L1 and Huber, with their gradients."""

from typing import Any

from ...typing import Array, Call
from .. import check
from ..elementwise import positive
from ..habits import op
from .common import REDUCTIONS
from .elements import differentiate, elements_call, evaluate


@op
def l1_loss(
    x: Array, targets: Array, reduction: str = "mean", *, return_gradient: bool = False, out: Array | None = None
) -> Any:  # the loss, or (loss, dx) with return_gradient
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
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

    Notes
    -----
    Error: within 16 eps (1 + L).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.l1_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(1.5)
    """
    reduction = check.word(reduction, "reduction", REDUCTIONS)
    return evaluate(l1_loss_call, out, return_gradient, reduction, x=x, targets=targets)


@op
def l1_loss_backward(
    x: Array, targets: Array, reduction: str = "mean", *, dy: Array | float = 1.0, out: Array | None = None
) -> Array:
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
    TypeError
        Dtypes other than float32 and float64, or that differ; a `dy` that is not a number.
    ValueError
        Shapes that differ, another reduction, an `out` that does not fit.

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
    reduction = check.word(reduction, "reduction", REDUCTIONS)
    return differentiate(l1_loss_call, out, dy, reduction, x=x, targets=targets)


@op
def huber_loss(
    x: Array,
    targets: Array,
    reduction: str = "mean",
    delta: float = 1.0,
    *,
    return_gradient: bool = False,
    out: Array | None = None,
) -> Any:  # the loss, or (loss, dx) with return_gradient
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
        Dtypes other than float32 and float64, or that differ; a `delta` that is not a number.
    ValueError
        Shapes that differ, another reduction, a `delta` not above 0, an `out` that does not fit.

    Notes
    -----
    Error: within 16 eps (1 + L). Huber 1964 [32].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.huber_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(1.125)
    """
    reduction, delta = huber_reduction(reduction), positive(delta, "delta")
    return evaluate(huber_loss_call, out, return_gradient, reduction, delta, x=x, targets=targets)


@op
def huber_loss_backward(
    x: Array,
    targets: Array,
    reduction: str = "mean",
    delta: float = 1.0,
    *,
    dy: Array | float = 1.0,
    out: Array | None = None,
) -> Array:
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
    TypeError
        Dtypes other than float32 and float64, or that differ; a `delta` or `dy` that is not a number.
    ValueError
        Shapes that differ, another reduction, a `delta` not above 0, an `out` that does not fit.

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
    reduction, delta = huber_reduction(reduction), positive(delta, "delta")
    return differentiate(huber_loss_call, out, dy, reduction, delta, x=x, targets=targets)


def huber_reduction(reduction: str) -> str:
    """`reduction`, checked; a number in its place is delta."""
    if isinstance(reduction, int | float) and not isinstance(reduction, bool):
        words = ", ".join(map(repr, REDUCTIONS))
        raise ValueError(f"reduction must be one of {words}, got {reduction!r}; write delta={reduction!r}")
    return check.word(reduction, "reduction", REDUCTIONS)


def l1_loss_call(
    x: Array, targets: Array, value: Array, dx: Array | None, reduction: str = "mean", dy: float = 1.0
) -> Call:
    return elements_call("l1", x, targets, None, value, dx, reduction, dy)


def huber_loss_call(
    x: Array,
    targets: Array,
    value: Array,
    dx: Array | None,
    reduction: str = "mean",
    delta: float = 1.0,
    dy: float = 1.0,
) -> Call:
    return elements_call("huber", x, targets, None, value, dx, reduction, dy, delta)
