"""A border around each plane: of one value, or of pixels of the plane."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .. import kernels
from ..typing import Array, Call, Shape
from . import check
from .call_cache import planned
from .coordinates import within_tables
from .copies import Several, nothing
from .habits import op
from .layout import copy_call
from .taps import Taps, picks, transposed, weighted_call

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # -> NumPy's words
Sides: TypeAlias = tuple[int, int, int, int]  # (left, right, top, bottom)


@op
def pad(
    x: Array,
    padding: int | Sequence[int],
    value: float = 0.0,
    *,
    mode: str = "constant",
    out: Array | None = None,
) -> Array:
    """Images with a border, of one value or of pixels of the image.

    y[n, c, top + h, left + w] = x[n, c, h, w]; elsewhere `value`, or x[n, c, p(h), p(w)] where p moves h and w into x:
    mode="reflect": p(-1 - i) = i + 1, p(H + i) = H - 2 - i; mode="replicate": p(-1 - i) = 0, p(H + i) = H - 1;
    mode="circular": p(h) = h mod H

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    padding : int or (left, right, top, bottom), each >= 0
        Columns and rows to add; one number for all four sides.
    value : float
        Of mode="constant".
    mode : "constant", "reflect", "replicate" or "circular"
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
        An array of neither 3 nor 4 dimensions, negative padding, an unknown mode, a `value` other than 0 with another
        mode than "constant", padding that is not smaller than the image ("reflect"), or larger than it ("circular"), an
        `out` that does not fit.

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
    >>> fastconv.pad(np.array([[[1.0, 2.0, 3.0]]]), (2, 1, 0, 0), mode="reflect")
    array([[[3., 2., 1., 2., 3., 2.]]])
    """
    x, batched = check.images(x, "x")
    border, mode, value = sides(padding), mode_of(mode), check.number(value, "value")
    if value and mode != "constant":
        raise ValueError(f"value must be left out with mode={mode!r}, got {value}")
    check_border(x.shape, border, mode)
    y = check.output(out, padded(x.shape, border), x.dtype, check.layout_of(x), batched, x=x)
    run = pad_call(x, y, border, value, mode)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def pad_backward(dy: Array, padding: int | Sequence[int], *, mode: str = "constant", out: Array | None = None) -> Array:
    """The gradient of `pad` with respect to its input.

    dx[n, c, h, w] = dy[n, c, top + h, left + w], plus dy of each pixel of the border that is (h, w), unless the border
    has one value

    Parameters
    ----------
    dy : array (N, C, top + H + bottom, left + W + right) or without N, float32 or float64
    padding : int or (left, right, top, bottom), each >= 0
    mode : "constant", "reflect", "replicate" or "circular"
    out : array, optional

    Returns
    -------
    dx : array (N, C, H, W), in the layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; padding that is not integers.
    ValueError
        An array of neither 3 nor 4 dimensions, negative padding, a `dy` that is no larger than its border, an unknown
        mode, padding that is too large for it, an `out` that does not fit.

    Notes
    -----
    "constant" is exact: values are copied, gradients of the border are dropped. Else sums run over the rows of `dy`,
    then over its columns, in their order; error: below (T + 1) eps times the sum of |dy|, where T rows and columns of
    `dy` are one of x.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.pad_backward(np.arange(6.0).reshape(1, 2, 3), (1, 0, 0, 1))
    array([[[1., 2.]]])
    >>> fastconv.pad_backward(np.ones((1, 1, 4)), (2, 0, 0, 0), mode="replicate")
    array([[[3., 1.]]])
    """
    dy, batched = check.images(dy, "dy")
    left, right, top, bottom = border = sides(padding)
    mode = mode_of(mode)
    n, c, height, width = dy.shape
    x_shape = (n, c, height - top - bottom, width - left - right)
    if min(x_shape[2:]) < 1:
        raise ValueError(f"dy must be larger than its border {border}, got shape {dy.shape[0 if batched else 1 :]}")
    check_border(x_shape, border, mode)
    dx = check.output(out, x_shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    run = pad_backward_call(dy, dx, border, mode)
    run()
    return planned(check.give(dx, out, batched), (dx,), run, tables=True)


def mode_of(mode: Any) -> str:
    """The word, checked; NumPy's words too."""
    own = {numpys: ours for ours, numpys in MODES.items()}
    return check.word(own.get(mode, mode) if isinstance(mode, str) else mode, "mode", [*MODES])


def check_border(x_shape: Shape, border: Sides, mode: str) -> None:
    """ValueError for a border that the pixels of the image do not reach."""
    if mode == "constant":
        return
    left, right, top, bottom = border
    within_tables(padded(x_shape, border)[2:], "padding")
    for before, after, size, axis in ((top, bottom, x_shape[2], "height"), (left, right, x_shape[3], "width")):
        most = {"reflect": size - 1, "circular": size}.get(mode, max(before, after) if size else 0)
        if max(before, after) > most:
            raise ValueError(
                f"padding must be at most {most} for mode={mode!r} and a {axis} of {size}, got {(before, after)}"
            )


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


def pad_call(x: Array, y: Array, padding: Sides, value: float = 0.0, mode: str = "constant") -> Call:
    if not y.size:
        return nothing
    if mode != "constant":
        rows, columns = border_taps(x.shape, padding, mode)
        if not check.in_planes(x, y):
            return weighted_call(x, y, rows, columns)
        return partial(kernels.load(y.dtype).layout.copies.border, x, y, rows.source, columns.source, padding[0])
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


def pad_backward_call(dy: Array, dx: Array, padding: Sides, mode: str = "constant") -> Call:
    if mode != "constant":
        rows, columns = border_taps(dx.shape, padding, mode)
        return weighted_call(dy, dx, transposed(rows, dx.shape[2]), transposed(columns, dx.shape[3]))
    left, _, top, _ = padding
    return copy_call(dy[:, :, top : top + dx.shape[2], left : left + dx.shape[3]], dx)


def border_taps(x_shape: Shape, padding: Sides, mode: str) -> tuple[Taps, Taps]:
    """Which row, and which column, of x each one of y is."""
    left, right, top, bottom = padding
    rows = np.pad(np.arange(x_shape[2]), (top, bottom), mode=MODES[mode])  # type: ignore[call-overload]  # one of its words
    columns = np.pad(np.arange(x_shape[3]), (left, right), mode=MODES[mode])  # type: ignore[call-overload]
    return picks(rows), picks(columns)
