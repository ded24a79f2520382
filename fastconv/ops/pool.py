"""Pooling over sliding windows: max, mean and L_p, each with its backward.

Every function has two halves: the public one checks, takes or makes the result, and runs a prepared call of
`pool_calls`, which networks use alone. Global and adaptive pooling and unpooling are in `pool_adaptive`.
"""

import math

from . import check, geometry
from .pool_adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    global_max_pool2d,
    global_max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)
from .pool_calls import (
    adaptive_avg_pool2d_backward_call,
    adaptive_avg_pool2d_call,
    adaptive_max_pool2d_backward_call,
    adaptive_max_pool2d_call,
    avg_pool2d_backward_call,
    avg_pool2d_call,
    find_maxima,
    lp_pool2d_backward_call,
    lp_pool2d_call,
    max_pool2d_backward_call,
    max_pool2d_call,
    max_tables,
    max_unpool2d_backward_call,
    max_unpool2d_call,
)
from .pool_check import gradient_of, indices_like, no_window_in_padding, refuse, with_batch

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool2d_backward_call",
    "adaptive_avg_pool2d_call",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool2d_backward_call",
    "adaptive_max_pool2d_call",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool2d_backward_call",
    "avg_pool2d_call",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool2d_backward_call",
    "lp_pool2d_call",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool2d_backward_call",
    "max_pool2d_call",
    "max_unpool2d",
    "max_unpool2d_backward",
    "max_unpool2d_backward_call",
    "max_unpool2d_call",
]


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False, *, out=None):
    """The largest value of each window.

    y[n,c,i,j] = max over r < kh, s < kw of x[n, c, i*sh - top + r*dh, j*sw - left + s*dw], padding left out

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
        Any strides; the result has the memory layout of `x`.
    kernel_size : int or (kh, kw)
    stride : int or (sh, sw), optional
        None: the kernel's size.
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"
        Below the effective kernel, dilation (kernel - 1) + 1, so that no window lies in padding only.
    dilation : int or (dh, dw)
    ceil_mode : bool
        Let the last window hang over the edge, where it starts inside the image or the padding before it.
    return_indices : bool
        Return also where each maximum is, for `max_pool2d_backward` and `max_unpool2d`.
    out : array (N, C, OH, OW), optional
        Where the result goes; any strides, no overlap with `x`.

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW)
        OH = floor((H + top + bottom - dh (kh - 1) - 1) / sh) + 1, ceil in `ceil_mode`; OW alike.
    indices : int64 array, shape of `y`, with `return_indices`
        h * W + w of the first maximum in row-major order; of the first NaN where there is one.

    Raises
    ------
    TypeError
        Other dtypes, arguments that are not integers.
    ValueError
        A kernel larger than the padded image, too much padding, an `out` that does not fit.

    Notes
    -----
    A NaN in the window gives NaN. Exact; the bits do not depend on layout, threads or N. The first maximum and its
    position are what the sources remember for the way back.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.arange(16.0).reshape(1, 4, 4)
    >>> y, indices = fastconv.max_pool2d(x, 2, return_indices=True)
    >>> y
    array([[[ 5.,  7.],
            [13., 15.]]])
    >>> indices
    array([[[ 5,  7],
            [13, 15]]])
    """
    x, batched = check.images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    no_window_in_padding(max_tables(g), g)
    layout = check.layout_of(x)
    y = check.output(out, g.y_shape, x.dtype, layout, batched, x=x)
    indices = check.empty(g.y_shape, "int64", layout) if return_indices else None
    max_pool2d_call(x, y, indices, g)()
    y = check.give(y, out, batched)
    return (y, check.give(indices, None, batched)) if return_indices else y


def max_pool2d_backward(
    dy, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, *, indices=None, out=None
):
    """The gradient of `max_pool2d` with respect to its input.

    dx[n,c,h,w] = sum of dy[n,c,i,j] over the windows (i, j) whose first maximum is at (h, w)

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
        The input. Only its shape is read where `indices` are given.
    kernel_size, stride, padding, dilation, ceil_mode
        As in `max_pool2d`.
    indices : int64 array, shape of `dy`, optional
        What `max_pool2d` returned; spares looking for the maxima again.
    out : array, shape of `x`, optional

    Returns
    -------
    dx : array, shape and memory layout of `x`
        Where windows overlap their shares are added, in row-major order of the windows.

    Raises
    ------
    TypeError
        As `max_pool2d`; indices that are not int64.
    ValueError
        As `max_pool2d`; shapes that do not agree, an index that is not in its window (what `out` holds then is no
        gradient).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[1.0, 5.0, 2.0, 4.0]]])
    >>> fastconv.max_pool2d_backward(np.array([[[10.0, 20.0]]]), x, (1, 2))
    array([[[ 0., 10.,  0., 20.]]])
    """
    x, batched = check.images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    tables = max_tables(g)
    no_window_in_padding(tables, g)
    dy = gradient_of(x, dy, "max_pool2d", g.y_shape, batched)
    if indices is not None:
        indices = indices_like(indices, g.y_shape, batched)
    dx = check.output(out, g.x_shape, x.dtype, check.layout_of(x), batched, dy=dy, x=x, indices=indices)
    if indices is None:
        indices = find_maxima(x, tables, g.y_shape)
    bad = max_pool2d_backward_call(dy, indices, dx, g)()
    refuse(bad, indices, batched, (g.H, g.W), " and in its window")
    return check.give(dx, out, batched)


def avg_pool2d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
    *,
    out=None,
):
    """The mean of each window.

    y[n,c,i,j] = 1/m sum over r < kh, s < kw of x[n, c, i*sh - top + r, j*sw - left + s]  (Zhang 2016, eqs. 6 and 13)

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
        Any strides; the result has the memory layout of `x`.
    kernel_size, stride, padding, ceil_mode
        As in `max_pool2d`.
    count_include_pad : bool
        Whether m counts the zeros of the padding. It never counts what hangs over in `ceil_mode`.
    divisor_override : int, optional
        m for every window.
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW)
        OH, OW as in `max_pool2d`.

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`; a divisor of 0.

    Notes
    -----
    The sum runs down the columns of the window, then over them, and is divided once: the bits do not depend on layout,
    threads or N. Error: below eps times the mean of |x| times kh + kw + 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    x, batched = check.images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, 1, ceil_mode)
    divisor = divisor_of(divisor_override)
    y = check.output(out, g.y_shape, x.dtype, check.layout_of(x), batched, x=x)
    avg_pool2d_call(x, y, g, count_include_pad, divisor)()
    return check.give(y, out, batched)


def avg_pool2d_backward(
    dy,
    input_shape,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
    *,
    out=None,
):
    """The gradient of `avg_pool2d` with respect to its input.

    dx[n,c,h,w] = sum of dy[n,c,i,j] / m over the windows (i, j) that hold (h, w)  (Zhang 2016, eq. 32)

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    input_shape : (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As in `avg_pool2d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`, in the memory layout of `dy`

    Raises
    ------
    TypeError, ValueError
        As `avg_pool2d`; and where `dy` has not the shape that `avg_pool2d` gives.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool2d_backward(np.array([[[4.0, 8.0]]]), (1, 2, 4), 2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    dy, batched = check.images(dy, "dy")
    g = geometry.pool2d(with_batch(input_shape, batched), kernel_size, stride, padding, 1, ceil_mode)
    check.shape_is(dy, "dy", g.y_shape, "the output of avg_pool2d for this input_shape")
    divisor = divisor_of(divisor_override)
    dx = check.output(out, g.x_shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    avg_pool2d_backward_call(dy, dx, g, count_include_pad, divisor)()
    return check.give(dx, out, batched)


def divisor_of(divisor_override):
    if divisor_override is None:
        return None
    divisor = check.integer(divisor_override, "divisor_override")
    if divisor == 0 or abs(divisor) >= geometry.LIMIT:
        raise ValueError(f"divisor_override must not be 0, and below 2**31, got {divisor}")
    return divisor


def lp_pool2d(x, norm_type=2, kernel_size=None, stride=None, ceil_mode=False, *, out=None):
    """The L_p norm of each window; L2 by default.

    y[n,c,i,j] = (sum over r < kh, s < kw of |x[n, c, i*sh + r, j*sw + s]|^p)^(1/p);  L2: s = sum x^2, y = sqrt(s)

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
        Any strides; the result has the memory layout of `x`.
    norm_type : number > 0
        p; 2 is the fast case.
    kernel_size : int or (kh, kw)
    stride : int or (sh, sw), optional
        None: the kernel's size.
    ceil_mode : bool
        As in `max_pool2d`; a window that hangs over sums what it holds.
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW)
        OH = floor((H - kh) / sh) + 1, ceil in `ceil_mode`; OW alike.

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`; a `norm_type` that is not a finite number > 0, no `kernel_size`.

    Notes
    -----
    Scaled where squares would overflow or vanish, so 1e20 and 1e-30 are right in float32. Without a mean, as Nielsen's
    L2 pooling: the square root of the sum of the squares.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.lp_pool2d(np.array([[[3.0, 4.0, 0.0, -2.0]]]), kernel_size=(1, 2))
    array([[[5., 2.]]])
    """
    x, batched = check.images(x, "x")
    p = norm_of(norm_type)
    g = lp_geometry(x.shape, kernel_size, stride, ceil_mode)
    y = check.output(out, g.y_shape, x.dtype, check.layout_of(x), batched, x=x)
    lp_pool2d_call(x, y, g, p)()
    return check.give(y, out, batched)


def lp_pool2d_backward(dy, x, norm_type=2, kernel_size=None, stride=None, ceil_mode=False, *, y=None, out=None):
    """The gradient of `lp_pool2d` with respect to its input.

    dx = sum over the windows of dy sign(x) (|x| / y)^(p-1);  L2: dy x / y;  0 where y = 0, and 0 where x = 0 if p <= 1

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
    norm_type, kernel_size, stride, ceil_mode
        As in `lp_pool2d`.
    y : array, shape and dtype of `dy`, optional
        What `lp_pool2d` returned; spares computing it again.
    out : array, shape of `x`, optional

    Returns
    -------
    dx : array, shape and memory layout of `x`

    Raises
    ------
    TypeError, ValueError
        As `lp_pool2d`; shapes or dtypes that do not agree.

    Notes
    -----
    The gradient is NaN where x is NaN, and where it is infinite unless p = 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.lp_pool2d_backward(np.array([[[10.0]]]), np.array([[[3.0, -4.0]]]), kernel_size=(1, 2))
    array([[[ 6., -8.]]])
    """
    x, batched = check.images(x, "x")
    p = norm_of(norm_type)
    g = lp_geometry(x.shape, kernel_size, stride, ceil_mode)
    dy = gradient_of(x, dy, "lp_pool2d", g.y_shape, batched)
    if y is not None:
        y, _ = check.images(y, "y")
        check.shape_is(y, "y", g.y_shape, "the output of lp_pool2d for this x")
        check.same_dtype(x=x, y=y)
    layout = check.layout_of(x)
    dx = check.output(out, g.x_shape, x.dtype, layout, batched, dy=dy, x=x, y=y)
    if y is None:
        y = check.empty(g.y_shape, x.dtype, layout)
        lp_pool2d_call(x, y, g, p)()
    lp_pool2d_backward_call(dy, x, y, dx, g, p)()
    return check.give(dx, out, batched)


def norm_of(norm_type):
    p = check.number(norm_type, "norm_type")
    if not (p > 0 and math.isfinite(p)):
        raise ValueError(f"norm_type must be a finite number > 0, got {norm_type!r}")
    return p


def lp_geometry(x_shape, kernel_size, stride, ceil_mode):
    if kernel_size is None:
        raise TypeError("kernel_size must be an integer or a pair of integers, got None")
    return geometry.pool2d(x_shape, kernel_size, stride, 0, 1, ceil_mode)
