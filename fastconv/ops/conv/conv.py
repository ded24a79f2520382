"""Convolution and its three gradients.

Every function has two halves: the public one checks, takes or makes the result, and does what the prepared call of
conv_calls.py would do, which is made from checked arrays. Networks use the prepared calls alone.
"""

from .. import check, epilogue, geometry, path
from ..call_cache import Ways, key
from .packed import PackedWeight, memory_of, weight_of
from .prepared import (
    adds_known,
    conv2d_backward_bias_call,
    conv2d_backward_input_call,
    conv2d_backward_weight_call,
    conv2d_call,
    image_way,
    weight_way,
)

__all__ = [
    "adds_known",
    "conv2d",
    "conv2d_backward_bias",
    "conv2d_backward_bias_call",
    "conv2d_backward_input",
    "conv2d_backward_input_call",
    "conv2d_backward_weight",
    "conv2d_backward_weight_call",
    "conv2d_call",
]

forward_ways, input_ways, weight_ways = Ways(), Ways(), Ways()


def conv2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    *,
    activation=None,
    residual=None,
    precise=False,
    out=None,
):
    """Cross-correlate images with filters, the "convolution" of the field.

    y[n,k,i,j] = f(bias[k] + residual[n,k,i,j]
                   + sum_{c,r,s} x[n, c, i*sh - top + r*dh, j*sw - left + s*dw] weight[k,c,r,s])

    where f(v) is v, max(v, 0) or min(max(v, 0), 6).

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
        Any strides; the result has the memory layout of `x` (NCHW, or channels-last shown with NCHW shape).
    weight : array (K, C / groups, kh, kw), dtype of `x`, or what `pack_weight` made of it
    bias : array (K,), dtype of `x`, optional
    stride : int or (sh, sw), >= 1
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"
        "same" gives ceil(H / sh) rows, the extra padding at the bottom and right (TensorFlow's rule where the stride
        is not 1); "full" pads by dh (kh - 1) on every side.
    dilation : int or (dh, dw), >= 1
    groups : int
        Divides C and K. groups = C is the depth-wise convolution.
    activation : None, "relu" or "relu6"
        Done as the result is stored, so it costs no pass over memory. NaN comes through.
    residual : array of the shape and dtype of `y`, optional
        Any strides; added before the activation.
    precise : bool
        Compute each result only from the values in its window, whatever lies beside it; see the notes. The same for
        the gradients.
    out : array (N, K, OH, OW), optional
        Where the result goes; any strides, no overlap with an input, but it may be `residual` itself.

    Returns
    -------
    y : array (N, K, OH, OW) or (K, OH, OW)
        OH = floor((H + top + bottom - dh (kh - 1) - 1) / sh) + 1, OW alike.

    Raises
    ------
    TypeError
        Other dtypes, dtypes that differ, arguments that are not integers.
    ValueError
        Shapes that do not agree, stride or dilation below 1, negative padding, groups that do not divide, a kernel
        larger than the padded image, another activation, a `residual` or an `out` that does not fit.

    Notes
    -----
    Parallel over blocks of pixels and filters; the bits do not depend on the number of threads or on N. The true
    convolution of the sources (Zhang 2016, eqs. 4 and 7) is `convolve2d`, or this with `rot180(weight)`.

    Float32 convolutions of 16 channels and more with kernels of 2 x 2, 3 x 3, 5 x 5 or twice the stride take
    Winograd's path, which is two to three times as quick. Its results come in patches, each computed from all pixels
    that any of its results reads, 6 s x 6 s of them at stride s. Its error is within 8 eps sqrt(n) sum_c max |x[c]|
    sum |weight[k,c]|, the maximum over such a patch: near a pixel of 1e6, results whose window does not
    contain it are off by about 1. A NaN or an infinity in x reaches the whole patch, at most 5 x 5 results. Values of x
    or results above a hundredth of the largest float32 may overflow. With ``precise=True``, and for all other shapes,
    the error is within 8 eps sqrt(n) sum |x| |weight| over the n = C/groups kh kw terms of the result, and a NaN or an
    infinity in x reaches only results whose window contains it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.arange(16, dtype="float32").reshape(1, 1, 4, 4)
    >>> w = np.ones((1, 1, 3, 3), dtype="float32")
    >>> fastconv.conv2d(x, w)[0, 0]
    array([[45., 54.],
           [81., 90.]], dtype=float32)
    >>> fastconv.conv2d(x, w, activation="relu6", residual=np.full((1, 1, 2, 2), -50, "float32"))[0, 0]
    array([[0., 4.],
           [6., 6.]], dtype=float32)
    """
    seen = None
    if out is None and residual is None:
        seen = key(x, weight, bias, stride, padding, dilation, groups, activation, precise=precise)
        known = forward_ways.get(seen)
        if known is not None:
            new, function, rest = known
            y = new()
            function(x, weight, bias, y, *rest)
            return y
    given = x, weight, bias
    x, batched = check.images(x, "x")
    weight = weight_of(weight)
    g = geometry.conv2d(x.shape, weight.shape, stride, padding, dilation, groups, precise)
    bias = check_bias(bias, g.K)
    residual = epilogue.residual_of(residual, batched, g.y_shape)
    if isinstance(weight, PackedWeight):
        weight.check(g, False, x, "x")
    check.same_dtype(x=x, weight=weight, bias=bias, residual=residual)
    epilogue.code(activation)
    layout = check.layout_of(x)
    y = check.output(out, g.y_shape, x.dtype, layout, batched, x=x, weight=memory_of(weight), bias=bias)
    if out is not None and residual is not None:
        check.apart(out, residual, "residual", same=True)
    function, operand, rest = image_way(path.FORWARD, x, weight, y, g, activation, residual)
    function(x, operand, bias, y, *rest)
    forward_ways.keep(seen, given, (x, operand, bias), y, layout, function, rest)
    return check.give(y, out, batched)


def conv2d_backward_input(
    dy, weight, input_shape, stride=1, padding=0, dilation=1, groups=1, *, precise=False, out=None
):
    """The gradient of `conv2d` with respect to its input: the full convolution with the rotated kernel.

    dx[n,c,h,w] = sum_{k,r,s} dy[n,k,i,j] weight[k,c,r,s]  over i*sh - top + r*dh = h and j*sw - left + s*dw = w

    With stride 1 this is dy convolved in full with each filter rotated by 180 degrees (Zhang 2016, eqs. 50 and 51).

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
        The gradient of the loss with respect to the output.
    weight : array (K, C / groups, kh, kw), dtype of `dy`, or what `pack_weight` made of it
    input_shape : (N, C, H, W) or (C, H, W)
    stride, padding, dilation, groups, precise
        As in `conv2d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`, in the memory layout of `dy`

    Raises
    ------
    TypeError, ValueError
        As `conv2d`; and where `dy` has not the shape that `conv2d` gives.

    Notes
    -----
    Error and paths are those of `conv2d`, with dy in place of x.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy = np.ones((1, 1, 2, 2), dtype="float32")
    >>> w = np.arange(9, dtype="float32").reshape(1, 1, 3, 3)
    >>> fastconv.conv2d_backward_input(dy, w, (1, 1, 4, 4))[0, 0]
    array([[ 0.,  1.,  3.,  2.],
           [ 3.,  8., 12.,  7.],
           [ 9., 20., 24., 13.],
           [ 6., 13., 15.,  8.]], dtype=float32)
    """
    seen = None
    if out is None and type(input_shape) is tuple:
        seen = key(dy, weight, None, *input_shape, stride, padding, dilation, groups, precise=precise)
        known = input_ways.get(seen)
        if known is not None:
            new, function, rest = known
            dx = new()
            function(dy, weight, None, dx, *rest)
            return dx
    given = dy, weight
    dy, batched = check.images(dy, "dy")
    weight = weight_of(weight)
    shape = with_batch(input_shape, batched)
    g = geometry.conv2d(shape, weight.shape, stride, padding, dilation, groups, precise)
    check.shape_is(dy, "dy", g.y_shape, "the output of conv2d for this input_shape")
    if isinstance(weight, PackedWeight):
        weight.check(g, True, dy, "dy")
    check.same_dtype(dy=dy, weight=weight)
    layout = check.layout_of(dy)
    dx = check.output(out, g.x_shape, dy.dtype, layout, batched, dy=dy, weight=memory_of(weight))
    function, operand, rest = image_way(path.INPUT, dy, weight, dx, g)
    function(dy, operand, None, dx, *rest)
    input_ways.keep(seen, given, (dy, operand), dx, layout, function, rest)
    return check.give(dx, out, batched)


def conv2d_backward_weight(dy, x, weight_shape, stride=1, padding=0, dilation=1, groups=1, *, precise=False, out=None):
    """The gradient of `conv2d` with respect to its weight.

    dweight[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i*sh - top + r*dh, j*sw - left + s*dw]

    (Zhang 2016, eqs. 39, 40, 58 and 59, there for the rotated kernel of a true convolution.)

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    x : array (N, C, H, W) or (C, H, W), dtype of `dy`
    weight_shape : (K, C / groups, kh, kw)
    stride, padding, dilation, groups, precise
        As in `conv2d`.
    out : array of shape `weight_shape`, optional

    Returns
    -------
    dweight : array of shape `weight_shape`; zeros for an empty batch

    Raises
    ------
    TypeError, ValueError
        As `conv2d`; and where `dy` has not the shape that `conv2d` gives.

    Notes
    -----
    The sum over pixels is cut into parts that depend on the shapes only; the parts are added in order, so the bits do
    not depend on the number of threads. Error on Winograd's path: within 8 eps sqrt(n) sum |dy[k]| max |x[c]| over the
    n = N OH OW terms, each maximum over the patch of x that is read with the term (`conv2d`); with ``precise=True`` and
    on all other paths within 8 eps sqrt(n) sum |dy| |x| over the terms.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.arange(16, dtype="float32").reshape(1, 1, 4, 4)
    >>> dy = np.ones((1, 1, 2, 2), dtype="float32")
    >>> fastconv.conv2d_backward_weight(dy, x, (1, 1, 3, 3))[0, 0]
    array([[10., 14., 18.],
           [26., 30., 34.],
           [42., 46., 50.]], dtype=float32)
    """
    seen = None
    if out is None and type(weight_shape) is tuple:
        seen = key(dy, x, None, *weight_shape, stride, padding, dilation, groups, precise=precise)
        known = weight_ways.get(seen)
        if known is not None:
            new, function, rest = known
            dweight = new()
            function(dy, x, dweight, *rest)
            return dweight
    given = dy, x
    dy, _ = check.images(dy, "dy")
    x, _ = check.images(x, "x")
    shape = check.shape(weight_shape, "weight_shape", 4)
    g = geometry.conv2d(x.shape, shape, stride, padding, dilation, groups, precise)
    check.shape_is(dy, "dy", g.y_shape, "the output of conv2d for this x")
    check.same_dtype(dy=dy, x=x)
    dweight = check.output(out, g.w_shape, dy.dtype, dy=dy, x=x)
    function, rest = weight_way(dy, x, dweight, g)
    function(dy, x, dweight, *rest)
    weight_ways.keep(seen, given, (dy, x), dweight, None, function, rest)
    return check.give(dweight, out)


def conv2d_backward_bias(dy, *, out=None):
    """The gradient of `conv2d` with respect to its bias: the sum of `dy` over images and pixels.

    dbias[k] = sum_{n,i,j} dy[n,k,i,j]  (Zhang 2016, eqs. 45 and 64)

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    out : array (K,), optional

    Returns
    -------
    dbias : array (K,), summed in double precision; zeros for an empty batch

    Raises
    ------
    TypeError, ValueError
        Other dtypes or ranks, an `out` that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv2d_backward_bias(np.ones((2, 3, 4, 4), dtype="float32"))
    array([32., 32., 32.], dtype=float32)
    """
    dy, _ = check.images(dy, "dy")
    dbias = check.output(out, (dy.shape[1],), dy.dtype, dy=dy)
    conv2d_backward_bias_call(dy, dbias)()
    return check.give(dbias, out)


def check_bias(bias, K):
    if bias is None:
        return None
    bias = check.array(bias, "bias", 1)
    check.shape_is(bias, "bias", (K,), "one value for each filter")
    return bias


def with_batch(input_shape, batched):
    """(N, C, H, W) from the shape a person gives."""
    return check.shape(input_shape, "input_shape", 4) if batched else (1, *check.shape(input_shape, "input_shape", 3))
