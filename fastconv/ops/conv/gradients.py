"""The gradients of `conv2d`: of its input, its weight and its bias."""

from ...typing import Array, Padding, Pair, Shape
from .. import check, geometry
from ..call_cache import planned
from ..habits import op
from .packed import PackedWeight, memory_of, weight_of
from .prepared import conv2d_backward_bias_call, conv2d_backward_input_call, conv2d_backward_weight_call


@op
def conv2d_backward_input(
    dy: Array,
    weight: Array | PackedWeight,
    input_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv2d` with respect to its input: the full convolution with the rotated kernel.

    dx[n,c,h,w] = sum_{k,r,s} dy[n,k,i,j] weight[k,c,r,s]  over i*sh - top + r*dh = h and j*sw - left + s*dw = w

    With stride 1 this is dy convolved in full with each filter rotated by 180 degrees: Zhang 2016 [1], eqs. 50, 51.

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
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv2d` gives, a stride or dilation below 1, negative padding, groups that do not
        divide the channels, a kernel larger than the padded image, an `out` that does not fit.

    Notes
    -----
    Error and paths as in `conv2d`, with dy in place of x: Winograd 1980 [6], Lavin and Gray 2016 [7]. The bits of a
    sample do not depend on N. Images of few channels may be computed in blocks of pixels: unless
    ``precise=True``, a NaN or an infinity in dy may then reach all pixels of a block that its window meets.

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
    dy, batched = check.images(dy, "dy")
    weight = weight_of(weight)
    shape = check.with_batch(input_shape, batched)
    g = geometry.conv2d(shape, weight.shape, stride, padding, dilation, groups, precise)
    check.shape_is(dy, "dy", g.y_shape, "the output of conv2d for this input_shape")
    if isinstance(weight, PackedWeight):
        weight.check(g, True, dy, "dy")
    check.same_dtype(dy=dy, weight=weight)
    dx = check.output(out, g.x_shape, dy.dtype, check.layout_of(dy), batched, dy=dy, weight=memory_of(weight))
    run = conv2d_backward_input_call(dy, weight, dx, g)
    run()
    return planned(check.give(dx, out, batched), (dx,), run)


@op
def conv2d_backward_weight(
    dy: Array,
    x: Array,
    weight_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    precise: bool = False,
    out: Array | None = None,
) -> Array:
    """The gradient of `conv2d` with respect to its weight.

    dweight[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i*sh - top + r*dh, j*sw - left + s*dw]

    This is Zhang 2016 [1], eqs. 39, 40, 58 and 59, which state it for the rotated kernel of a true convolution.

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
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `conv2d` gives, a stride or dilation below 1, negative padding, groups that do not
        divide the channels, a kernel larger than the padded image, an `out` that does not fit.

    Notes
    -----
    The sum over pixels is cut into parts that depend on the shapes only; the parts are added in order, so the bits do
    not depend on the number of threads. Error on Winograd's path (Winograd 1980 [6], Lavin and Gray 2016 [7]): within 8
    eps sqrt(n) sum |dy[k]| max |x[c]| over the n = N OH OW terms, each maximum over the patch of x that is read with
    the term (`conv2d`); with ``precise=True`` and on all other paths within 8 eps sqrt(n) sum |dy| |x| over the terms.

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
    dy, _ = check.images(dy, "dy")
    x, _ = check.images(x, "x")
    shape = check.shape(weight_shape, "weight_shape", 4)
    g = geometry.conv2d(x.shape, shape, stride, padding, dilation, groups, precise)
    check.shape_is(dy, "dy", g.y_shape, "the output of conv2d for this x")
    check.same_dtype(dy=dy, x=x)
    dweight = check.output(out, g.w_shape, dy.dtype, dy=dy, x=x)
    run = conv2d_backward_weight_call(dy, x, dweight, g)
    run()
    return planned(check.give(dweight, out), (dweight,), run)


@op
def conv2d_backward_bias(dy: Array, *, out: Array | None = None) -> Array:
    """The gradient of `conv2d` with respect to its bias: the sum of `dy` over images and pixels.

    dbias[k] = sum_{n,i,j} dy[n,k,i,j]  (Zhang 2016 [1], eqs. 45 and 64)

    Parameters
    ----------
    dy : array (N, K, OH, OW) or (K, OH, OW), float32 or float64
    out : array (K,), optional

    Returns
    -------
    dbias : array (K,), summed in double precision; zeros for an empty batch

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        `dy` of neither 3 nor 4 dimensions, an `out` that does not fit.

    Notes
    -----
    Error: within 8 eps sqrt(n) sum |dy| over the n = N OH OW terms of each sum.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.conv2d_backward_bias(np.ones((2, 3, 4, 4), dtype="float32"))
    array([32., 32., 32.], dtype=float32)
    """
    dy, _ = check.images(dy, "dy")
    dbias = check.output(out, (dy.shape[1],), dy.dtype, dy=dy)
    run = conv2d_backward_bias_call(dy, dbias)
    run()
    return planned(check.give(dbias, out), (dbias,), run)
