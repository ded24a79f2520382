"""Values above a threshold, with its backward."""

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, call
from ..habits import op


@op
def threshold(x: Array, threshold: float, value: float, *, out: Array | None = None) -> Array:
    """Values above a threshold, and another value instead of all others.

    y = x where x > threshold, else value

    Parameters
    ----------
    x : array of any shape, float32 or float64
    threshold, value : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a `threshold` or `value` that is not a number.
    ValueError
        An `out` that does not fit.

    Notes
    -----
    Exact; NaN gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.threshold(np.array([0.5, 2.0]), 1.0, -7.0)
    array([-7.,  2.])
    """
    return apply(threshold_call, out, check.number(threshold, "threshold"), check.number(value, "value"), x=x)


@op
def threshold_backward(dy: Array, x: Array, threshold: float, *, out: Array | None = None) -> Array:
    """The gradient of `threshold` with respect to its input.

    dx = dy where x > threshold, else 0

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    threshold : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a `threshold` that is not a number.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    dx is 0 at x = threshold, whatever dy is. Where x is NaN, dx is dy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.threshold_backward(np.ones(2), np.array([0.5, 2.0]), 1.0)
    array([0., 1.])
    """
    return apply(threshold_backward_call, out, check.number(threshold, "threshold"), dy=dy, x=x)


def threshold_call(x: Array, y: Array, threshold: float, value: float) -> Call:
    return call("threshold", x, y, numbers=(threshold, value))


def threshold_backward_call(dy: Array, x: Array, dx: Array, threshold: float) -> Call:
    return call("threshold_backward", dy, x, dx, numbers=(threshold,))
