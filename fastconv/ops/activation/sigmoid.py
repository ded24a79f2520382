"""Sigmoid, tanh and softsign, each with its backward: between two bounds."""

from ...typing import Array, Call
from ..elementwise import apply, apply_to_output, call
from ..habits import op


@op
def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """The logistic function.

    y = 1 / (1 + exp(-x))  (Zhang 2016 [1], eq. 4)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional
        Where the result goes; any strides, or the memory of an input.

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
    Within 2.5 ulp, down to the smallest results.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.sigmoid(np.array([-1.0, 0.0, 100.0]))
    array([0.26894142, 0.5       , 1.        ])
    """
    return apply(sigmoid_call, out, x=x)


@op
def sigmoid_backward(dy: Array, x: Array | None = None, *, y: Array | None = None, out: Array | None = None) -> Array:
    """The gradient of `sigmoid` with respect to its input.

    dx = dy y (1 - y)  (Zhang 2016 [1], eqs. 17 and 37)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; neither `x` nor `y`.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf and +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.sigmoid_backward(np.ones(2), y=np.array([0.5, 1.0]))
    array([0.25, 0.  ])
    """
    return apply_to_output(sigmoid_backward_call, sigmoid_call, out, dy, x, y)


@op
def tanh(x: Array, *, out: Array | None = None) -> Array:
    """The hyperbolic tangent.

    y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

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
    Within 3 ulp, near 0 too.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.tanh(np.array([-1.0, 0.0, 1e-9]))
    array([-7.61594156e-01,  0.00000000e+00,  1.00000000e-09])
    """
    return apply(tanh_call, out, x=x)


@op
def tanh_backward(dy: Array, x: Array | None = None, *, y: Array | None = None, out: Array | None = None) -> Array:
    """The gradient of `tanh` with respect to its input.

    dx = dy (1 - y^2)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; neither `x` nor `y`.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf and +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.tanh_backward(np.ones(2), y=np.array([0.5, 1.0]))
    array([0.75, 0.  ])
    """
    return apply_to_output(tanh_backward_call, tanh_call, out, dy, x, y)


@op
def softsign(x: Array, *, out: Array | None = None) -> Array:
    """A sigmoid without exponentials.

    y = x / (1 + |x|)

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
    Within 2 ulp; -1 and 1 at the infinities, NaN at NaN. Bergstra 2009 [75].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softsign(np.array([-1.0, 3.0]))
    array([-0.5 ,  0.75])
    """
    return apply(softsign_call, out, x=x)


@op
def softsign_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `softsign` with respect to its input.

    dx = dy / (1 + |x|)^2

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
    The slope is 0 at -inf and +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softsign_backward(np.ones(2), np.array([-1.0, 3.0]))
    array([0.25  , 0.0625])
    """
    return apply(softsign_backward_call, out, dy=dy, x=x)


# ---------------------------------------------------------------- prepared calls


def sigmoid_call(x: Array, y: Array) -> Call:
    return call("sigmoid", x, y)


def sigmoid_backward_call(dy: Array, y: Array, dx: Array) -> Call:
    return call("sigmoid_backward", dy, y, dx)


def tanh_call(x: Array, y: Array) -> Call:
    return call("tanh", x, y)


def tanh_backward_call(dy: Array, y: Array, dx: Array) -> Call:
    return call("tanh_backward", dy, y, dx)


def softsign_call(x: Array, y: Array) -> Call:
    return call("softsign", x, y)


def softsign_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("softsign_backward", dy, x, dx)
