"""Where rows and columns of a resized image lie in the image: the rules of PyTorch and of ONNX, and their tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..kernels.runtime.calls import resizing_taps as axis_taps
from ..typing import Pair, Shape
from . import check
from .extents import steps
from .geometry import made
from .taps import Taps

MODES = ("nearest", "bilinear")
COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
MOST = 2**24  # rows or columns of an image that is resized or padded by a table

Factors = tuple[float, float] | None  # of H and W; None: the size is given


class Rule(NamedTuple):
    """How an image is resized; the words are PyTorch's `mode` and ONNX's."""

    mode: str
    coordinates: str
    rounding: str = "floor"
    pytorch: bool = False  # no word of ONNX: an axis of the same extent is copied, nearest is computed in float32


def rule_of(mode: Any, align_corners: Any, coordinates: Any, rounding: Any) -> Rule:
    """The rule, from the arguments of `interpolate`, checked."""
    mode = check.word(mode, "mode", MODES)
    corners = check.flag(align_corners, "align_corners")
    if corners and coordinates is not None:
        raise ValueError(
            f"align_corners must be left out where coordinate_transformation_mode is given, got {coordinates!r}"
        )
    if corners and mode == "nearest":
        raise ValueError("align_corners must be False with mode='nearest', got True; write mode='bilinear'")
    if rounding is not None and mode != "nearest":
        raise ValueError(f"nearest_mode must be left out with mode={mode!r}, got {rounding!r}")
    own = "asymmetric" if mode == "nearest" else "align_corners" if corners else "half_pixel"
    words = (
        mode,
        own if coordinates is None else check.word(coordinates, "coordinate_transformation_mode", COORDINATES),
        "floor" if rounding is None else check.word(rounding, "nearest_mode", ROUNDINGS),
        coordinates is None and rounding is None,
    )
    return made(Rule, words)


# ---------------------------------------------------------------- sizes


def factors_of(value: Any, name: str) -> tuple[float, float]:
    """Two finite numbers > 0 from one or from two."""
    if isinstance(value, np.ndarray) and value.size <= 2:
        value = value.tolist()
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise TypeError(f"{name} must be a number or a pair of numbers, got {check.shown(value)}")
    first, second = (check.number(v, name) for v in pair)
    if not (0 < first < np.inf and 0 < second < np.inf):
        raise ValueError(f"{name} must be finite numbers > 0, got {value!r}")
    return first, second


def resized(x_shape: Shape, size: Pair | None, scale_factor: float | Sequence[float] | None) -> tuple[Shape, Factors]:
    """The shape of the result, and the factors where they were given."""
    n, c, height, width = x_shape
    if (size is None) == (scale_factor is None):
        got = "neither" if size is None else f"size={size!r} and scale_factor={scale_factor!r}"
        raise ValueError(f"one of size and scale_factor must be given, got {got}")
    if min(height, width) < 1:
        raise ValueError(f"x must have H and W of at least 1, got shape {tuple(x_shape)}")
    factors = None if scale_factor is None else factors_of(scale_factor, "scale_factor")
    if factors is None:
        OH, OW = steps(size, "size")
    else:
        OH, OW = int(height * factors[0]), int(width * factors[1])
        if min(OH, OW) < 1:
            raise ValueError(
                f"scale_factor must leave at least one row and one column, got {scale_factor!r} for "
                f"{height} x {width} pixels"
            )
    within_tables((OH, OW), "size" if factors is None else "scale_factor")
    return (n, c, OH, OW), factors


def within_tables(extents: Sequence[int], name: str) -> None:
    """ValueError for a result with more rows or columns than a table may have lines."""
    if max(extents) > MOST:
        raise ValueError(f"{name} must make at most 2**24 rows and columns, got {tuple(extents)}: too large")


# ---------------------------------------------------------------- tables


def resizing_taps(
    x_shape: Shape, y_shape: Shape, factors: Factors, rule: Rule, transposed: bool = False
) -> tuple[Taps, Taps]:
    """The tables along H and along W: which pixels of x each one of y reads, or the transposed tables."""
    vertical, horizontal = factors or (None, None)
    rows = axis_taps(x_shape[2], y_shape[2], vertical, rule, transposed)
    columns = axis_taps(x_shape[3], y_shape[3], horizontal, rule, transposed)
    return made(Taps, rows), made(Taps, columns)
