"""L_p pooling over sliding windows, with its gradient.

Every function has two halves: the public one checks, takes or makes the result, and runs a prepared call of
`prepared`, which networks use alone.
"""

import math

from ...typing import Array, Call, Pair, Shape
from .. import check, geometry
from ..call_cache import planned
from ..geometry import Pool2dGeometry
from ..habits import op
from .arguments import gradient_of, like_x
from .prepared import lp_backward_call, lp_call, max_tables


@op
def lp_pool2d(
    x: Array,
    norm_type: float = 2,
    kernel_size: Pair | None = None,
    stride: Pair | None = None,
    ceil_mode: bool = False,
    *,
    out: Array | None = None,
) -> Array:
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
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers, no `kernel_size`.
    ValueError
        A `norm_type` that is not a finite number > 0, a window larger than the image, an `out` that does not fit.

    Notes
    -----
    Values are scaled where squares would overflow or vanish, so 1e20 and 1e-30 are right in float32. Error: within 32
    eps y. The L2 pooling of Nielsen 2015 [51] is the root of the sum; Gulcehre 2014 [30] takes the root of the mean.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.lp_pool2d(np.array([[[3.0, 4.0, 0.0, -2.0]]]), kernel_size=(1, 2))
    array([[[5., 2.]]])
    """
    x, batched = check.strided_images(x, "x")
    p = norm_of(norm_type)
    g = lp_geometry(x.shape, kernel_size, stride, ceil_mode)
    y = check.output(out, g.y_shape, x.dtype, check.layout_of(x), batched, x=x)
    tables = max_tables(g)
    run = lp_call(x, y, tables, p)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def lp_pool2d_backward(
    dy: Array,
    x: Array,
    norm_type: float = 2,
    kernel_size: Pair | None = None,
    stride: Pair | None = None,
    ceil_mode: bool = False,
    *,
    y: Array | None = None,
    out: Array | None = None,
) -> Array:
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
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers, no `kernel_size`.
    ValueError
        A `norm_type` that is not a finite number > 0, a window larger than the image, shapes that do not agree, an
        `out` that does not fit.

    Notes
    -----
    The gradient is NaN where x is NaN, and where it is infinite unless p = 1. Error: within 100 eps (1 + |dx|) for |dy|
    of order 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.lp_pool2d_backward(np.array([[[10.0]]]), np.array([[[3.0, -4.0]]]), kernel_size=(1, 2))
    array([[[ 6., -8.]]])
    """
    x, batched = check.strided_images(x, "x")
    p = norm_of(norm_type)
    g = lp_geometry(x.shape, kernel_size, stride, ceil_mode)
    y_shape, tables = g.y_shape, max_tables(g)
    dy = gradient_of(x, dy, "lp_pool2d", y_shape, batched)
    if y is not None:
        y, _ = check.strided_images(y, "y")
        check.shape_is(y, "y", y_shape, "the output of lp_pool2d for this x")
        check.same_dtype(x=x, y=y)
    dx = like_x(out, x, batched, dy=dy, y=y)
    new: tuple[Array, ...] = (dx,)
    calls: tuple[Call, ...] = ()
    if y is None:
        y = check.empty(y_shape, x.dtype, check.layout_of(x))
        new, calls = (dx, y), (lp_call(x, y, tables, p),)
    calls += (lp_backward_call(dy, x, y, dx, tables, p),)
    for call in calls:
        call()
    return planned(check.give(dx, out, batched), new, *calls, tables=True)


def norm_of(norm_type: float) -> float:
    """`norm_type`, checked."""
    p = check.number(norm_type, "norm_type")
    if not (p > 0 and math.isfinite(p)):
        raise ValueError(f"norm_type must be a finite number > 0, got {norm_type!r}")
    return p


def lp_geometry(x_shape: Shape, kernel_size: Pair | None, stride: Pair | None, ceil_mode: bool) -> Pool2dGeometry:
    """The geometry of the windows; `kernel_size` must be given."""
    if kernel_size is None:
        raise TypeError("kernel_size must be an integer or a pair of integers, got None")
    return geometry.pool2d(x_shape, kernel_size, stride, 0, 1, ceil_mode)
