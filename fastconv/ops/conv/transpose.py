"""Transposed convolution: the input gradient of a convolution, used forwards; its gradients are the convolution's."""

from ...typing import Array, Call, Padding, Pair, Shape
from .. import check, geometry
from ..call_cache import planned
from ..geometry import Conv2dGeometry
from ..habits import body, op
from .conv import check_bias
from .gradients import conv2d_backward_bias
from .prepared import conv2d_backward_bias_call, conv2d_backward_input_call, conv2d_backward_weight_call, conv2d_call


@op
def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """Spread each input pixel over the output through the kernel: the adjoint of `conv2d`.

    y[n,k,h,w] = bias[k] + sum_{c,r,s} x[n,c,i,j] weight[c,k,r,s]
    over i*sh - top + r*dh = h and j*sw - left + s*dw = w

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    weight : array (C, K / groups, kh, kw), dtype of `x`
    bias : array (K,), optional
    stride : int or (sh, sw)
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "full" or "multiple"
        What `conv2d` would have padded; it is cut from the result. "multiple" makes the result stride x H, plus 1
        where kernel minus stride is odd (the lecture notes [5]).
    output_padding : int or pair, below stride or dilation
        Extra rows and columns at the bottom and right.
    groups, dilation, precise
        As in `conv2d`.
    out : array, optional

    Returns
    -------
    y : array (N, K, OH, OW) or (K, OH, OW), in the memory layout of `x`
        OH = (H - 1) sh - top - bottom + dh (kh - 1) + output_padding + 1; OW alike.

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        Shapes that do not agree, a stride or dilation below 1, negative padding, groups that do not divide the
        channels, an `output_padding` that is too large, padding that leaves no output, an `out` that does not fit.

    Notes
    -----
    Error, bits and paths as in `conv2d_backward_input`, which computes it. Zeiler 2010 [26] (deconvolution), Dumoulin
    2016 [27].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[1.0, 2.0]]])
    >>> fastconv.conv_transpose2d(x, np.ones((1, 1, 1, 2)), stride=(1, 2))
    array([[[1., 1., 2., 2.]]])
    """
    x, batched = check.images(x, "x")
    weight = check.array(weight, "weight", 4)
    g = geometry.conv_transpose2d(x.shape, weight.shape, stride, padding, output_padding, groups, dilation, precise)
    bias = check_bias(bias, g.C)
    check.same_dtype(x=x, weight=weight, bias=bias)
    y = check.output(out, g.x_shape, x.dtype, check.layout_of(x), batched, x=x, weight=weight, bias=bias)
    run = conv_transpose2d_call(x, weight, bias, y, g)
    run()
    return planned(check.give(y, out, batched), (y,), run)


@op
def conv_transpose2d_backward_input(
    dy: Array,
    weight: Array,
    input_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv_transpose2d` with respect to its input: `conv2d` of `dy`.

    dx[n,c,i,j] = sum_{k,r,s} dy[n, k, i*sh - top + r*dh, j*sw - left + s*dw] weight[c,k,r,s]

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    weight : array (C, K / groups, kh, kw), dtype of `dy`
    input_shape : (N, C, H, W) or (C, H, W)
    stride, padding, output_padding, groups, dilation, precise
        As in `conv_transpose2d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv_transpose2d` gives, a stride or dilation below 1, negative padding, groups
        that do not divide the channels, an `out` that does not fit.

    Notes
    -----
    Error, bits and paths as in `conv2d`, which computes it. Dumoulin 2016 [27].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy = np.array([[[1.0, 1.0, 2.0, 3.0]]])
    >>> fastconv.conv_transpose2d_backward_input(dy, np.ones((1, 1, 1, 2)), (1, 1, 2), stride=(1, 2))
    array([[[2., 5.]]])
    """
    dy, batched = check.images(dy, "dy")
    weight = check.array(weight, "weight", 4)
    shape = check.with_batch(input_shape, batched)
    g = geometry.conv_transpose2d(shape, weight.shape, stride, padding, output_padding, groups, dilation, precise)
    check.shape_is(dy, "dy", g.x_shape, "the output of conv_transpose2d for this input_shape")
    check.same_dtype(dy=dy, weight=weight)
    dx = check.output(out, g.y_shape, dy.dtype, check.layout_of(dy), batched, dy=dy, weight=weight)
    run = conv_transpose2d_backward_input_call(dy, weight, dx, g)
    run()
    return planned(check.give(dx, out, batched), (dx,), run)


@op
def conv_transpose2d_backward_weight(
    dy: Array,
    x: Array,
    weight_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv_transpose2d` with respect to its weight.

    dweight[c,k,r,s] = sum_{n,i,j} x[n,c,i,j] dy[n, k, i*sh - top + r*dh, j*sw - left + s*dw]

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
    weight_shape : (C, K / groups, kh, kw)
    stride, padding, output_padding, groups, dilation, precise
        As in `conv_transpose2d`.
    out : array of shape `weight_shape`, optional

    Returns
    -------
    dweight : array of shape `weight_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv_transpose2d` gives, a stride or dilation below 1, negative padding, groups
        that do not divide the channels, an `out` that does not fit.

    Notes
    -----
    Error, bits and paths as in `conv2d_backward_weight`, with x and dy exchanged.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy, x = np.array([[[1.0, 1.0, 2.0, 3.0]]]), np.array([[[1.0, 2.0]]])
    >>> fastconv.conv_transpose2d_backward_weight(dy, x, (1, 1, 1, 2), stride=(1, 2))
    array([[[[5., 7.]]]])
    """
    dy, _ = check.images(dy, "dy")
    x, _ = check.images(x, "x")
    weight_shape = check.shape(weight_shape, "weight_shape", 4)
    g = geometry.conv_transpose2d(x.shape, weight_shape, stride, padding, output_padding, groups, dilation, precise)
    check.shape_is(dy, "dy", g.x_shape, "the output of conv_transpose2d for this x")
    check.same_dtype(dy=dy, x=x)
    dweight = check.output(out, g.w_shape, dy.dtype, dy=dy, x=x)
    run = conv_transpose2d_backward_weight_call(dy, x, dweight, g)
    run()
    return planned(check.give(dweight, out), (dweight,), run)


@op
def conv_transpose2d_backward_bias(dy: Array, *, out: Array | None = None) -> Array:
    """The gradient of `conv_transpose2d` with respect to its bias: the sum over images and pixels.

    dbias[k] = sum_{n,i,j} dy[n,k,i,j]

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    out : array (K,), optional

    Returns
    -------
    dbias : array (K,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `dy` of neither 3 nor 4 dimensions, an `out` that does not fit.

    Notes
    -----
    Error and bits as in `conv2d_backward_bias`, which computes it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv_transpose2d_backward_bias(np.ones((1, 2, 3, 3)))
    array([9., 9.])
    """
    return body(conv2d_backward_bias)(dy, out=out)


# ---------------------------------------------------------------- prepared calls, the convolution's turned round


def conv_transpose2d_call(x: Array, weight: Array, bias: Array | None, y: Array, g: Conv2dGeometry) -> Call:
    return conv2d_backward_input_call(x, weight, y, g, bias)


def conv_transpose2d_backward_input_call(dy: Array, weight: Array, dx: Array, g: Conv2dGeometry) -> Call:
    return conv2d_call(dy, weight, None, dx, g)


def conv_transpose2d_backward_weight_call(dy: Array, x: Array, dweight: Array, g: Conv2dGeometry) -> Call:
    return conv2d_backward_weight_call(x, dy, dweight, g)


conv_transpose2d_backward_bias_call = conv2d_backward_bias_call
