"""Global and adaptive pooling, and unpooling by indices, each with its backward."""

from . import check, geometry
from .pool_calls import (
    adaptive_avg_pool2d_backward_call,
    adaptive_avg_pool2d_call,
    adaptive_max_pool2d_backward_call,
    adaptive_max_pool2d_call,
    adaptive_tables,
    find_maxima,
    max_unpool2d_backward_call,
    max_unpool2d_call,
)
from .pool_check import gradient_of, in_plane, indices_like, refuse, with_batch


def adaptive_avg_pool2d(x, output_size, *, out=None):
    """The means of windows that share out each map to a given size.

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
    TypeError, ValueError
        Other dtypes or ranks, sizes below 1, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 2))
    array([[[1., 3.]]])
    """
    x, batched = check.images(x, "x")
    y_shape = adaptive_shape(x, output_size)
    y = check.output(out, y_shape, x.dtype, check.layout_of(x), batched, x=x)
    adaptive_avg_pool2d_call(x, y)()
    return check.give(y, out, batched)


def adaptive_avg_pool2d_backward(dy, input_shape, *, out=None):
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
    TypeError, ValueError
        As `adaptive_avg_pool2d`; other N or C than those of `dy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool2d_backward(np.array([[[3.0, 6.0]]]), (1, 1, 5))
    array([[[1., 1., 3., 2., 2.]]])
    """
    dy, batched = check.images(dy, "dy")
    shape = with_batch(input_shape, batched)
    not_empty(shape)
    if min(dy.shape[2:]) < 1:
        raise ValueError(f"dy must have H and W of at least 1, got shape {dy.shape}")
    if shape[:2] != dy.shape[:2]:
        raise ValueError(f"input_shape must have the N and C of dy, got {shape} and dy {dy.shape}")
    dx = check.output(out, shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    adaptive_avg_pool2d_backward_call(dy, dx)()
    return check.give(dx, out, batched)


def adaptive_max_pool2d(x, output_size, return_indices=False, *, out=None):
    """The largest values of windows that share out each map to a given size.

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
    TypeError, ValueError
        Other dtypes or ranks, sizes below 1, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 2))
    array([[[2., 4.]]])
    """
    x, batched = check.images(x, "x")
    y_shape, layout = adaptive_shape(x, output_size), check.layout_of(x)
    y = check.output(out, y_shape, x.dtype, layout, batched, x=x)
    indices = check.empty(y_shape, "int64", layout) if return_indices else None
    adaptive_max_pool2d_call(x, y, indices)()
    y = check.give(y, out, batched)
    return (y, check.give(indices, None, batched)) if return_indices else y


def adaptive_max_pool2d_backward(dy, x, *, indices=None, out=None):
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
    TypeError, ValueError
        As `adaptive_max_pool2d`; shapes that do not agree, an index that is not in its window (what `out` holds then is
        no gradient).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool2d_backward(np.array([[[3.0, 6.0]]]), np.arange(5.0).reshape(1, 1, 5))
    array([[[0., 0., 3., 0., 6.]]])
    """
    x, batched = check.images(x, "x")
    not_empty(x.shape)
    size = tuple(getattr(dy, "shape", (0, 0))[-2:])
    y_shape = (*x.shape[:2], *(size if len(size) == 2 and min(size) > 0 else (1, 1)))
    dy = gradient_of(x, dy, "adaptive_max_pool2d", y_shape, batched)
    tables = adaptive_tables(x.shape, y_shape)
    if indices is not None:
        indices = indices_like(indices, y_shape, batched)
    dx = check.output(out, x.shape, x.dtype, check.layout_of(x), batched, dy=dy, x=x, indices=indices)
    if indices is None:
        indices = find_maxima(x, tables, y_shape)
    bad = adaptive_max_pool2d_backward_call(dy, indices, dx)()
    refuse(bad, indices, batched, x.shape[2:], " and in its window")
    return check.give(dx, out, batched)


def global_avg_pool2d(x, *, out=None):
    """The mean of each map: y[n,c,0,0] = 1/(H W) sum over h, w of x[n,c,h,w].

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    out : array (N, C, 1, 1), optional

    Returns
    -------
    y : array (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    TypeError, ValueError
        Other dtypes or ranks, empty maps, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool2d(np.arange(8.0).reshape(2, 2, 2))
    array([[[1.5]],
    <BLANKLINE>
           [[5.5]]])
    """
    return adaptive_avg_pool2d(x, 1, out=out)


def global_avg_pool2d_backward(dy, input_shape, *, out=None):
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
    TypeError, ValueError
        As `global_avg_pool2d`; a `dy` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool2d_backward(np.array([[[6.0]]]), (1, 1, 3))
    array([[[2., 2., 2.]]])
    """
    one_by_one(dy)
    return adaptive_avg_pool2d_backward(dy, input_shape, out=out)


def global_max_pool2d(x, return_indices=False, *, out=None):
    """The largest value of each map: y[n,c,0,0] = max over h, w of x[n,c,h,w].

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
    TypeError, ValueError
        Other dtypes or ranks, empty maps, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool2d(np.array([[[3.0, 7.0, 7.0]]]), return_indices=True)
    (array([[[7.]]]), array([[[1]]]))
    """
    return adaptive_max_pool2d(x, 1, return_indices, out=out)


def global_max_pool2d_backward(dy, x, *, indices=None, out=None):
    """The gradient of `global_max_pool2d` with respect to its input: dy at the first maximum of each map, else 0.

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
    TypeError, ValueError
        As `global_max_pool2d`; shapes that do not agree, an index that is not in its map.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool2d_backward(np.array([[[2.0]]]), np.array([[[3.0, 7.0, 7.0]]]))
    array([[[0., 2., 0.]]])
    """
    one_by_one(dy)
    return adaptive_max_pool2d_backward(dy, x, indices=indices, out=out)


def max_unpool2d(x, indices, kernel_size=None, stride=None, padding=0, output_size=None, *, out=None):
    """Put values where `max_pool2d` found them, zeros elsewhere.

    y[n, c].flat[indices[n,c,i,j]] = x[n,c,i,j]; where an index is repeated the later value stays

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    indices : int64 array, shape of `x`
        Flat in the plane (OH, OW), as `max_pool2d` returns them.
    kernel_size, stride, padding
        Those of the pooling; they give the size (H - 1) sh - 2 ph + kh where `output_size` does not.
    output_size : (OH, OW), or a whole shape, optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW), in the memory layout of `x`

    Raises
    ------
    TypeError
        Other dtypes, indices that are not int64, neither `kernel_size` nor `output_size`.
    ValueError
        Shapes that do not agree, an index outside the plane, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_unpool2d(np.array([[[5.0, 7.0]]]), np.array([[[1, 2]]]), (1, 2))
    array([[[0., 5., 7., 0.]]])
    """
    x, batched = check.images(x, "x")
    OH, OW = unpooled_size(x, kernel_size, stride, padding, output_size)
    indices = indices_like(indices, x.shape, batched)
    in_plane(indices, batched, (OH, OW))
    y = check.output(out, (*x.shape[:2], OH, OW), x.dtype, check.layout_of(x), batched, x=x, indices=indices)
    max_unpool2d_call(x, indices, y)()
    return check.give(y, out, batched)


def max_unpool2d_backward(dy, indices, *, out=None):
    """The gradient of `max_unpool2d` with respect to its input, where no index is repeated.

    dx[n,c,i,j] = dy[n, c].flat[indices[n,c,i,j]]

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    indices : int64 array (N, C, H, W) or (C, H, W)
        Those given to `max_unpool2d`.
    out : array, shape of `indices`, optional

    Returns
    -------
    dx : array, shape of `indices`, in the memory layout of `dy`

    Raises
    ------
    TypeError, ValueError
        As `max_unpool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_unpool2d_backward(np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1, 2]]]))
    array([[[2., 3.]]])
    """
    dy, batched = check.images(dy, "dy")
    size = tuple(getattr(indices, "shape", ())[-2:])
    shape = (*dy.shape[:2], *(size if len(size) == 2 else (1, 1)))
    indices = indices_like(indices, shape, batched)
    in_plane(indices, batched, dy.shape[2:])
    dx = check.output(out, shape, dy.dtype, check.layout_of(dy), batched, dy=dy, indices=indices)
    max_unpool2d_backward_call(dy, indices, dx)()
    return check.give(dx, out, batched)


def adaptive_shape(x, output_size):
    not_empty(x.shape)
    if isinstance(output_size, tuple | list) and len(output_size) == 2:
        output_size = [n if o is None else o for n, o in zip(x.shape[2:], output_size, strict=True)]
    OH, OW = check.pair(output_size, "output_size", 1)
    return *x.shape[:2], OH, OW


def not_empty(shape):
    if min(shape[2:]) < 1:
        raise ValueError(f"x must have H and W of at least 1, got shape {tuple(shape)}")


def one_by_one(dy):
    if tuple(getattr(dy, "shape", (1, 1))[-2:]) != (1, 1):
        raise ValueError(f"dy must have shape (N, C, 1, 1), the output of global pooling, got {dy.shape}")


def unpooled_size(x, kernel_size, stride, padding, output_size):
    if output_size is not None:
        size = tuple(output_size) if isinstance(output_size, tuple | list) else output_size
        return check.pair(size[-2:] if isinstance(size, tuple) else size, "output_size", 1)
    if kernel_size is None:
        raise TypeError("kernel_size or output_size must be given")
    k = check.pair(kernel_size, "kernel_size", 1)
    s = k if stride is None else check.pair(stride, "stride", 1)
    p = check.pair(padding, "padding", 0)
    size = tuple((n - 1) * s[i] - 2 * p[i] + k[i] for i, n in enumerate(x.shape[2:]))
    if min(size) < 1 or max(*k, *s, *p) >= geometry.LIMIT:
        raise ValueError(f"kernel_size, stride and padding must give a size of at least 1 x 1, got {size}")
    return size
