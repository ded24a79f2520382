"""Pooling over whole signals, with its gradients: that of images with H = 1."""

from typing import Any

from ...typing import Array, Shape
from ..habits import op
from ..pool import global_avg_pool2d, global_avg_pool2d_backward, global_max_pool2d, global_max_pool2d_backward
from . import planes


@op
def global_avg_pool1d(x: Array, *, out: Array | None = None) -> Array:
    """The mean of each signal: y[n,c,0] = 1/L sum over j of x[n,c,j].

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
    out : array (N, C, 1), optional

    Returns
    -------
    y : array (N, C, 1) or (C, 1)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `x` of neither 2 nor 3 dimensions or without values, an `out` that does not fit.

    Notes
    -----
    As `global_avg_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool1d(np.arange(8.0).reshape(2, 4))
    array([[1.5],
           [5.5]])
    """
    y: Array = planes.run(global_avg_pool2d, planes.signals(x, "x"), out=out)
    return y


@op
def global_avg_pool1d_backward(dy: Array, input_shape: Shape, *, out: Array | None = None) -> Array:
    """The gradient of `global_avg_pool1d` with respect to its input: dx[n,c,j] = dy[n,c,0] / L.

    Parameters
    ----------
    dy : array (N, C, 1) or (C, 1), float32 or float64
    input_shape : (N, C, L) or (C, L)
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
    As `global_avg_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_avg_pool1d_backward(np.array([[6.0]]), (1, 3))
    array([[2., 2., 2.]])
    """
    dy = planes.signals(dy, "dy")
    shape = planes.shape_of(input_shape, "input_shape", dy.ndim - 1)
    dx: Array = planes.run(global_avg_pool2d_backward, dy, shape, out=out)
    return dx


@op
def global_max_pool1d(
    x: Array, return_indices: bool = False, *, out: Array | None = None
) -> Any:  # (y, indices) with return_indices, else y
    """The largest value of each signal: y[n,c,0] = max over j of x[n,c,j].

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
    return_indices : bool
        Return also the place of the first maximum (or first NaN), int64.
    out : array (N, C, 1), optional

    Returns
    -------
    y : array (N, C, 1) or (C, 1)
    indices : int64 array, shape of `y`, with `return_indices`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `x` of neither 2 nor 3 dimensions or without values, an `out` that does not fit.

    Notes
    -----
    As `global_max_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool1d(np.array([[3.0, 7.0, 7.0]]), return_indices=True)
    (array([[7.]]), array([[1]]))
    """
    return planes.run(global_max_pool2d, planes.signals(x, "x"), return_indices, out=out)


@op
def global_max_pool1d_backward(dy: Array, x: Array, *, indices: Array | None = None, out: Array | None = None) -> Array:
    """The gradient of `global_max_pool1d` with respect to its input: dy at the first maximum of each signal, else 0.

    dx[n,c,j] = dy[n,c,0] where j = argmax of x[n,c], else 0

    Parameters
    ----------
    dy : array (N, C, 1) or (C, 1), float32 or float64
    x : array (N, C, L) or (C, L), dtype of `dy`
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
        Shapes that do not agree, an index outside the signal, an `out` that does not fit.

    Notes
    -----
    As `global_max_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.global_max_pool1d_backward(np.array([[2.0]]), np.array([[3.0, 7.0, 7.0]]))
    array([[0., 2., 0.]])
    """
    arrays, found = (planes.signals(dy, "dy"), planes.signals(x, "x")), planes.indices_of(indices)
    unread = () if indices is None else (x,)
    dx: Array = planes.run(global_max_pool2d_backward, *arrays, indices=found, out=out, shapes=unread)
    return dx
