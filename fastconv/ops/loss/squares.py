"""Mean of squared differences, with its gradient."""

from typing import Any

from ...typing import Array, Call
from .. import check
from ..habits import op
from .common import REDUCTIONS
from .elements import differentiate, elements_call, evaluate


@op
def mse_loss(
    x: Array, targets: Array, reduction: str = "mean", *, return_gradient: bool = False, out: Array | None = None
) -> Any:  # the loss, or (loss, dx) with return_gradient
    """Squares of differences.

    L = mean (x - t)^2;  "half_sum": L = 1 / (2 N) sum (x - t)^2

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum", "none" or "half_sum"
        "half_sum" is Zhang 2016 [1], eq. 13: half the sum of squares of each sample, averaged over the N samples along
        the first axis, so that the gradient is averaged over the batch. It divides by N, not by the number of elements.
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
    Error: within 16 eps (1 + L). A square that overflows the dtype of `x` (of 1e20 in float32) is inf, and so are the
    sum and the mean.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    np.float64(3.5)
    >>> fastconv.mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "half_sum")
    np.float64(3.5)
    """
    reduction = check.word(reduction, "reduction", (*REDUCTIONS, "half_sum"))
    return evaluate(mse_loss_call, out, return_gradient, reduction, x=x, targets=targets)


@op
def mse_loss_backward(
    x: Array, targets: Array, reduction: str = "mean", *, dy: Array | float = 1.0, out: Array | None = None
) -> Array:
    """The gradient of `mse_loss` with respect to `x`.

    dx = 2 dy (x - t) / count;  "half_sum": dx = dy (x - t) / N

    Parameters
    ----------
    x : array of any shape, float32 or float64
    targets : array, shape and dtype of `x`
    reduction : "mean", "sum", "none" or "half_sum"
        As in `mse_loss`.
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
    "half_sum" gives the first factor of Zhang 2016 [1], eq. 16, averaged over the batch.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mse_loss_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), "half_sum")
    array([[0. , 0.5],
           [1. , 1.5]])
    """
    reduction = check.word(reduction, "reduction", (*REDUCTIONS, "half_sum"))
    return differentiate(mse_loss_call, out, dy, reduction, x=x, targets=targets)


def mse_loss_call(
    x: Array, targets: Array, value: Array, dx: Array | None, reduction: str = "mean", dy: float = 1.0
) -> Call:
    return elements_call("mse", x, targets, None, value, dx, reduction, dy)
