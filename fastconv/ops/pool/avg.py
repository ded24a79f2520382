"""Mean pooling over sliding windows, with its gradient.

Every function has two halves: the public one checks, takes or makes the result, and runs a prepared call of
`prepared`, which networks use alone.
"""

from ...typing import Array, Padding, Pair, Shape
from .. import check, geometry
from ..call_cache import planned
from ..extents import LIMIT
from ..habits import op
from .prepared import avg_pool2d_backward_call, mean_call, mean_tables


@op
def avg_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The mean of each window.

    y[n,c,i,j] = 1/m sum over r < kh, s < kw of x[n, c, i*sh - top + r, j*sw - left + s]  (Zhang 2016 [1], eqs. 6, 9)

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
        Any strides; the result has the memory layout of `x`.
    kernel_size, stride, padding, ceil_mode
        As in `max_pool2d`.
    count_include_pad : bool
        Whether m counts the zeros of the padding. It never counts what hangs over in `ceil_mode`.
    divisor_override : int, optional
        m for every window.
    out : array (N, C, OH, OW), optional

    Returns
    -------
    y : array (N, C, OH, OW) or (C, OH, OW)
        OH, OW as in `max_pool2d`.

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        A window larger than the padded image, padding of a whole window or more, a divisor of 0, an `out` that does not
        fit.

    Notes
    -----
    The sum runs down the columns of the window, then over them, and is divided once: the bits do not depend on layout,
    threads or N. Error: below (kh + kw + 1) eps times the mean of |x|.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    x, batched = check.strided_images(x, "x")
    g = geometry.pool2d(x.shape, kernel_size, stride, padding, 1, ceil_mode)
    divisor = divisor_of(divisor_override)
    y = check.output(out, g.y_shape, x.dtype, check.layout_of(x), batched, x=x)
    tables = mean_tables(g, count_include_pad, divisor)
    run = mean_call(x, y, tables)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def avg_pool2d_backward(
    dy: Array,
    input_shape: Shape,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The gradient of `avg_pool2d` with respect to its input.

    dx[n,c,h,w] = sum of dy[n,c,i,j] / m over the windows (i, j) that hold (h, w)  (Zhang 2016 [1], eqs. 32, 52)

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    input_shape : (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As in `avg_pool2d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`, in the memory layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not integers.
    ValueError
        `dy` without the shape that `avg_pool2d` gives, a window larger than the padded image, padding of a whole window
        or more, a divisor of 0, an `out` that does not fit.

    Notes
    -----
    Error: within 8 eps |dx| + 16 eps for |dy| of order 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.avg_pool2d_backward(np.array([[[4.0, 8.0]]]), (1, 2, 4), 2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    dy, batched = check.strided_images(dy, "dy")
    g = geometry.pool2d(check.with_batch(input_shape, batched), kernel_size, stride, padding, 1, ceil_mode)
    check.shape_is(dy, "dy", g.y_shape, "the output of avg_pool2d for this input_shape")
    divisor = divisor_of(divisor_override)
    dx = check.output(out, g.x_shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    run = avg_pool2d_backward_call(dy, dx, g, count_include_pad, divisor)
    run()
    return planned(check.give(dx, out, batched), (dx,), run, tables=True)


def divisor_of(divisor_override: int | None) -> int | None:
    """`divisor_override`, checked."""
    if divisor_override is None:
        return None
    divisor = check.integer(divisor_override, "divisor_override")
    if divisor == 0 or abs(divisor) >= LIMIT:
        raise ValueError(f"divisor_override must not be 0, and below 2**31, got {divisor}")
    return divisor
