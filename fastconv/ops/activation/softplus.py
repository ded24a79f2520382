"""Softplus and what is made of it, each with its backward: mish and the logarithm of the sigmoid."""

from math import inf

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, call, positive
from ..habits import op


@op
def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None) -> Array:
    """A smooth positive part.

    y = log(1 + exp(beta x)) / beta, and x where beta x > threshold

    Parameters
    ----------
    x : array of any shape, float32 or float64
    beta : float > 0
    threshold : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a `beta` or `threshold` that is not a number.
    ValueError
        `beta` not above 0, an `out` that does not fit.

    Notes
    -----
    Within 16 ulp where -13 < beta x < 3; 0 at -inf, NaN at NaN. Dugas 2000 [19].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softplus(np.array([-1.0, 0.0, 30.0]))
    array([ 0.31326169,  0.69314718, 30.        ])
    """
    t = check.number(threshold, "threshold")
    return apply(softplus_call, out, positive(beta, "beta"), t, x=x)


@op
def softplus_backward(
    dy: Array, x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None
) -> Array:
    """The gradient of `softplus` with respect to its input.

    dx = dy sigmoid(beta x), and dy where beta x > threshold

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    beta : float > 0
    threshold : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a `beta` or `threshold` that is not a number.
    ValueError
        Shapes that differ, `beta` not above 0, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf, 1 at +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softplus_backward(np.ones(2), np.array([0.0, 30.0]))
    array([0.5, 1. ])
    """
    t = check.number(threshold, "threshold")
    return apply(softplus_backward_call, out, positive(beta, "beta"), t, dy=dy, x=x)


@op
def mish(x: Array, *, out: Array | None = None) -> Array:
    """A smooth rectifier that falls a little below 0 for negative values.

    y = x tanh(log(1 + exp(x)))

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        An `out` that does not fit.

    Notes
    -----
    Within 5 ulp where |x| < 6; 0 at -inf, NaN at NaN. Misra 2020 [76].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mish(np.array([-1.0, 2.0]))
    array([-0.30340146,  1.94395896])
    """
    return apply(mish_call, out, x=x)


@op
def mish_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `mish` with respect to its input.

    dx = dy (t + x (1 - t^2) sigmoid(x)), t = tanh(log(1 + exp(x)))

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf, 1 at +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.mish_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.05921676, 1.06931793])
    """
    return apply(mish_backward_call, out, dy=dy, x=x)


@op
def logsigmoid(x: Array, *, out: Array | None = None) -> Array:
    """The logarithm of the sigmoid, without its rounding to 0 or 1.

    y = log(1 / (1 + exp(-x))) = -log(1 + exp(-x))

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        An `out` that does not fit.

    Notes
    -----
    Within 16 ulp where -3 < x < 13; -inf at -inf, NaN at NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.logsigmoid(np.array([-1000.0, 0.0]))
    array([-1.00000000e+03, -6.93147181e-01])
    """
    return apply(logsigmoid_call, out, x=x)


@op
def logsigmoid_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `logsigmoid` with respect to its input.

    dx = dy / (1 + exp(x))

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is 1 at -inf, 0 at +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.logsigmoid_backward(np.ones(2), np.array([-1000.0, 0.0]))
    array([1. , 0.5])
    """
    return apply(logsigmoid_backward_call, out, dy=dy, x=x)


def softplus_call(x: Array, y: Array, beta: float, threshold: float) -> Call:
    return call("softplus", x, y, numbers=(beta, threshold))


def softplus_backward_call(dy: Array, x: Array, dx: Array, beta: float, threshold: float) -> Call:
    return call("softplus_backward", dy, x, dx, numbers=(beta, threshold))


def mish_call(x: Array, y: Array) -> Call:
    return call("mish", x, y)


def mish_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("mish_backward", dy, x, dx)


def logsigmoid_call(x: Array, y: Array) -> Call:
    """-softplus(-x), softplus with beta = -1"""
    return call("softplus", x, y, numbers=(-1.0, inf))


def logsigmoid_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("softplus_backward", dy, x, dx, numbers=(-1.0, inf))
