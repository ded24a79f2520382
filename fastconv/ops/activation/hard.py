"""Sigmoid and SiLU made of straight pieces, each with its backward."""

from ...typing import Array, Call
from ..elementwise import apply, call
from ..habits import op


@op
def hardsigmoid(x: Array, *, out: Array | None = None) -> Array:
    """A sigmoid of three straight pieces.

    y = min(max(x + 3, 0), 6) / 6

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
    Within 2 ulp; NaN gives NaN. Howard 2019 [20].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardsigmoid(np.array([-1.5, 4.0]))
    array([0.25, 1.  ])
    """
    return apply(hardsigmoid_call, out, x=x)


@op
def hardsigmoid_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `hardsigmoid` with respect to its input.

    dx = 0 where x <= -3 or x >= 3, else dy / 6

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
    dx is 0 at the kinks, x = -3 and x = 3, whatever dy is. Where x is NaN, dx is dy / 6.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardsigmoid_backward(np.full(2, 6.0), np.array([-1.5, 4.0]))
    array([1., 0.])
    """
    return apply(hardsigmoid_backward_call, out, dy=dy, x=x)


@op
def hardswish(x: Array, *, out: Array | None = None) -> Array:
    """x times its hard sigmoid.

    y = x min(max(x + 3, 0), 6) / 6

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
    Within 3 ulp; 0 at -inf, NaN at NaN. Howard 2019 [20].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardswish(np.array([-1.5, 4.0]))
    array([-0.375,  4.   ])
    """
    return apply(hardswish_call, out, x=x)


@op
def hardswish_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `hardswish` with respect to its input.

    dx = dy (x / 3 + 1/2) where -3 < x < 3; 0 where x <= -3, dy where x >= 3

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
    dx is NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardswish_backward(np.ones(2), np.array([-1.5, 4.0]))
    array([0., 1.])
    """
    return apply(hardswish_backward_call, out, dy=dy, x=x)


# ---------------------------------------------------------------- prepared calls


def hardsigmoid_call(x: Array, y: Array) -> Call:
    return call("hardsigmoid", x, y)


def hardsigmoid_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("hardsigmoid_backward", dy, x, dx)


def hardswish_call(x: Array, y: Array) -> Call:
    return call("hardswish", x, y)


def hardswish_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("hardswish_backward", dy, x, dx)
