"""Rectifiers, each with its backward: linear on both sides of zero."""

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, apply_to_output, call
from ..habits import op


@op
def relu(x: Array, *, out: Array | None = None) -> Array:
    """The positive part.

    y = max(x, 0)

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
    Exact; NaN gives NaN. Glorot 2011 [13].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return apply(relu_call, out, x=x)


@op
def relu_backward(dy: Array, x: Array | None = None, *, y: Array | None = None, out: Array | None = None) -> Array:
    """The gradient of `relu` with respect to its input.

    dx = 0 where y <= 0, else dy

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
    dx is 0 at the kink, x = 0, whatever dy is. Where x is NaN, dx is dy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0., 1.])
    """
    return apply_to_output(relu_backward_call, relu_call, out, dy, x, y)


@op
def leaky_relu(x: Array, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """The identity, with another slope below zero.

    y = x where x > 0, else negative_slope x (0 where the slope is 0, for x = -inf too)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    negative_slope : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a slope that is not a number.
    ValueError
        An `out` that does not fit.

    Notes
    -----
    Within 2 ulp; NaN gives NaN. Maas 2013 [14].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.leaky_relu(np.array([-1.0, 2.0]), 0.1)
    array([-0.1,  2. ])
    """
    return apply(leaky_relu_call, out, check.number(negative_slope, "negative_slope"), x=x)


@op
def leaky_relu_backward(dy: Array, x: Array, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """The gradient of `leaky_relu` with respect to its input.

    dx = dy where x > 0, else negative_slope dy

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    negative_slope : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a slope that is not a number.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is negative_slope at the kink, x = 0, and where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.leaky_relu_backward(np.ones(2), np.array([-1.0, 2.0]), 0.1)
    array([0.1, 1. ])
    """
    return apply(leaky_relu_backward_call, out, check.number(negative_slope, "negative_slope"), dy=dy, x=x)


@op
def relu6(x: Array, *, out: Array | None = None) -> Array:
    """The positive part, at most 6.

    y = min(max(x, 0), 6)

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
    Exact; NaN gives NaN. The rectifier of MobileNetV2, Sandler 2018 [50].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu6(np.array([-1.0, 2.0, 7.0]))
    array([0., 2., 6.])
    """
    return apply(relu6_call, out, x=x)


@op
def relu6_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `relu6` with respect to its input.

    dx = 0 where x <= 0 or x >= 6, else dy

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
    dx is 0 at the kinks, x = 0 and x = 6, whatever dy is. Where x is NaN, dx is dy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu6_backward(np.ones(3), np.array([-1.0, 2.0, 7.0]))
    array([0., 1., 0.])
    """
    return apply(relu6_backward_call, out, dy=dy, x=x)


def relu_call(x: Array, y: Array) -> Call:
    return call("relu", x, y)


def relu_backward_call(dy: Array, y: Array, dx: Array) -> Call:
    return call("threshold_backward", dy, y, dx, numbers=(0.0,))


def leaky_relu_call(x: Array, y: Array, negative_slope: float) -> Call:
    return call("leaky_relu", x, y, numbers=(negative_slope,))


def leaky_relu_backward_call(dy: Array, x: Array, dx: Array, negative_slope: float) -> Call:
    return call("leaky_relu_backward", dy, x, dx, numbers=(negative_slope,))


def relu6_call(x: Array, y: Array) -> Call:
    return call("hardtanh", x, y, numbers=(0.0, 6.0))


def relu6_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("hardtanh_backward", dy, x, dx, numbers=(0.0, 6.0))
