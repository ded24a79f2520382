"""Images of another size: Resize where all programs place its pixels alike, else tables of what each output reads."""

from typing import Any

import numpy as np

from ...ops.coordinates import resizing_taps
from ...typing import Array
from .part import Part

__all__ = ["upsample"]


def upsample(layer: Any, part: Part) -> str:
    """Resize, for whole factors with "nearest", and with "bilinear" for sizes that are factor times size; otherwise
    Gather for "nearest", and y = A x B for "bilinear".
    """
    rule, given, sizes = layer.rule(), layer.factors(), part.x_shape[1:]
    factors = [out / size for out, size in zip(part.y_shape[1:], sizes, strict=True)]
    exact = given is None or all(abs(a - b) < 1e-12 for a, b in zip(given, factors, strict=True))
    if rule.mode == "bilinear" and exact:
        return resize(part, factors, "linear", rule)
    if rule[1:3] == ("asymmetric", "floor") and exact and all(f == int(f) for f in factors):
        return resize(part, factors, "nearest", rule)
    tables = resizing_taps((1, *part.x_shape), (1, *part.y_shape), given, rule)
    if rule.mode == "nearest":
        y = part.add("Gather", part.x, part.constant(tables[0].source, "int64"), axis=2)
        return part.add("Gather", y, part.constant(tables[1].source, "int64"), axis=3)
    rows, columns = (matrix(table, size) for table, size in zip(tables, sizes, strict=True))
    return part.add("MatMul", part.add("MatMul", part.constant(rows), part.x), part.constant(columns.T))


def resize(part: Part, factors: list[float], mode: str, rule: Any) -> str:
    """Resize by factors, which are float32 in a file, and no smaller than what gives the size."""
    scales = [np.float32(1), np.float32(1), *map(enough, factors, part.x_shape[1:], part.y_shape[1:])]
    words = {"coordinate_transformation_mode": rule.coordinates, "mode": mode}
    rounding = {"nearest_mode": rule.rounding} if mode == "nearest" else {}
    return part.add("Resize", part.x, "", part.constant(scales, np.float32), **words, **rounding)


def enough(factor: float, size: int, out: int) -> np.float32:
    """The float32 nearest to the factor, or the next, so that floor(factor size) is `out`."""
    near = np.float32(factor)
    return near if int(float(near) * size) >= out else np.nextafter(near, np.float32(np.inf))


def matrix(table: Any, size: int) -> Array:
    """(out, size): row i holds the weights of what output i reads."""
    dense = np.zeros((len(table.ends) - 1, size))
    rows = np.repeat(np.arange(len(dense)), np.diff(table.ends))
    dense[rows, table.source] = table.weight.view(np.float64)
    return dense
