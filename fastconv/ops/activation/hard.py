"""Sigmoid, SiLU and tanh made of straight pieces, each with its backward."""

from ...typing import Array, Call
from .. import check
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


@op
def hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0, *, out: Array | None = None) -> Array:
    """Each value within two bounds.

    y = min(max(x, min_val), max_val)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    min_val, max_val : float
        May be infinite: then there is no bound on this side.
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; bounds that are not numbers.
    ValueError
        `min_val` above `max_val`, an `out` that does not fit.

    Notes
    -----
    Exact; NaN gives NaN. The clip of NumPy, but for its gradient. Collobert 2004 [77].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardtanh(np.array([-3.0, 0.5, 2.0]))
    array([-1. ,  0.5,  1. ])
    """
    return apply(hardtanh_call, out, *bounds(min_val, max_val), x=x)


@op
def hardtanh_backward(
    dy: Array, x: Array, min_val: float = -1.0, max_val: float = 1.0, *, out: Array | None = None
) -> Array:
    """The gradient of `hardtanh` with respect to its input.

    dx = 0 where x <= min_val or x >= max_val, else dy

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    min_val, max_val : float
        May be infinite: then there is no bound on this side.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; bounds that are not numbers.
    ValueError
        Shapes that differ, `min_val` above `max_val`, an `out` that does not fit.

    Notes
    -----
    dx is 0 at the kinks, x = min_val and x = max_val, whatever dy is. Where x is NaN, dx is dy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardtanh_backward(np.ones(3), np.array([-3.0, 0.5, 2.0]))
    array([0., 1., 0.])
    """
    return apply(hardtanh_backward_call, out, *bounds(min_val, max_val), dy=dy, x=x)


def bounds(min_val: float, max_val: float) -> tuple[float, float]:
    """The bounds of `hardtanh`, checked."""
    low, high = check.number(min_val, "min_val"), check.number(max_val, "max_val")
    if not low <= high:
        raise ValueError(f"min_val must be at most max_val, got min_val={low} and max_val={high}")
    return low, high


# ---------------------------------------------------------------- prepared calls


def hardsigmoid_call(x: Array, y: Array) -> Call:
    return call("hardsigmoid", x, y)


def hardsigmoid_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("hardsigmoid_backward", dy, x, dx)


def hardswish_call(x: Array, y: Array) -> Call:
    return call("hardswish", x, y)


def hardswish_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("hardswish_backward", dy, x, dx)


def hardtanh_call(x: Array, y: Array, min_val: float, max_val: float) -> Call:
    return call("hardtanh", x, y, numbers=(min_val, max_val))


def hardtanh_backward_call(dy: Array, x: Array, dx: Array, min_val: float, max_val: float) -> Call:
    """x may be y."""
    return call("hardtanh_backward", dy, x, dx, numbers=(min_val, max_val))
