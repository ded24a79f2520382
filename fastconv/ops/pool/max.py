"""Max pooling over sliding windows, with its gradient.

Every function has two halves: the public one checks, takes or makes the result, and runs a prepared call of
`prepared`, which networks use alone.
"""

from typing import Any

from ...typing import Array, Padding, Pair
from .. import check, geometry
from ..call_cache import planned
from ..habits import op
from .arguments import gradient_of, indices_like, like_x, no_window_in_padding, refuse, with_indices
from .prepared import max_backward_call, max_call, max_tables, maxima


@op
def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Any:  # (y, indices) with return_indices, else y
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
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        A window larger than the padded image, padding of a whole window or more, an `out` that does not fit.

    Notes
    -----
    A NaN in the window gives NaN. Exact; the bits do not depend on layout, threads or N. The position of the maximum is
    all that the backward pass needs (the answers of 2016 [4]).

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
    x, batched = check.strided_images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    tables = max_tables(g)
    no_window_in_padding(tables, g)
    return_indices, layout = check.flag(return_indices, "return_indices"), check.layout_of(x)
    y = check.output(out, g.y_shape, x.dtype, layout, batched, x=x)
    indices = check.empty(g.y_shape, check.INT64, layout) if return_indices else None
    run = max_call(x, y, indices, tables)
    run()
    return with_indices(run, y, out, indices, batched, tables)


@op
def max_pool2d_backward(
    dy: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    *,
    indices: Array | None = None,
    out: Array | None = None,
) -> Array:
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
        Where windows overlap, their gradients are added in row-major order of the windows.

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64.
    ValueError
        A window larger than the padded image, padding of a whole window or more, shapes that do not agree, an index
        outside its window (the contents of `out` are then undefined), an `out` that does not fit.

    Notes
    -----
    Exact where windows do not overlap. The gradient of a window goes to its first maximum alone (the answers of 2016
    [4]).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[1.0, 5.0, 2.0, 4.0]]])
    >>> fastconv.max_pool2d_backward(np.array([[[10.0, 20.0]]]), x, (1, 2))
    array([[[ 0., 10.,  0., 20.]]])
    """
    given = x
    x, batched = check.strided_images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    tables = max_tables(g)
    no_window_in_padding(tables, g)
    y_shape = g.y_shape
    dy = gradient_of(x, dy, "max_pool2d", y_shape, batched)
    if indices is not None:
        indices = indices_like(indices, y_shape, batched)
    dx = like_x(out, x, batched, dy=dy, indices=indices)
    new: tuple[Array, ...] = (dx,)
    calls: tuple[Any, ...] = ()
    if indices is None:
        indices, also, find = maxima(x, tables, y_shape)
        new, calls = (dx, *also), (find,)
    back = max_backward_call(dy, indices, dx, tables)
    refuse(back(), indices, batched, (g.H, g.W), " and in its window")
    shapes = () if calls else (given,)
    return planned(check.give(dx, out, batched), new, *calls, back, tables=True, shapes=shapes)
