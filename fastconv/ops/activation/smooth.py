"""GELU and SiLU, smooth relatives of the rectifier, each with its backward."""

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, call
from ..habits import op


@op
def gelu(x: Array, approximate: str = "none", *, out: Array | None = None) -> Array:
    """The Gaussian error linear unit.

    y = x P(X < x) of the standard normal X; "tanh": y = x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    approximate : "none" or "tanh"
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Another `approximate`, an `out` that does not fit.

    Notes
    -----
    Within 12 ulp where |x| < 6, "tanh" within 60 ulp; 0 at -inf, NaN at NaN. Hendrycks 2016 [17].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.gelu(np.array([-1.0, 2.0]))
    array([-0.15865525,  1.95449974])
    """
    approximate = check.word(approximate, "approximate", ("none", "tanh"))
    return apply(gelu_call, out, approximate, x=x)


@op
def gelu_backward(dy: Array, x: Array, approximate: str = "none", *, out: Array | None = None) -> Array:
    """The gradient of `gelu` with respect to its input.

    dx = dy (P(X < x) + x p(x)), p the density; "tanh": dx = dy (s + x s (1 - s) du/dx), s = sigmoid(u)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    approximate : "none" or "tanh"
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, another `approximate`, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf, 1 at +inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.gelu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([-0.08331547,  1.0852318 ])
    """
    approximate = check.word(approximate, "approximate", ("none", "tanh"))
    return apply(gelu_backward_call, out, approximate, dy=dy, x=x)


@op
def silu(x: Array, *, out: Array | None = None) -> Array:
    """The sigmoid linear unit, also called swish.

    y = x sigmoid(x)

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
    Within 3.5 ulp where |x| < 6; 0 at -inf, NaN at NaN. Elfwing 2018 [18].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.silu(np.array([-1.0, 2.0]))
    array([-0.26894142,  1.76159416])
    """
    return apply(silu_call, out, x=x)


@op
def silu_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `silu` with respect to its input.

    dx = dy s (1 + x (1 - s)), s = sigmoid(x)

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
    >>> fastconv.silu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.07232949, 1.09078425])
    """
    return apply(silu_backward_call, out, dy=dy, x=x)


def gelu_call(x: Array, y: Array, approximate: str = "none") -> Call:
    return call("gelu_tanh" if approximate == "tanh" else "gelu", x, y)


def gelu_backward_call(dy: Array, x: Array, dx: Array, approximate: str = "none") -> Call:
    return call("gelu_tanh_backward" if approximate == "tanh" else "gelu_backward", dy, x, dx)


def silu_call(x: Array, y: Array) -> Call:
    return call("silu", x, y)


def silu_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("silu_backward", dy, x, dx)
