"""Images of another size: the nearest pixel, or a weighted mean of the four around a place."""

from collections.abc import Sequence

from ..typing import Array, Call, Pair, Shape
from . import check
from .call_cache import planned
from .coordinates import Factors, Rule, resized, resizing_taps, rule_of, within_tables
from .habits import op
from .taps import weighted_call
from .upsample import upsample_nearest2d_backward_call, upsample_nearest2d_call

MOST_EXACT = 40  # up to here the float32 of PyTorch's nearest gives whole blocks; beyond, sometimes a pixel less


@op
def interpolate(
    x: Array,
    size: Pair | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    *,
    coordinate_transformation_mode: str | None = None,
    nearest_mode: str | None = None,
    out: Array | None = None,
) -> Array:
    """Images with another number of rows and columns.

    y[n, c, i, j] = x[n, c, round(h), round(w)] with mode="nearest", where (h, w) is the place of (i, j) in x;
    y[n, c, i, j] = (1 - a) (1 - b) x[n, c, p, q] + (1 - a) b x[n, c, p, q + 1] + a (1 - b) x[n, c, p + 1, q] +
    a b x[n, c, p + 1, q + 1] with mode="bilinear", p = floor(h), a = h - p, q = floor(w), b = w - q

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64
    size : int or (OH, OW), optional
        Rows and columns of the result.
    scale_factor : float or (sh, sw), optional
        Or how many times as many as `x` has: OH = floor(sh H), OW = floor(sw W). One of both is given.
    mode : "nearest" or "bilinear"
    align_corners : bool
        With "bilinear": the corner pixels of both images lie on each other, rather than the edges of the images.
    coordinate_transformation_mode : str, optional
        The place of row i, in the words of ONNX's Resize; s is `scale_factor`, or OH / H. Columns alike.
        "half_pixel", of bilinear unless align_corners: (i + 1/2) / s - 1/2; "align_corners": i (H - 1) / (OH - 1);
        "asymmetric", of nearest: i / s; "pytorch_half_pixel": half_pixel, but 0 where OH = 1.
    nearest_mode : "floor", "ceil", "round_prefer_floor" or "round_prefer_ceil", optional
        How places become whole numbers with "nearest": down unless given; "round" to the nearest, halves down or up.
    out : array, optional
        Where the result goes.

    Returns
    -------
    y : array (N, C, OH, OW), in the layout of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; sizes that are not integers, factors that are no numbers.
    ValueError
        An array of neither 3 nor 4 dimensions or without pixels, not exactly one of `size` and `scale_factor`, sizes
        below 1 or above 2**24, unknown words, words that do not go together, an `out` that does not fit.

    Notes
    -----
    Places outside of `x` are moved to its border. PyTorch's rules, unless a word of ONNX is given: a `scale_factor` is
    used as it is, also where OH / H is another number; an axis that keeps its extent is copied; places of "nearest" are
    computed in float32. All other places, and weights, are float64. "nearest" copies; error of "bilinear": below 8 eps
    times the largest of the four values.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[0.0, 4.0]]])
    >>> fastconv.interpolate(x, (1, 4))
    array([[[0., 0., 4., 4.]]])
    >>> fastconv.interpolate(x, (1, 4), mode="bilinear")
    array([[[0., 1., 3., 4.]]])
    """
    x, batched = check.strided_images(x, "x")
    rule = rule_of(mode, align_corners, coordinate_transformation_mode, nearest_mode)
    y_shape, factors = resized(x.shape, size, scale_factor)
    y = check.output(out, y_shape, x.dtype, check.layout_of(x), batched, x=x)
    run = interpolate_call(x, y, factors, rule)
    run()
    return planned(check.give(y, out, batched), (y,), run, tables=True)


@op
def interpolate_backward(
    dy: Array,
    input_shape: Shape,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    *,
    coordinate_transformation_mode: str | None = None,
    nearest_mode: str | None = None,
    out: Array | None = None,
) -> Array:
    """The gradient of `interpolate` with respect to its input.

    dx[n, c, h, w] = sum of dy[n, c, i, j] times the weight that (h, w) has in y[n, c, i, j]

    Parameters
    ----------
    dy : array (N, C, OH, OW) or (C, OH, OW), float32 or float64
    input_shape : (N, C, H, W) or (C, H, W)
    scale_factor : float or (sh, sw), optional
        What `interpolate` got; nothing where it got `size`.
    mode : "nearest" or "bilinear"
    align_corners : bool
    coordinate_transformation_mode : str, optional
    nearest_mode : str, optional
        As in `interpolate`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`, in the layout of `dy`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; a shape that is not integers.
    ValueError
        `input_shape` with other N or C than `dy`, an extent of 0, a `scale_factor` that gives another size than that of
        `dy`, words as in `interpolate`, an `out` that does not fit.

    Notes
    -----
    Sums run over the rows of `dy`, then over its columns, in their order. Error: below (T + 4) eps times the sum of the
    absolute terms, T the number of rows and columns that read one pixel.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.interpolate_backward(np.array([[[1.0, 2.0, 3.0, 4.0]]]), (1, 1, 2), mode="bilinear")
    array([[[3.25, 6.75]]])
    """
    dy, batched = check.strided_images(dy, "dy")
    shape = check.with_batch(input_shape, batched)
    rule = rule_of(mode, align_corners, coordinate_transformation_mode, nearest_mode)
    (n, c, height, width), (N, C, OH, OW) = shape, dy.shape
    if min(height, width, OH, OW) < 1 or (n, c) != (N, C):
        rule_of_shape = "the N and C of dy, and H and W of at least 1"
        raise ValueError(f"input_shape must have {rule_of_shape}, got {tuple(input_shape)} and dy {dy.shape}")
    within_tables((OH, OW), "dy")
    within_tables((height, width), "input_shape")
    factors = None
    if scale_factor is not None:
        y_shape, factors = resized(shape, None, scale_factor)
        check.shape_is(dy, "dy", y_shape, "the shape of y")
    dx = check.output(out, shape, dy.dtype, check.layout_of(dy), batched, dy=dy)
    run = interpolate_backward_call(dy, dx, factors, rule)
    run()
    return planned(check.give(dx, out, batched), (dx,), run, tables=True)


# ---------------------------------------------------------------- prepared calls


def block(x_shape: Shape, y_shape: Shape, factors: Factors, rule: Rule) -> tuple[int, int] | None:
    """(sh, sw) where each pixel is repeated in a block of sh x sw: `upsample_nearest2d` is quicker there."""
    sh, sw = y_shape[2] // x_shape[2], y_shape[3] // x_shape[3]
    whole = (y_shape[2], y_shape[3]) == (sh * x_shape[2], sw * x_shape[3]) and factors in (None, (sh, sw))
    down = (rule.mode, rule.coordinates, rule.rounding) == ("nearest", "asymmetric", "floor")
    return (sh, sw) if whole and down and (factors is not None or max(sh, sw) <= MOST_EXACT) else None


def interpolate_call(x: Array, y: Array, factors: Factors, rule: Rule) -> Call:
    scale = block(x.shape, y.shape, factors, rule)
    if scale is not None:
        return upsample_nearest2d_call(x, y, scale)
    return weighted_call(x, y, *resizing_taps(x.shape, y.shape, factors, rule))


def interpolate_backward_call(dy: Array, dx: Array, factors: Factors, rule: Rule) -> Call:
    scale = block(dx.shape, dy.shape, factors, rule)
    if scale is not None:
        return upsample_nearest2d_backward_call(dy, dx, scale)
    return weighted_call(dy, dx, *resizing_taps(dx.shape, dy.shape, factors, rule, transposed=True))
