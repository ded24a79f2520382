"""Rectifiers with an exponential below 0, each with its backward."""

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, call, positive
from ..habits import op

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


@op
def elu(x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """The exponential linear unit.

    y = x where x > 0, else alpha (exp(x) - 1)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    alpha : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `alpha` that is not a number.
    ValueError
        An `out` that does not fit.

    Notes
    -----
    Within 3 ulp, down to the smallest results; NaN gives NaN. Clevert 2015 [16].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.elu(np.array([-1.0, 2.0]))
    array([-0.63212056,  2.        ])
    """
    return apply(elu_call, out, check.number(alpha, "alpha"), x=x)


@op
def elu_backward(dy: Array, x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """The gradient of `elu` with respect to its input.

    dx = dy where x > 0, else dy alpha exp(x)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    alpha : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `alpha` that is not a number.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    The slope is alpha at the kink, x = 0, 0 at -inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.elu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.36787944, 1.        ])
    """
    return apply(elu_backward_call, out, check.number(alpha, "alpha"), dy=dy, x=x)


@op
def selu(x: Array, *, out: Array | None = None) -> Array:
    """The scaled exponential linear unit, which keeps the mean 0 and the variance 1 from layer to layer.

    y = s x where x > 0, else s a (exp(x) - 1); s = 1.0507009873554805, a = 1.6732632423543772

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
    Within 4 ulp, down to the smallest results; NaN gives NaN. Klambauer 2017 [73].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.selu(np.array([-1.0, 2.0]))
    array([-1.11133074,  2.10140197])
    """
    return apply(selu_call, out, x=x)


@op
def selu_backward(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `selu` with respect to its input.

    dx = s dy where x > 0, else dy s a exp(x); s and a as in `selu`

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
    The slope is s a at the kink, x = 0, 0 at -inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.selu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.6467686 , 1.05070099])
    """
    return apply(selu_backward_call, out, dy=dy, x=x)


@op
def celu(x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """The exponential linear unit whose slope is 1 at 0 for every alpha.

    y = x where x > 0, else alpha (exp(x / alpha) - 1)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    alpha : float > 0
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `alpha` that is not a number.
    ValueError
        `alpha` not above 0, an `out` that does not fit.

    Notes
    -----
    Within 4 ulp, down to the smallest results; NaN gives NaN. Barron 2017 [74].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.celu(np.array([-1.0, 2.0]), 2.0)
    array([-0.78693868,  2.        ])
    """
    return apply(celu_call, out, positive(alpha, "alpha"), x=x)


@op
def celu_backward(dy: Array, x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """The gradient of `celu` with respect to its input.

    dx = dy where x > 0, else dy exp(x / alpha)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    alpha : float > 0
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `alpha` that is not a number.
    ValueError
        Shapes that differ, `alpha` not above 0, an `out` that does not fit.

    Notes
    -----
    The slope is 0 at -inf, and NaN where x is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.celu_backward(np.ones(2), np.array([-1.0, 2.0]), 2.0)
    array([0.60653066, 1.        ])
    """
    return apply(celu_backward_call, out, positive(alpha, "alpha"), dy=dy, x=x)


def elu_call(x: Array, y: Array, alpha: float) -> Call:
    return call("elu", x, y, numbers=(alpha, 1.0))


def elu_backward_call(dy: Array, x: Array, dx: Array, alpha: float) -> Call:
    return call("elu_backward", dy, x, dx, numbers=(alpha, 1.0))


def selu_call(x: Array, y: Array) -> Call:
    return call("elu", x, y, numbers=(SELU_SCALE * SELU_ALPHA, SELU_SCALE))


def selu_backward_call(dy: Array, x: Array, dx: Array) -> Call:
    return call("elu_backward", dy, x, dx, numbers=(SELU_SCALE * SELU_ALPHA, SELU_SCALE))


def celu_call(x: Array, y: Array, alpha: float) -> Call:
    return call("celu", x, y, numbers=(alpha,))


def celu_backward_call(dy: Array, x: Array, dx: Array, alpha: float) -> Call:
    return call("celu_backward", dy, x, dx, numbers=(alpha,))
