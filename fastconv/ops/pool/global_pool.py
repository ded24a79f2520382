"""Pooling over whole planes, with its gradients."""

from typing import Any

from ...typing import Array, Shape
from .. import check
from ..habits import body, op
from .adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)


@op
def global_avg_pool2d(x: Array, *, out: Array | None = None) -> Array:
    """The mean of each plane: y[n,c,0,0] = 1/(H W) sum over h, w of x[n,c,h,w].

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    out : array (N, C, 1, 1), optional

    Returns
    -------
    y : array (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `x` of neither 3 nor 4 dimensions or without pixels, an `out` that does not fit.

    Notes
    -----
    Error: below (H + W + 1) eps times the mean of |x|. Lin 2014 [31].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool2d(np.arange(8.0).reshape(2, 2, 2))
    array([[[1.5]],
    <BLANKLINE>
           [[5.5]]])
    """
    return body(adaptive_avg_pool2d)(x, 1, out=out)


@op
def global_avg_pool2d_backward(dy: Array, input_shape: Shape, *, out: Array | None = None) -> Array:
    """The gradient of `global_avg_pool2d` with respect to its input: dx[n,c,h,w] = dy[n,c,0,0] / (H W).

    Parameters
    ----------
    dy : array (N, C, 1, 1) or (C, 1, 1), float32 or float64
    input_shape : (N, C, H, W) or (C, H, W)
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `dy` of another shape, `input_shape` with other N or C than `dy`, an `out` that does not fit.

    Notes
    -----
    Exact but for one rounding. Lin 2014 [31].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool2d_backward(np.array([[[6.0]]]), (1, 1, 3))
    array([[[2., 2., 2.]]])
    """
    one_by_one(dy)
    return body(adaptive_avg_pool2d_backward)(dy, input_shape, out=out)


@op
def global_max_pool2d(
    x: Array, return_indices: bool = False, *, out: Array | None = None
) -> Any:  # (y, indices) with return_indices, else y
    """The largest value of each plane: y[n,c,0,0] = max over h, w of x[n,c,h,w].

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    return_indices : bool
        Return also h * W + w of the first maximum (or first NaN), int64.
    out : array (N, C, 1, 1), optional

    Returns
    -------
    y : array (N, C, 1, 1) or (C, 1, 1)
    indices : int64 array, shape of `y`, with `return_indices`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `x` of neither 3 nor 4 dimensions or without pixels, an `out` that does not fit.

    Notes
    -----
    A NaN in a plane gives NaN. Exact.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool2d(np.array([[[3.0, 7.0, 7.0]]]), return_indices=True)
    (array([[[7.]]]), array([[[1]]]))
    """
    return body(adaptive_max_pool2d)(x, 1, return_indices, out=out)


@op
def global_max_pool2d_backward(dy: Array, x: Array, *, indices: Array | None = None, out: Array | None = None) -> Array:
    """The gradient of `global_max_pool2d` with respect to its input: dy at the first maximum of each plane, else 0.

    dx[n,c,h,w] = dy[n,c,0,0] where h W + w = argmax of x[n,c], else 0

    Parameters
    ----------
    dy : array (N, C, 1, 1) or (C, 1, 1), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
        The input. Only its shape is read where `indices` are given.
    indices : int64 array, shape of `dy`, optional
    out : array, shape of `x`, optional

    Returns
    -------
    dx : array, shape and memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64.
    ValueError
        Shapes that do not agree, an index outside the plane, an `out` that does not fit.

    Notes
    -----
    Exact. The first of equal maxima takes the whole gradient, as the first NaN does.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool2d_backward(np.array([[[2.0]]]), np.array([[[3.0, 7.0, 7.0]]]))
    array([[[0., 2., 0.]]])
    """
    one_by_one(dy)
    return body(adaptive_max_pool2d_backward)(dy, x, indices=indices, out=out)


def one_by_one(dy: Array) -> None:
    """ValueError unless planes have one pixel."""
    dy = check.array(dy, "dy", (3, 4))
    if dy.shape[-2:] != (1, 1):
        raise ValueError(f"dy must have shape (N, C, 1, 1), the output of global pooling, got {dy.shape}")
