"""Pooling to a wanted size, and over whole planes.

Where the size divides the plane, a pooling of ONNX; otherwise what each output reads is a table of constants.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...typing import Array
from .part import Part

__all__ = ["adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool", "global_max_pool"]


def bounds(size: int, out: int) -> list[tuple[int, int]]:
    """(first, last + 1) of what each output reads along one axis: floor(i H / OH) to ceil((i + 1) H / OH)."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def regular(part: Part, op: str, whole: str, output_size: Sequence[int]) -> str | None:
    """The pooling whose windows do not overlap; None where the size does not divide the plane."""
    (height, width), (rows, columns) = part.x_shape[1:], output_size
    if (rows, columns) == (1, 1):
        return part.add(whole, part.x)
    if height % rows or width % columns:
        return None
    kernel = [height // rows, width // columns]
    return part.add(op, part.x, kernel_shape=kernel, strides=kernel)


def adaptive_avg_pool(layer: Any, part: Part) -> str:
    """AveragePool, or y = A x B with the shares of rows in A and of columns in B."""
    y = regular(part, "AveragePool", "GlobalAveragePool", layer.output_size)
    if y is not None:
        return y
    rows, columns = (means(*each) for each in zip(part.x_shape[1:], layer.output_size, strict=True))
    return part.add("MatMul", part.add("MatMul", part.constant(rows), part.x), part.constant(columns.T))


def means(size: int, out: int) -> Array:
    """(out, size): row i holds 1 / m at the m places that output i reads."""
    table = np.zeros((out, size))
    for row, (first, stop) in zip(table, bounds(size, out), strict=True):
        row[first:stop] = 1 / (stop - first)
    return table


def adaptive_max_pool(layer: Any, part: Part) -> str:
    """MaxPool, or the largest of what is gathered for each row, then for each column."""
    y = regular(part, "MaxPool", "GlobalMaxPool", layer.output_size)
    if y is not None:
        return y
    y = part.x
    for axis, size, out in zip((2, 3), part.x_shape[1:], layer.output_size, strict=True):
        y = part.add("Gather", y, part.constant(places(size, out), "int64"), axis=axis)
        y = part.along("ReduceMax", y, [axis + 1], keepdims=0)
    return y


def places(size: int, out: int) -> Array:
    """(out, longest window): what each output reads; the last place repeats where a window is shorter."""
    ranges = bounds(size, out)
    longest = max(stop - first for first, stop in ranges)
    return np.array([[min(first + k, stop - 1) for k in range(longest)] for first, stop in ranges])


def global_avg_pool(layer: Any, part: Part) -> str:
    """GlobalAveragePool without the last two axes."""
    return part.add("Flatten", part.add("GlobalAveragePool", part.x), axis=1)


def global_max_pool(layer: Any, part: Part) -> str:
    """GlobalMaxPool without the last two axes."""
    return part.add("Flatten", part.add("GlobalMaxPool", part.x), axis=1)
