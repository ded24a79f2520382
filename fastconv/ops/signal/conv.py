"""Convolution of signals and its gradients: `conv2d` with H = 1."""

from typing import Any

from ...typing import Array, Padding, Shape
from ..conv import conv2d, conv2d_backward_bias, conv2d_backward_input, conv2d_backward_weight
from ..habits import op
from . import planes


@op
def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
    groups: int = 1,
    *,
    activation: str | None = None,
    residual: Array | None = None,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """Cross-correlate signals with filters.

    y[n,k,i] = f(bias[k] + residual[n,k,i] + sum_{c,r} x[n, c, i*stride - left + r*dilation] weight[k,c,r])

    where f(v) is v, max(v, 0) or min(max(v, 0), 6).

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
        Any strides; the result has the memory layout of `x`.
    weight : array (K, C / groups, k), dtype of `x`
    bias : array (K,), dtype of `x`, optional
    stride : int >= 1
    padding : int, (left, right), "valid", "same" or "full"
        As in `conv2d`.
    dilation : int >= 1
    groups : int
        Divides C and K.
    activation : None, "relu" or "relu6"
    residual : array of the shape and dtype of `y`, optional
    precise : bool
        As in `conv2d`.
    out : array (N, K, OL), optional
        Any strides, no overlap with an input, but it may be `residual` itself.

    Returns
    -------
    y : array (N, K, OL) or (K, OL)
        OL = floor((L + left + right - dilation (k - 1) - 1) / stride) + 1.

    Raises
    ------
    TypeError
        Other dtypes, dtypes that differ, arguments that are not integers.
    ValueError
        Shapes that do not agree, stride or dilation below 1, negative padding, groups that do not divide, a kernel
        longer than the padded signal, another activation, a `residual` or an `out` that does not fit.

    Notes
    -----
    The result of `conv2d` for images (N, C, 1, L): its error, its bits and its threads. Nothing is copied.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv1d(np.array([[1.0, 2.0, 4.0, 8.0]]), np.array([[[1.0, 10.0]]]))
    array([[21., 42., 84.]])
    """
    numbers = planes.steps(stride, "stride"), planes.border(padding), planes.steps(dilation, "dilation"), groups
    rest: dict[str, Any] = {
        "activation": activation,
        "residual": planes.maybe(residual, "residual"),
        "precise": precise,
    }
    y: Array = planes.run(conv2d, planes.signals(x, "x"), planes.kernels(weight), bias, *numbers, **rest, out=out)
    return y


@op
def conv1d_backward_input(
    dy: Array,
    weight: Array,
    input_shape: Shape,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
    groups: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv1d` with respect to its input.

    dx[n,c,j] = sum_{k,r} dy[n,k,i] weight[k,c,r]  over i*stride - left + r*dilation = j

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    weight : array (K, C / groups, k), dtype of `dy`
    input_shape : (N, C, L) or (C, L)
    stride, padding, dilation, groups, precise
        As in `conv1d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv1d` gives, a stride or dilation below 1, negative padding, groups that do not
        divide the channels, a kernel longer than the padded signal, an `out` that does not fit.

    Notes
    -----
    As `conv2d_backward_input`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv1d_backward_input(np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0, 10.0]]]), (1, 4))
    array([[ 1., 12., 24., 40.]])
    """
    dy = planes.signals(dy, "dy")
    numbers = planes.steps(stride, "stride"), planes.border(padding), planes.steps(dilation, "dilation"), groups
    shape = planes.shape_of(input_shape, "input_shape", dy.ndim - 1)
    dx: Array = planes.run(conv2d_backward_input, dy, planes.kernels(weight), shape, *numbers, precise=precise, out=out)
    return dx


@op
def conv1d_backward_weight(
    dy: Array,
    x: Array,
    weight_shape: Shape,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
    groups: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv1d` with respect to its weight.

    dweight[k,c,r] = sum_{n,i} dy[n,k,i] x[n, c, i*stride - left + r*dilation]

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    x : array (N, C, L) or (C, L), dtype of `dy`
    weight_shape : (K, C / groups, k)
    stride, padding, dilation, groups, precise
        As in `conv1d`.
    out : array of shape `weight_shape`, optional

    Returns
    -------
    dweight : array of shape `weight_shape`; zeros for an empty batch

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv1d` gives, a stride or dilation below 1, negative padding, groups that do not
        divide the channels, a kernel longer than the padded signal, an `out` that does not fit.

    Notes
    -----
    As `conv2d_backward_weight`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy, x = np.array([[1.0, 1.0, 1.0]]), np.array([[1.0, 2.0, 4.0, 8.0]])
    >>> fastconv.conv1d_backward_weight(dy, x, (1, 1, 2))
    array([[[ 7., 14.]]])
    """
    numbers = planes.steps(stride, "stride"), planes.border(padding), planes.steps(dilation, "dilation"), groups
    arrays = planes.signals(dy, "dy"), planes.signals(x, "x")
    shape = planes.shape_of(weight_shape, "weight_shape", 3)
    dweight: Array = planes.run(conv2d_backward_weight, *arrays, shape, *numbers, precise=precise, out=out)
    return dweight


@op
def conv1d_backward_bias(dy: Array, *, out: Array | None = None) -> Array:
    """The gradient of `conv1d` with respect to its bias: dbias[k] = sum_{n,i} dy[n,k,i].

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    out : array (K,), optional

    Returns
    -------
    dbias : array (K,), summed in double precision

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `dy` of neither 2 nor 3 dimensions, an `out` that does not fit.

    Notes
    -----
    As `conv2d_backward_bias`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv1d_backward_bias(np.ones((2, 3, 4)))
    array([8., 8., 8.])
    """
    dbias: Array = planes.run_vector(conv2d_backward_bias, planes.signals(dy, "dy"), out=out)
    return dbias
