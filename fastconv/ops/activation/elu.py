"""ELU: a rectifier with an exponential below 0."""

from ...typing import Array, Call
from .. import check
from ..elementwise import apply, call
from ..habits import op


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


def elu_call(x: Array, y: Array, alpha: float) -> Call:
    return call("elu", x, y, numbers=(alpha,))


def elu_backward_call(dy: Array, x: Array, dx: Array, alpha: float) -> Call:
    return call("elu_backward", dy, x, dx, numbers=(alpha,))
