"""Unpooling by indices, with its gradient."""

from collections.abc import Sequence

from ...typing import Array, Pair
from .. import check
from ..call_cache import planned
from ..extents import LIMIT
from ..habits import op
from .arguments import in_plane, index_check, indices_like
from .prepared import max_unpool2d_backward_call, max_unpool2d_call


@op
def max_unpool2d(
    x: Array,
    indices: Array,
    kernel_size: Pair | None = None,
    stride: Pair | None = None,
    padding: Pair = 0,
    output_size: int | Sequence[int] | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """Put values where `max_pool2d` found them, zeros elsewhere.

    y[n, c].flat[indices[n,c,i,j]] = x[n,c,i,j]; where an index is repeated the later value stays

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    indices : int64 array, shape of `x`
        Flat in the plane (OH, OW), as `max_pool2d` returns them.
    kernel_size, stride, padding
        As in the pooling; they give the size (H - 1) sh - 2 ph + kh where `output_size` does not.
    output_size : (OH, OW), or a whole shape, optional
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW), in the memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64, neither `kernel_size` nor
        `output_size`.
    ValueError
        Shapes that do not agree, an index outside the plane, an `out` that does not fit.

    Notes
    -----
    Exact: values are copied, NaN too. Zeiler 2011 [25].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_unpool2d(np.array([[[5.0, 7.0]]]), np.array([[[1, 2]]]), (1, 2))
    array([[[0., 5., 7., 0.]]])
    """
    x, batched = check.strided_images(x, "x")
    OH, OW = unpooled_size(x, kernel_size, stride, padding, output_size)
    indices = indices_like(indices, x.shape, batched)
    in_plane(indices, batched, (OH, OW))
    y = check.output(out, (*x.shape[:2], OH, OW), x.dtype, check.layout_of(x), batched, x=x, indices=indices)
    run = max_unpool2d_call(x, indices, y)
    run()
    return planned(check.give(y, out, batched), (y,), index_check(indices, (OH, OW)), run)


@op
def max_unpool2d_backward(dy: Array, indices: Array, *, out: Array | None = None) -> Array:
    """The gradient of `max_unpool2d` with respect to its input, where no index is repeated.

    dx[n,c,i,j] = dy[n, c].flat[indices[n,c,i,j]]

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    indices : int64 array (N, C, H, W) or (C, H, W)
        The indices given to `max_unpool2d`.
    out : array, shape of `indices`, optional

    Returns
    -------
    dx : array, shape of `indices`, in the memory layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64.
    ValueError
        Shapes that do not agree, an index outside the plane, an `out` that does not fit.

    Notes
    -----
    Exact: values are copied. Zeiler 2011 [25].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_unpool2d_backward(np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1, 2]]]))
    array([[[2., 3.]]])
    """
    dy, batched = check.strided_images(dy, "dy")
    indices = check.given(indices, "indices", "what max_pool2d returned")
    size = indices.shape[-2:]
    shape = (*dy.shape[:2], *(size if len(size) == 2 else (1, 1)))
    indices = indices_like(indices, shape, batched)
    in_plane(indices, batched, dy.shape[2:])
    dx = check.output(out, shape, dy.dtype, check.layout_of(dy), batched, dy=dy, indices=indices)
    run = max_unpool2d_backward_call(dy, indices, dx)
    run()
    return planned(check.give(dx, out, batched), (dx,), index_check(indices, dy.shape[2:]), run)


def unpooled_size(
    x: Array,
    kernel_size: Pair | None,
    stride: Pair | None,
    padding: Pair,
    output_size: int | Sequence[int] | None,
) -> tuple[int, int]:
    """(OH, OW)."""
    if output_size is not None:
        size = tuple(output_size) if isinstance(output_size, tuple | list) else output_size
        return check.pair(size[-2:] if isinstance(size, tuple) else size, "output_size", 1)
    if kernel_size is None:
        raise TypeError("kernel_size or output_size must be given")
    k = check.pair(kernel_size, "kernel_size", 1)
    s = k if stride is None else check.pair(stride, "stride", 1)
    p = check.pair(padding, "padding", 0)
    OH, OW = ((n - 1) * s[i] - 2 * p[i] + k[i] for i, n in enumerate(x.shape[2:]))
    if min(OH, OW) < 1 or max(*k, *s, *p) >= LIMIT:
        raise ValueError(f"kernel_size, stride and padding must give a size of at least 1 x 1, got {(OH, OW)}")
    return OH, OW
