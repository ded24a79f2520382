"""Values moved between channels and pixels, or between channels. Each gradient is the inverse."""

from ..typing import Array, Call, Shape
from . import check
from .call_cache import planned
from .copies import in_turn
from .habits import op
from .layout import copy_call

ORDERS = ("CRD", "DCR")  # ONNX: channel (c, i, j), or channel (i, j, c)


@op
def pixel_shuffle(x: Array, upscale_factor: int, mode: str = "CRD", *, out: Array | None = None) -> Array:
    """Each group of r x r channels as one channel of images r times as large.

    y[n, c, r h + i, r w + j] = x[n, r^2 c + r i + j, h, w], or x[n, C (r i + j) + c, h, w] with mode="DCR"

    Parameters
    ----------
    x : array (N, r^2 C, H, W) or (r^2 C, H, W), float32 or float64
    upscale_factor : int >= 1
        r.
    mode : "CRD" or "DCR"
        The order of the channels of `x`, in the words of ONNX's DepthToSpace: the position in the block last, which is
        PyTorch's, or first.
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array (N, C, r H, r W), in the layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a factor that is not an integer.
    ValueError
        An array of neither 3 nor 4 dimensions, a factor below 1, a number of channels that r^2 does not divide, an
        unknown mode, an `out` that does not fit.

    Notes
    -----
    An exact copy. Its inverse, `pixel_unshuffle`, is also its gradient: dx = pixel_unshuffle(dy, r). Shi 2016 [79].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    x, batched = check.strided_images(x, "x")
    r, mode = check.integer(upscale_factor, "upscale_factor", 1), order(mode)
    shape = shuffled(x.shape, r)
    y = check.output(out, shape, x.dtype, check.layout_of(x), batched, x=x)
    run = pixel_shuffle_call(x, y, r, mode)
    run()
    return planned(check.give(y, out, batched), (y,), run)


@op
def pixel_unshuffle(x: Array, downscale_factor: int, mode: str = "CRD", *, out: Array | None = None) -> Array:
    """Each block of r x r pixels as r x r channels: the inverse of `pixel_shuffle`.

    y[n, r^2 c + r i + j, h, w] = x[n, c, r h + i, r w + j], or y[n, C (r i + j) + c, h, w] with mode="DCR"

    Parameters
    ----------
    x : array (N, C, r H, r W) or (C, r H, r W), float32 or float64
    downscale_factor : int >= 1
        r.
    mode : "CRD" or "DCR"
        The order of the channels of `y`: PyTorch's, or that of ONNX's SpaceToDepth.
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array (N, r^2 C, H, W), in the layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a factor that is not an integer.
    ValueError
        An array of neither 3 nor 4 dimensions, a factor below 1, rows or columns that it does not divide, an unknown
        mode, an `out` that does not fit.

    Notes
    -----
    An exact copy. Its gradient is `pixel_shuffle`: dx = pixel_shuffle(dy, r).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.pixel_unshuffle(np.arange(4.0).reshape(1, 2, 2), 2).ravel()
    array([0., 1., 2., 3.])
    """
    x, batched = check.strided_images(x, "x")
    r, mode = check.integer(downscale_factor, "downscale_factor", 1), order(mode)
    shape = unshuffled(x.shape, r)
    y = check.output(out, shape, x.dtype, check.layout_of(x), batched, x=x)
    run = pixel_unshuffle_call(x, y, r, mode)
    run()
    return planned(check.give(y, out, batched), (y,), run)


@op
def channel_shuffle(x: Array, groups: int, *, out: Array | None = None) -> Array:
    """The channels of several groups in turns.

    y[n, groups c + g, h, w] = x[n, g C / groups + c, h, w]

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    groups : int >= 1
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array, shape and layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; groups that are not an integer.
    ValueError
        An array of neither 3 nor 4 dimensions, groups below 1 or that do not divide C, an `out` that does not fit.

    Notes
    -----
    An exact copy. Its inverse is also its gradient: dx = channel_shuffle(dy, C // groups). Zhang 2018 [80].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.channel_shuffle(np.arange(6.0).reshape(6, 1, 1), 2).ravel()
    array([0., 3., 1., 4., 2., 5.])
    """
    x, batched = check.strided_images(x, "x")
    groups = groups_of(x.shape[1], groups)
    y = check.output(out, x.shape, x.dtype, check.layout_of(x), batched, x=x)
    run = channel_shuffle_call(x, y, groups)
    run()
    return planned(check.give(y, out, batched), (y,), run)


# ---------------------------------------------------------------- checks and shapes


def order(mode: object) -> str:
    """The word in capitals, checked."""
    if type(mode) is str and mode in ORDERS:
        return mode
    return check.choice(mode.upper() if isinstance(mode, str) else mode, "mode", ORDERS)


def groups_of(channels: int, groups: object) -> int:
    """The number of groups, which divides that of the channels."""
    number = check.integer(groups, "groups", 1)
    if channels % number:
        raise ValueError(f"groups must divide the channels, got groups={number} and {channels} channels")
    return number


def shuffled(x_shape: Shape, r: int) -> Shape:
    """(N, C, r H, r W) from (N, r^2 C, H, W)."""
    n, c, height, width = x_shape
    if c % (r * r):
        raise ValueError(f"upscale_factor {r} must leave whole channels: {r * r} must divide their number, got {c}")
    return n, c // (r * r), r * height, r * width


def unshuffled(x_shape: Shape, r: int) -> Shape:
    """(N, r^2 C, H, W) from (N, C, r H, r W)."""
    n, c, height, width = x_shape
    if height % r or width % r:
        raise ValueError(f"downscale_factor {r} must divide rows and columns, got {height} x {width} pixels")
    return n, c * r * r, height // r, width // r


# ---------------------------------------------------------------- prepared calls


def blocks(channels: Array, pixels: Array, r: int, mode: str) -> list[tuple[Array, Array]]:
    """Pairs of views with the same values among `channels` (N, r^2 C, H, W) and among `pixels`: (N, C, H, r, W, r).

    In channels-last memory single pixels of blocks of 2 x 2 are quicker: (N, C, H, W).
    """
    in_order = mode == "CRD"
    if r == 2 and in_order and check.layout_of(channels) == check.CHANNELS_LAST:
        return [(channels[:, 2 * i + j :: 4], pixels[:, :, i::2, j::2]) for i in range(2) for j in range(2)]
    (n, c), (height, width) = pixels.shape[:2], channels.shape[2:]
    if in_order:
        parts = channels.reshape(n, c, r, r, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        parts = channels.reshape(n, r, r, c, height, width).transpose(0, 3, 4, 1, 5, 2)
    return [(parts, pixels.reshape(n, c, height, r, width, r))]


def pixel_shuffle_call(x: Array, y: Array, r: int, mode: str = "CRD") -> Call:
    return in_turn([copy_call(part, row) for part, row in blocks(x, y, r, mode)])


def pixel_unshuffle_call(x: Array, y: Array, r: int, mode: str = "CRD") -> Call:
    return in_turn([copy_call(row, part) for part, row in blocks(y, x, r, mode)])


def channel_shuffle_call(x: Array, y: Array, groups: int) -> Call:
    n, c, height, width = x.shape
    from_groups = x.reshape(n, groups, c // groups, height, width).transpose(0, 2, 1, 3, 4)
    return copy_call(from_groups, y.reshape(n, c // groups, groups, height, width))
