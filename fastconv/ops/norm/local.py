"""Local response normalisation: each value divided by a power of its neighbours' squares along the channels."""

from functools import partial
from typing import Any

from ... import kernels
from ...kernels.runtime.calls import planes
from ...typing import Array, Call
from .. import check
from ..call_cache import planned
from ..copies import nothing, on_copies
from ..elementwise import agreeing, like
from ..habits import op
from .views import channels, formed, pixels


@op
def local_response_norm(
    x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, out: Array | None = None
) -> Array:
    """Each value by the squares of the channels around it.

    y[n,c] = x[n,c] d[n,c]^-beta
    d[n,c] = k + alpha / size (sum of x[n,j]^2 over j from c - floor(size / 2) to c + floor((size - 1) / 2))

    Parameters
    ----------
    x : array (N, C) or (N, C, ...), float32 or float64
    size : int >= 1
        Channels of the window; channels outside count as 0. Even sizes reach one further down than up, as in PyTorch.
    alpha, beta, k : floats
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        A size below 1, an `out` that does not fit.

    Notes
    -----
    Krizhevsky 2012 [42], section 3.3, writes alpha without the division by size. Error as in `batch_norm`. Squares are
    summed in the dtype of `x`: if the sum overflows (x about 1e19 in float32), d is inf and y is 0, or NaN where x is
    infinite. With k = 0 a window of zeros gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.local_response_norm(np.array([[3.0, 4.0]]), 2, alpha=2.0, beta=0.5, k=0.0)
    array([[1. , 0.8]])
    """
    x = channels(x, "x")
    numbers = window_numbers(size, alpha, beta, k)
    y = result(out, x=x)
    run = local_response_norm_call(x, y, *numbers)
    run()
    return planned(check.give(y, out), (y,), run)


@op
def local_response_norm_backward(
    dy: Array, x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, out: Array | None = None
) -> Array:
    """The gradient of `local_response_norm` with respect to its input.

    dx[c] = dy[c] d[c]^-beta - 2 alpha beta / size x[c] (sum of dy[j] x[j] d[j]^(-beta-1) over the j whose window
    holds c)

    Parameters
    ----------
    dy : array (N, C) or (N, C, ...), float32 or float64
    x : array, shape and dtype of `dy`
    size, alpha, beta, k
        As in `local_response_norm`.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        Shapes that differ, a size below 1, an `out` that does not fit.

    Notes
    -----
    Error as in `batch_norm`. Krizhevsky 2012 [42].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.local_response_norm_backward(np.ones((1, 1)), np.array([[2.0]]), 1, alpha=1.0, beta=1.0, k=1.0)
    array([[-0.12]])
    """
    arrays = agreeing({"dy": dy, "x": x})
    channels(arrays["x"], "x")
    numbers = window_numbers(size, alpha, beta, k)
    dx = result(out, **arrays)
    run = local_response_norm_backward_call(arrays["dy"], arrays["x"], dx, *numbers)
    run()
    return planned(check.give(dx, out), (dx,), run)


def window_numbers(size: int, alpha: float, beta: float, k: float) -> tuple[int, float, float, float]:
    """The numbers of the window, checked."""
    size = check.integer(size, "size", 1)
    if size >= 2**62:
        raise ValueError(f"size must be below 2**62, got {size}")
    return size, check.number(alpha, "alpha"), check.number(beta, "beta"), check.number(k, "k")


def result(out: Array | None, **arrays: Any) -> Array:
    """A new array in the memory order of x, or `out`, which may not be an input: a window reads its neighbours."""
    x: Array = arrays["x"]
    return like(None, arrays) if out is None else check.output(out, x.shape, x.dtype, **arrays)


def local_response_norm_call(x: Array, y: Array, size: int, alpha: float, beta: float, k: float) -> Call:
    if not x.size:
        return nothing
    form, seen = formed((x, y), (planes, pixels) if x.ndim > 2 else (pixels, planes))
    if form is None:
        numbers = (size, alpha, beta, k)
        return on_copies(lambda x, y: local_response_norm_call(x, y, *numbers), [x], [y], beside=())
    return partial(kernels.load(x.dtype).norm.local_response.forward, *seen, size, alpha, beta, k, form is planes)


def local_response_norm_backward_call(
    dy: Array, x: Array, dx: Array, size: int, alpha: float, beta: float, k: float
) -> Call:
    if not x.size:
        return nothing
    form, seen = formed((dy, x, dx), (planes, pixels) if x.ndim > 2 else (pixels, planes))
    if form is None:
        numbers = (size, alpha, beta, k)
        return on_copies(
            lambda dy, x, dx: local_response_norm_backward_call(dy, x, dx, *numbers), [dy, x], [dx], beside=()
        )
    return partial(kernels.load(x.dtype).norm.local_response.backward, *seen, size, alpha, beta, k, form is planes)
