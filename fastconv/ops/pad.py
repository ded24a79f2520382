"""A border of one value around each plane."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .. import kernels
from ..typing import Array, Call, Shape
from . import check
from .call_cache import planned
from .elementwise import Several, nothing
from .habits import op
from .layout import copy_call

Sides: TypeAlias = tuple[int, int, int, int]  # (left, right, top, bottom)


@op
def pad(x: Array, padding: int | Sequence[int], value: float = 0.0, *, out: Array | None = None) -> Array:
    """Images with a border of one value.

    y[n, c, top + h, left + w] = x[n, c, h, w], and `value` elsewhere

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    padding : int or (left, right, top, bottom), each >= 0
        Columns and rows to add; one number for all four sides.
    value : float
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array (N, C, top + H + bottom, left + W + right), in the layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; padding that is not integers, a `value` that is not a
        number.
    ValueError
        An array of neither 3 nor 4 dimensions, negative padding, an `out` that does not fit.

    Notes
    -----
    Exact: values are copied, NaN too. Dumoulin 2016 [27], section 2.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.pad(np.ones((1, 1, 2)), (1, 0, 0, 1), 7.0)
    array([[[7., 1., 1.],
            [7., 7., 7.]]])
    """
    x, batched = check.images(x, "x")
    border, value = sides(padding), check.number(value, "value")
    y = check.output(out, padded(x.shape, border), x.dtype, check.layout_of(x), batched, x=x)
    run = pad_call(x, y, border, value)
    run()
    return planned(check.give(y, out, batched), (y,), run)


@op
def pad_backward(dy: Array, padding: int | Sequence[int], *, out: Array | None = None) -> Array:
    """The gradient of `pad` with respect to its input.

    dx[n, c, h, w] = dy[n, c, top + h, left + w]

    Parameters
    ----------
    dy : array (N, C, top + H + bottom, left + W + right) or without N, float32 or float64
    padding : int or (left, right, top, bottom), each >= 0
    out : array, optional

    Returns
    -------
    dx : array (N, C, H, W), in the layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; padding that is not integers.
    ValueError
        An array of neither 3 nor 4 dimensions, negative padding, a `dy` that is no larger than its border, an `out`
        that does not fit.

    Notes
    -----
    Exact: values are copied. Gradients of the border are dropped.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.pad_backward(np.arange(6.0).reshape(1, 2, 3), (1, 0, 0, 1))
    array([[[1., 2.]]])
    """
    dy, batched = check.images(dy, "dy")
    left, right, top, bottom = border = sides(padding)
    n, c, height, width = dy.shape
    x_shape = (n, c, height - top - bottom, width - left - right)
    if min(x_shape[2:]) < 1:
        raise ValueError(f"dy must be larger than its border {border}, got shape {dy.shape[0 if batched else 1 :]}")
    dx = check.output(out, x_shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    run = pad_backward_call(dy, dx, border)
    run()
    return planned(check.give(dx, out, batched), (dx,), run)


def sides(padding: Any) -> Sides:
    """(left, right, top, bottom) from one number or four."""
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    if hasattr(padding, "__index__"):
        n = check.integer(padding, "padding", 0)
        return n, n, n, n
    if not isinstance(padding, tuple | list) or len(padding) != 4:
        cure = ""
        if np.shape(padding) == (2, 2):
            (top, bottom), (left, right) = padding
            cure = f"; write padding={(left, right, top, bottom)}"
        raise TypeError(f"padding must be an integer or (left, right, top, bottom), got {padding!r}{cure}")
    left, right, top, bottom = (check.integer(p, "padding") for p in padding)
    if min(left, right, top, bottom) < 0:
        raise ValueError(f"padding must be >= 0, got {(left, right, top, bottom)}")
    return left, right, top, bottom


def padded(x_shape: Shape, padding: Sides) -> Shape:
    """(N, C, top + H + bottom, left + W + right)."""
    left, right, top, bottom = padding
    n, c, height, width = x_shape
    return n, c, top + height + bottom, left + width + right


# ---------------------------------------------------------------- prepared calls


def pad_call(x: Array, y: Array, padding: Sides, value: float = 0.0) -> Call:
    if not y.size:
        return nothing
    left, _, top, _ = padding
    down, across = slice(top, top + x.shape[2]), slice(left, left + x.shape[3])
    borders = [
        y[:, :, : down.start],
        y[:, :, down.stop :],
        y[:, :, down, : across.start],
        y[:, :, down, across.stop :],
    ]
    copy = kernels.load(y.dtype).layout.copies.copy
    one = np.full((1, 1, 1, 1), value, y.dtype)
    calls = [partial(copy, np.broadcast_to(one, border.shape), border) for border in borders if border.size]
    return Several([*calls, copy_call(x, y[:, :, down, across])])


def pad_backward_call(dy: Array, dx: Array, padding: Sides) -> Call:
    left, _, top, _ = padding
    return copy_call(dy[:, :, top : top + dx.shape[2], left : left + dx.shape[3]], dx)
