"""Transposed convolution of signals and its gradients: `conv_transpose2d` with H = 1."""

from ...typing import Array, Padding, Shape
from ..conv.transpose import (
    conv_transpose2d,
    conv_transpose2d_backward_bias,
    conv_transpose2d_backward_input,
    conv_transpose2d_backward_weight,
)
from ..habits import op
from . import planes


@op
def conv_transpose1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int = 1,
    padding: Padding = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """Spread each value over the result through the kernel: the adjoint of `conv1d`.

    y[n,k,j] = bias[k] + sum_{c,r} x[n,c,i] weight[c,k,r]  over i*stride - left + r*dilation = j

    Parameters
    ----------
    x : array (N, C, L) or (C, L), float32 or float64
    weight : array (C, K / groups, k), dtype of `x`
    bias : array (K,), optional
    stride : int
    padding : int, (left, right), "valid", "full" or "multiple"
        What `conv1d` would have padded; it is cut from the result.
    output_padding : int, below stride or dilation
        Extra values at the end.
    groups, dilation, precise
        As in `conv1d`.
    out : array, optional

    Returns
    -------
    y : array (N, K, OL) or (K, OL), in the memory layout of `x`
        OL = (L - 1) stride - left - right + dilation (k - 1) + output_padding + 1.

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        Shapes that do not agree, a stride or dilation below 1, negative padding, groups that do not divide the
        channels, an `output_padding` that is too large, padding that leaves no output, an `out` that does not fit.

    Notes
    -----
    As `conv_transpose2d`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv_transpose1d(np.array([[1.0, 2.0]]), np.array([[[1.0, 10.0]]]), stride=2)
    array([[ 1., 10.,  2., 20.]])
    """
    arrays = planes.signals(x, "x"), planes.kernels(weight), bias
    y: Array = planes.run(
        conv_transpose2d,
        *arrays,
        *planes.transposed(stride, padding, output_padding, groups, dilation),
        precise=precise,
        out=out,
    )
    return y


@op
def conv_transpose1d_backward_input(
    dy: Array,
    weight: Array,
    input_shape: Shape,
    stride: int = 1,
    padding: Padding = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv_transpose1d` with respect to its input: `conv1d` of `dy`.

    dx[n,c,i] = sum_{k,r} dy[n, k, i*stride - left + r*dilation] weight[c,k,r]

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    weight : array (C, K / groups, k), dtype of `dy`
    input_shape : (N, C, L) or (C, L)
    stride, padding, output_padding, groups, dilation, precise
        As in `conv_transpose1d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv_transpose1d` gives, a stride or dilation below 1, negative padding, groups
        that do not divide the channels, an `out` that does not fit.

    Notes
    -----
    As `conv_transpose2d_backward_input`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy, weight = np.array([[1.0, 1.0, 2.0, 3.0]]), np.array([[[1.0, 10.0]]])
    >>> fastconv.conv_transpose1d_backward_input(dy, weight, (1, 2), stride=2)
    array([[11., 32.]])
    """
    dy = planes.signals(dy, "dy")
    shape = planes.shape_of(input_shape, "input_shape", dy.ndim - 1)
    dx: Array = planes.run(
        conv_transpose2d_backward_input,
        dy,
        planes.kernels(weight),
        shape,
        *planes.transposed(stride, padding, output_padding, groups, dilation),
        precise=precise,
        out=out,
    )
    return dx


@op
def conv_transpose1d_backward_weight(
    dy: Array,
    x: Array,
    weight_shape: Shape,
    stride: int = 1,
    padding: Padding = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv_transpose1d` with respect to its weight.

    dweight[c,k,r] = sum_{n,i} x[n,c,i] dy[n, k, i*stride - left + r*dilation]

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    x : array (N, C, L) or (C, L), dtype of `dy`
    weight_shape : (C, K / groups, k)
    stride, padding, output_padding, groups, dilation, precise
        As in `conv_transpose1d`.
    out : array of shape `weight_shape`, optional

    Returns
    -------
    dweight : array of shape `weight_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv_transpose1d` gives, a stride or dilation below 1, negative padding, groups
        that do not divide the channels, an `out` that does not fit.

    Notes
    -----
    As `conv_transpose2d_backward_weight`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy, x = np.array([[1.0, 1.0, 2.0, 3.0]]), np.array([[1.0, 2.0]])
    >>> fastconv.conv_transpose1d_backward_weight(dy, x, (1, 1, 2), stride=2)
    array([[[5., 7.]]])
    """
    arrays = planes.signals(dy, "dy"), planes.signals(x, "x")
    shape = planes.shape_of(weight_shape, "weight_shape", 3)
    dweight: Array = planes.run(
        conv_transpose2d_backward_weight,
        *arrays,
        shape,
        *planes.transposed(stride, padding, output_padding, groups, dilation),
        precise=precise,
        out=out,
    )
    return dweight


@op
def conv_transpose1d_backward_bias(dy: Array, *, out: Array | None = None) -> Array:
    """The gradient of `conv_transpose1d` with respect to its bias: dbias[k] = sum_{n,i} dy[n,k,i].

    Parameters
    ----------
    dy : array (N, K, OL) or (K, OL), float32 or float64
    out : array (K,), optional

    Returns
    -------
    dbias : array (K,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `dy` of neither 2 nor 3 dimensions, an `out` that does not fit.

    Notes
    -----
    As `conv1d_backward_bias`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv_transpose1d_backward_bias(np.ones((1, 2, 3)))
    array([3., 3.])
    """
    dbias: Array = planes.run_vector(conv_transpose2d_backward_bias, planes.signals(dy, "dy"), out=out)
    return dbias
