"""Convolution and its three gradients.

Every function has two halves: the public one checks, takes or makes the result, and does what a prepared call of
`prepared` would do, which is made from checked arrays. Networks use the prepared calls alone.
"""

from ...typing import Array, Padding, Pair
from .. import check, epilogue, geometry
from ..call_cache import planned
from ..habits import op
from ..overlap import apart
from .packed import PackedWeight, memory_of, weight_of
from .prepared import conv2d_call


@op
def conv2d(
    x: Array,
    weight: Array | PackedWeight,
    bias: Array | None = None,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    activation: str | None = None,
    residual: Array | None = None,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """Cross-correlate images with filters, the "convolution" of PyTorch and of most papers.

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
        Compute each result only from the values in its window, whatever lies beside it; see the Notes. The same holds
        for the gradients.
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
    convolution (Zhang 2016 [1], eqs. 4 and 7) is `convolve2d`, or this with `rot180(weight)`. Arithmetic of strides and
    padding: Dumoulin 2016 [27]; dilation: Yu and Koltun 2016 [28].

    Float32 convolutions of 16 channels and more with kernels of 2 x 2, 3 x 3, 5 x 5 or twice the stride take the path
    of Winograd 1980 [6] and Lavin and Gray 2016 [7], which is two to three times as quick. Its results come in patches,
    each computed from all pixels that any of its results reads, 6 s x 6 s pixels at stride s. Its error is within 8 eps
    sqrt(n) sum_c max |x[c]| sum |weight[k,c]|, the maximum over such a patch: near a pixel of 1e6, results whose window
    does not contain it are off by about 1. A NaN or an infinity in x reaches the whole patch, at most 5 x 5 results.
    Values of x or results above a hundredth of the largest float32 may overflow.

    With ``precise=True``, and for all other shapes, the error is within 8 eps sqrt(n) sum |x| |weight| over the n =
    C/groups kh kw terms of the result, and a NaN or an infinity in x reaches only results whose window contains it.

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
    x, batched = check.strided_images(x, "x")
    weight = weight_of(weight)
    g = geometry.conv2d(x.shape, weight.shape, stride, padding, dilation, groups, precise)
    bias = check_bias(bias, g.K)
    y_shape = g.y_shape
    residual = epilogue.residual_of(residual, batched, y_shape)
    if isinstance(weight, PackedWeight):
        weight.check(g, False, x, "x")
    check.same_dtype(x=x, weight=weight, bias=bias, residual=residual)
    epilogue.code(activation)
    y = check.output(out, y_shape, x.dtype, check.layout_of(x), batched, x=x, weight=memory_of(weight), bias=bias)
    if out is not None and residual is not None:
        apart(out, residual, "residual", same=True)
    run = conv2d_call(x, weight, bias, y, g, activation, residual)
    run()
    return planned(check.give(y, out, batched), (y,), run)


def check_bias(bias: Array | None, K: int) -> Array | None:
    """A checked bias; None as it is."""
    if bias is None:
        return None
    bias = check.array(bias, "bias", 1)
    check.shape_is(bias, "bias", (K,), "one value for each filter")
    return bias
