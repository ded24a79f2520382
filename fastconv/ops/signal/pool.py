"""Max and mean pooling of signals over sliding windows, with their gradients: those of images with H = 1."""

from typing import Any

from ...typing import Array, Padding, Shape
from ..habits import op
from ..pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from . import planes


@op
def max_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Padding = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Any:  # (y, indices) with return_indices, else y
    """The largest value of each window.

    y[n,c,i] = max over r < k of x[n, c, i*stride - left + r*dilation], padding left out

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
        Any strides; the result has the memory layout of `x`.
    kernel_size : int
    stride : int, optional
        None: the kernel's size.
    padding : int, (left, right), "valid", "same" or "full"
        Below the effective kernel, dilation (kernel - 1) + 1, so that no window lies in padding only.
    dilation : int
    ceil_mode : bool
        Let the last window hang over the end, where it starts inside the signal or the padding before it.
    return_indices : bool
        Return also where each maximum is, for `max_pool1d_backward`.
    out : array (N, C, OL), optional
        Where the result goes; any strides, no overlap with `x`.

    Returns
    -------
    y : array (N, C, OL) or (C, OL)
        OL = floor((L + left + right - dilation (k - 1) - 1) / stride) + 1, ceil in `ceil_mode`.
    indices : int64 array, shape of `y`, with `return_indices`
        The place of the first maximum; of the first NaN where there is one.

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        A window longer than the padded signal, padding of a whole window or more, an `out` that does not fit.

    Notes
    -----
    As `max_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_pool1d(np.array([[1.0, 5.0, 2.0, 4.0]]), 2, return_indices=True)
    (array([[5., 4.]]), array([[1, 3]]))
    """
    window = planes.window(kernel_size, stride, padding)
    rest = planes.steps(dilation, "dilation"), ceil_mode, return_indices
    return planes.run(max_pool2d, planes.signals(x, "x"), *window, *rest, out=out)


@op
def max_pool1d_backward(
    dy: Array,
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Padding = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    indices: Array | None = None,
    out: Array | None = None,
) -> Array:
    """The gradient of `max_pool1d` with respect to its input.

    dx[n,c,j] = sum of dy[n,c,i] over the windows i whose first maximum is at j

    Parameters
    ----------
    dy : array (N, C, OL) or (C, OL), float32 or float64
    x : array (N, C, L) or (C, L), dtype of `dy`
        The input. Only its shape is read where `indices` are given.
    kernel_size, stride, padding, dilation, ceil_mode
        As in `max_pool1d`.
    indices : int64 array, shape of `dy`, optional
        What `max_pool1d` returned; spares looking for the maxima again.
    out : array, shape of `x`, optional

    Returns
    -------
    dx : array, shape and memory layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; indices that are not int64.
    ValueError
        A window longer than the padded signal, padding of a whole window or more, shapes that do not agree, an index
        outside its window (the contents of `out` are then undefined), an `out` that does not fit.

    Notes
    -----
    As `max_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.max_pool1d_backward(np.array([[10.0, 20.0]]), np.array([[1.0, 5.0, 2.0, 4.0]]), 2)
    array([[ 0., 10.,  0., 20.]])
    """
    arrays = planes.signals(dy, "dy"), planes.signals(x, "x")
    window = planes.window(kernel_size, stride, padding)
    rest = planes.steps(dilation, "dilation"), ceil_mode
    found = planes.indices_of(indices)
    unread = () if indices is None else (x,)
    dx: Array = planes.run(max_pool2d_backward, *arrays, *window, *rest, indices=found, out=out, shapes=unread)
    return dx


@op
def avg_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The mean of each window: y[n,c,i] = 1/m sum over r < k of x[n, c, i*stride - left + r].

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
        Any strides; the result has the memory layout of `x`.
    kernel_size, stride, padding, ceil_mode
        As in `max_pool1d`.
    count_include_pad : bool
        Whether m counts the zeros of the padding. It never counts what hangs over in `ceil_mode`.
    divisor_override : int, optional
        m for every window.
    out : array (N, C, OL), optional

    Returns
    -------
    y : array (N, C, OL) or (C, OL)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        A window longer than the padded signal, padding of a whole window or more, a divisor of 0, an `out` that does
        not fit.

    Notes
    -----
    As `avg_pool2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool1d(np.array([[1.0, 5.0, 2.0, 4.0]]), 2)
    array([[3., 3.]])
    """
    window = planes.window(kernel_size, stride, padding)
    rest = ceil_mode, count_include_pad, divisor_override
    y: Array = planes.run(avg_pool2d, planes.signals(x, "x"), *window, *rest, out=out)
    return y


@op
def avg_pool1d_backward(
    dy: Array,
    input_shape: Shape,
    kernel_size: int,
    stride: int | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The gradient of `avg_pool1d` with respect to its input.

    dx[n,c,j] = sum of dy[n,c,i] / m over the windows i that hold j

    Parameters
    ----------
    dy : array (N, C, OL) or (C, OL), float32 or float64
    input_shape : (N, C, L) or (C, L)
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As in `avg_pool1d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `avg_pool1d` gives, a window longer than the padded signal, padding of a whole
        window or more, a divisor of 0, an `out` that does not fit.

    Notes
    -----
    As `avg_pool2d_backward`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool1d_backward(np.array([[4.0, 8.0]]), (1, 4), 2)
    array([[2., 2., 4., 4.]])
    """
    dy = planes.signals(dy, "dy")
    shape = planes.shape_of(input_shape, "input_shape", dy.ndim - 1)
    window = planes.window(kernel_size, stride, padding)
    rest = ceil_mode, count_include_pad, divisor_override
    dx: Array = planes.run(avg_pool2d_backward, dy, shape, *window, *rest, out=out)
    return dx
