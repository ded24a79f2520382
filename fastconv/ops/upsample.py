"""Larger images: each value repeated. That is the gradient of a sum over windows that stand side by side."""

from ..typing import Array, Call, Pair, Shape
from . import check, geometry
from .call_cache import planned
from .habits import op
from .pool.prepared import Tables, mean_backward_call, mean_call, mean_tables


@op
def upsample_nearest2d(x: Array, scale_factor: Pair, *, out: Array | None = None) -> Array:
    """Images whose every value is repeated in a block.

    y[n, c, h, w] = x[n, c, floor(h / sh), floor(w / sw)]

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    scale_factor : int >= 1 or pair (sh, sw)
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array (N, C, sh H, sw W), in the layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a scale that is not an integer.
    ValueError
        An array of neither 3 nor 4 dimensions, a scale below 1, an `out` that does not fit.

    Notes
    -----
    Exact. Without its factor 1/4 this is the upsampling of Zhang 2016 [1], eqs. 32 and 52.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.upsample_nearest2d(np.array([[[1.0, 2.0]]]), 2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    x, batched = check.strided_images(x, "x")
    scale = check.pair(scale_factor, "scale_factor", 1)
    y_shape = scaled(x.shape, scale)
    check.size(y_shape, x.dtype)
    y = check.output(out, y_shape, x.dtype, check.layout_of(x), batched, x=x)
    run = upsample_nearest2d_call(x, y, scale)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def upsample_nearest2d_backward(dy: Array, scale_factor: Pair, *, out: Array | None = None) -> Array:
    """The gradient of `upsample_nearest2d` with respect to its input.

    dx[n, c, h, w] = sum of dy[n, c, sh h + i, sw w + j] over i < sh, j < sw

    Parameters
    ----------
    dy : array (N, C, sh H, sw W) or (C, sh H, sw W), float32 or float64
    scale_factor : int >= 1 or pair (sh, sw)
    out : array, optional

    Returns
    -------
    dx : array (N, C, H, W), in the layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a scale that is not an integer.
    ValueError
        An array of neither 3 nor 4 dimensions, a scale below 1, rows or columns of `dy` that the scale does not divide,
        an `out` that does not fit.

    Notes
    -----
    Sums run down the columns of a block, then over them. Error: below (sh + sw + 1) eps times the sum of |dy|.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.upsample_nearest2d_backward(np.arange(8.0).reshape(1, 2, 4), 2)
    array([[[10., 18.]]])
    """
    dy, batched = check.strided_images(dy, "dy")
    sh, sw = scale = check.pair(scale_factor, "scale_factor", 1)
    n, c, height, width = dy.shape
    if height % sh or width % sw:
        shape = dy.shape[0 if batched else 1 :]
        raise ValueError(f"dy must have rows and columns that scale_factor {scale} divides, got shape {shape}")
    dx = check.output(out, (n, c, height // sh, width // sw), dy.dtype, check.layout_of(dy), batched, dy=dy)
    tables = sums(dy.shape, scale)
    run = mean_call(dy, dx, tables)
    run()
    return planned(check.give(dx, out, batched), (dx,), run, tables=True)


def scaled(x_shape: Shape, scale: Shape) -> Shape:
    """(N, C, H sh, W sw)."""
    n, c, height, width = x_shape
    return n, c, height * scale[0], width * scale[1]


# ---------------------------------------------------------------- prepared calls


def upsample_nearest2d_call(x: Array, y: Array, scale: Shape) -> Call:
    return mean_backward_call(x, y, sums(y.shape, scale))


def upsample_nearest2d_backward_call(dy: Array, dx: Array, scale: Shape) -> Call:
    return mean_call(dy, dx, sums(dy.shape, scale))


def sums(y_shape: Shape, scale: Shape) -> Tables:
    """The windows of a sum over blocks: a mean whose divisor is 1."""
    return mean_tables(geometry.pool2d(y_shape, scale, scale), divisor_override=1)
