"""Softmax and log-softmax over one axis, each with its backward."""

from ...typing import Array, Call
from ..elementwise import apply_along, apply_to_output, call
from ..habits import op


@op
def softmax(x: Array, axis: int | None = None, *, out: Array | None = None) -> Array:
    """Exponentials that sum to 1 along an axis.

    y[k] = exp(x[k] - m) / sum_j exp(x[j] - m), m = max_j x[j]

    Parameters
    ----------
    x : array of one dimension or more, float32 or float64
    axis : int, optional
        The axis over which the values sum to 1; by default that of the channels: -3 of images (C, H, W) and
        (N, C, H, W), the last of everything else.
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an axis that is not an integer.
    ValueError
        An axis that `x` has not, an `out` that does not fit.

    Notes
    -----
    Error: within (4 + |log y|) eps y. One +inf in a row gives the limit: 1 there, 0 elsewhere. A row of only -inf, with
    several +inf, or with NaN gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return apply_along(softmax_call, out, axis, x=x)


@op
def softmax_backward(
    dy: Array, x: Array | None = None, axis: int | None = None, *, y: Array | None = None, out: Array | None = None
) -> Array:
    """The gradient of `softmax` with respect to its input.

    dx[k] = y[k] (dy[k] - sum_j dy[j] y[j])

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    axis : int, optional
        The axis over which the values sum to 1; by default that of the channels: -3 of images (C, H, W) and
        (N, C, H, W), the last of everything else.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; neither `x` nor `y`, an axis that is not an integer.
    ValueError
        Shapes that differ, an axis that `dy` has not, an `out` that does not fit.

    Notes
    -----
    The gradient is 0 along a row of x with one +inf, and NaN where `softmax` gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    return apply_to_output(softmax_backward_call, softmax_call, out, dy, x, y, axis)


@op
def log_softmax(x: Array, axis: int | None = None, *, out: Array | None = None) -> Array:
    """The logarithm of `softmax`, right where that is too small to see.

    y[k] = x[k] - m - log sum_j exp(x[j] - m), m = max_j x[j]

    Parameters
    ----------
    x : array of one dimension or more, float32 or float64
    axis : int, optional
        The axis over which the values sum to 1; by default that of the channels: -3 of images (C, H, W) and
        (N, C, H, W), the last of everything else.
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an axis that is not an integer.
    ValueError
        An axis that `x` has not, an `out` that does not fit.

    Notes
    -----
    Error: within 4 eps (1 + |y|). One +inf in a row gives the limit: 0 there, -inf elsewhere. A row of only -inf, with
    several +inf, or with NaN gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    return apply_along(log_softmax_call, out, axis, x=x)


@op
def log_softmax_backward(
    dy: Array, x: Array | None = None, axis: int | None = None, *, y: Array | None = None, out: Array | None = None
) -> Array:
    """The gradient of `log_softmax` with respect to its input.

    dx[k] = dy[k] - exp(y[k]) sum_j dy[j]

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    axis : int, optional
        The axis over which the values sum to 1; by default that of the channels: -3 of images (C, H, W) and
        (N, C, H, W), the last of everything else.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; neither `x` nor `y`, an axis that is not an integer.
    ValueError
        Shapes that differ, an axis that `dy` has not, an `out` that does not fit.

    Notes
    -----
    Along a row of x with one +inf the gradient is the limit: dy, minus the sum of dy at the +inf. It is NaN where
    `log_softmax` gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    return apply_to_output(log_softmax_backward_call, log_softmax_call, out, dy, x, y, axis)


# ---------------------------------------------------------------- prepared calls


def softmax_call(x: Array, y: Array, axis: int) -> Call:
    return call("softmax", x, y, axis=axis)


def softmax_backward_call(dy: Array, y: Array, dx: Array, axis: int) -> Call:
    return call("softmax_backward", dy, y, dx, axis=axis)


def log_softmax_call(x: Array, y: Array, axis: int) -> Call:
    return call("log_softmax", x, y, axis=axis)


def log_softmax_backward_call(dy: Array, y: Array, dx: Array, axis: int) -> Call:
    return call("log_softmax_backward", dy, y, dx, axis=axis)
