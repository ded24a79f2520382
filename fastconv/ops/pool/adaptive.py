"""Pooling to an output of given size, with its gradients."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from ...typing import Array, Shape
from .. import check
from ..call_cache import planned
from ..habits import op
from .arguments import gradient_of, indices_like, like_x, refuse, with_indices
from .prepared import (
    adaptive_avg_pool2d_backward_call,
    adaptive_tables,
    max_backward_call,
    max_call,
    maxima,
    mean_call,
)

Sizes: TypeAlias = int | Sequence[int | None]  # None keeps the size of x


@op
def adaptive_avg_pool2d(x: Array, output_size: Sizes, *, out: Array | None = None) -> Array:
    """The means of windows that share out each plane to a given size.

    y[n,c,i,j] = mean of x[n, c, floor(i H/OH) : ceil((i+1) H/OH), floor(j W/OW) : ceil((j+1) W/OW)]

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    output_size : int or (OH, OW)
        None in the pair keeps that size.
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW), in the memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; sizes that are not integers.
    ValueError
        `x` of neither 3 nor 4 dimensions or without pixels, sizes below 1, an `out` that does not fit.

    Notes
    -----
    The sums and the error of `avg_pool2d`, with the extents of each window in place of kh and kw. Windows are
    PyTorch's; they overlap where the size does not divide H or W.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 2))
    array([[[1., 3.]]])
    """
    x, batched = check.strided_images(x, "x")
    y_shape = adaptive_shape(x, output_size)
    y = check.output(out, y_shape, x.dtype, check.layout_of(x), batched, x=x)
    tables = adaptive_tables(x.shape, y_shape)
    run = mean_call(x, y, tables)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def adaptive_avg_pool2d_backward(dy: Array, input_shape: Shape, *, out: Array | None = None) -> Array:
    """The gradient of `adaptive_avg_pool2d` with respect to its input.

    dx[n,c,h,w] = sum over the windows that hold (h, w) of dy / (elements of the window)

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    input_shape : (N, C, H, W) or (C, H, W)
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`, in the memory layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `input_shape` with other N or C than `dy`, an extent of 0, an `out` that does not fit.

    Notes
    -----
    Error: within 16 eps (1 + |dx|) for |dy| of order 1. The sums are made in row-major order of the windows.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool2d_backward(np.array([[[3.0, 6.0]]]), (1, 1, 5))
    array([[[1., 1., 3., 2., 2.]]])
    """
    dy, batched = check.strided_images(dy, "dy")
    shape = check.with_batch(input_shape, batched)
    not_empty(shape)
    if min(dy.shape[2:]) < 1:
        raise ValueError(f"dy must have H and W of at least 1, got shape {dy.shape}")
    if shape[:2] != dy.shape[:2]:
        raise ValueError(f"input_shape must have the N and C of dy, got {shape} and dy {dy.shape}")
    dx = check.output(out, shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    run = adaptive_avg_pool2d_backward_call(dy, dx)
    run()
    return planned(check.give(dx, out, batched), (dx,), run, tables=True)


@op
def adaptive_max_pool2d(
    x: Array, output_size: Sizes, return_indices: bool = False, *, out: Array | None = None
) -> Any:  # (y, indices) with return_indices, else y
    """The largest values of windows that share out each plane to a given size.

    y[n,c,i,j] = max of x[n, c, floor(i H/OH) : ceil((i+1) H/OH), floor(j W/OW) : ceil((j+1) W/OW)]

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    output_size : int or (OH, OW)
        None in the pair keeps that size.
    return_indices : bool
        Return also h * W + w of the first maximum (or first NaN), int64.
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW), in the memory layout of `x`
    indices : int64 array, shape of `y`, with `return_indices`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; sizes that are not integers.
    ValueError
        `x` of neither 3 nor 4 dimensions or without pixels, sizes below 1, an `out` that does not fit.

    Notes
    -----
    A NaN in the window gives NaN. Exact. The windows are as in `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 2))
    array([[[2., 4.]]])
    """
    x, batched = check.strided_images(x, "x")
    return_indices = check.flag(return_indices, "return_indices")
    y_shape, layout = adaptive_shape(x, output_size), check.layout_of(x)
    y = check.output(out, y_shape, x.dtype, layout, batched, x=x)
    indices = check.empty(y_shape, check.INT64, layout) if return_indices else None
    tables = adaptive_tables(x.shape, y_shape)
    run = max_call(x, y, indices, tables)
    run()
    return with_indices(run, y, out, indices, batched, tables)


@op
def adaptive_max_pool2d_backward(
    dy: Array, x: Array, *, indices: Array | None = None, out: Array | None = None
) -> Array:
    """The gradient of `adaptive_max_pool2d` with respect to its input.

    dx[n,c,h,w] = sum of dy over the windows whose first maximum is at (h, w)

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
        The input. Only its shape is read where `indices` are given.
    indices : int64 array, shape of `dy`, optional
        What `adaptive_max_pool2d` returned.
    out : array, shape of `x`, optional

    Returns
    -------
    dx : array, shape and memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64.
    ValueError
        Shapes that do not agree, an index outside its window (the contents of `out` are then undefined), an `out` that
        does not fit.

    Notes
    -----
    Where windows overlap, their gradients are added in row-major order of the windows.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool2d_backward(np.array([[[3.0, 6.0]]]), np.arange(5.0).reshape(1, 1, 5))
    array([[[0., 0., 3., 0., 6.]]])
    """
    given = x
    x, batched = check.strided_images(x, "x")
    not_empty(x.shape)
    dy = check.array(dy, "dy")
    size = dy.shape[-2:]
    y_shape = x.shape[:2] + (size if len(size) == 2 and 0 not in size else (1, 1))
    dy = gradient_of(x, dy, "adaptive_max_pool2d", y_shape, batched)
    tables = adaptive_tables(x.shape, y_shape)
    if indices is not None:
        indices = indices_like(indices, y_shape, batched)
    dx = like_x(out, x, batched, dy=dy, indices=indices)
    new: tuple[Array, ...] = (dx,)
    calls: tuple[Any, ...] = ()
    if indices is None:
        indices, also, find = maxima(x, tables, y_shape)
        new, calls = (dx, *also), (find,)
    back = max_backward_call(dy, indices, dx, tables)
    refuse(back(), indices, batched, x.shape[2:], " and in its window")
    shapes = () if calls else (given,)
    return planned(check.give(dx, out, batched), new, *calls, back, tables=True, shapes=shapes)


def adaptive_shape(x: Array, output_size: Sizes) -> Shape:
    """(N, C, OH, OW)."""
    not_empty(x.shape)
    if isinstance(output_size, tuple | list) and len(output_size) == 2:
        output_size = [n if o is None else o for n, o in zip(x.shape[2:], output_size, strict=True)]
    OH, OW = check.pair(output_size, "output_size", 1)
    return *x.shape[:2], OH, OW


def not_empty(shape: Shape) -> None:
    """ValueError for planes without pixels."""
    if 0 in shape[2:]:
        raise ValueError(f"x must have H and W of at least 1, got shape {tuple(shape)}")
