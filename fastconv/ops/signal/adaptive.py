"""Pooling of signals to a given length, with its gradients: that of images with H = 1."""

from typing import Any

from ...typing import Array, Shape
from ..habits import op
from ..pool import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from . import planes


@op
def adaptive_avg_pool1d(x: Array, output_size: int | None, *, out: Array | None = None) -> Array:
    """The means of windows that share out each signal to a given length.

    y[n,c,i] = mean of x[n, c, floor(i L/OL) : ceil((i+1) L/OL)]

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
    output_size : int, or None for the length of `x`
    out : array (N, C, OL), optional

    Returns
    -------
    y : array (N, C, OL) or (C, OL), in the memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a size that is no integer.
    ValueError
        `x` of neither 2 nor 3 dimensions or without values, a size below 1, an `out` that does not fit.

    Notes
    -----
    As `adaptive_avg_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool1d(np.arange(5.0).reshape(1, 5), 2)
    array([[1., 3.]])
    """
    y: Array = planes.run(adaptive_avg_pool2d, planes.signals(x, "x"), planes.size(output_size), out=out)
    return y


@op
def adaptive_avg_pool1d_backward(dy: Array, input_shape: Shape, *, out: Array | None = None) -> Array:
    """The gradient of `adaptive_avg_pool1d` with respect to its input.

    dx[n,c,j] = sum over the windows that hold j of dy / (values of the window)

    Parameters
    ----------
    dy : array (N, C, OL) or (C, OL), float32 or float64
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
        `input_shape` with other N or C than `dy`, an extent of 0, an `out` that does not fit.

    Notes
    -----
    As `adaptive_avg_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_avg_pool1d_backward(np.array([[3.0, 6.0]]), (1, 5))
    array([[1., 1., 3., 2., 2.]])
    """
    dy = planes.signals(dy, "dy")
    shape = planes.shape_of(input_shape, "input_shape", dy.ndim - 1)
    dx: Array = planes.run(adaptive_avg_pool2d_backward, dy, shape, out=out)
    return dx


@op
def adaptive_max_pool1d(
    x: Array, output_size: int | None, return_indices: bool = False, *, out: Array | None = None
) -> Any:  # (y, indices) with return_indices, else y
    """The largest values of windows that share out each signal to a given length.

    y[n,c,i] = max of x[n, c, floor(i L/OL) : ceil((i+1) L/OL)]

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
    output_size : int, or None for the length of `x`
    return_indices : bool
        Return also the place of the first maximum (or first NaN), int64.
    out : array (N, C, OL), optional

    Returns
    -------
    y : array (N, C, OL) or (C, OL), in the memory layout of `x`
    indices : int64 array, shape of `y`, with `return_indices`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a size that is no integer.
    ValueError
        `x` of neither 2 nor 3 dimensions or without values, a size below 1, an `out` that does not fit.

    Notes
    -----
    As `adaptive_max_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool1d(np.arange(5.0).reshape(1, 5), 2)
    array([[2., 4.]])
    """
    size = planes.size(output_size)
    return planes.run(adaptive_max_pool2d, planes.signals(x, "x"), size, return_indices, out=out)


@op
def adaptive_max_pool1d_backward(
    dy: Array, x: Array, *, indices: Array | None = None, out: Array | None = None
) -> Array:
    """The gradient of `adaptive_max_pool1d` with respect to its input.

    dx[n,c,j] = sum of dy over the windows whose first maximum is at j

    Parameters
    ----------
    dy : array (N, C, OL) or (C, OL), float32 or float64
    x : array (N, C, L) or (C, L), dtype of `dy`
        The input. Only its shape is read where `indices` are given.
    indices : int64 array, shape of `dy`, optional
        What `adaptive_max_pool1d` returned.
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
    As `adaptive_max_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.adaptive_max_pool1d_backward(np.array([[3.0, 6.0]]), np.arange(5.0).reshape(1, 5))
    array([[0., 0., 3., 0., 6.]])
    """
    arrays, found = (planes.signals(dy, "dy"), planes.signals(x, "x")), planes.indices_of(indices)
    unread = () if indices is None else (x,)
    dx: Array = planes.run(adaptive_max_pool2d_backward, *arrays, indices=found, out=out, shapes=unread)
    return dx
