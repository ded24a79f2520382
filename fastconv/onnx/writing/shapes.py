"""Layers that move values: Flatten, reshaping, padding, upsampling, and the first of several classifiers."""

from typing import Any

import numpy as np

from .part import Part

__all__ = ["flatten", "main_head", "permute", "reshape", "shortcut", "upsample", "zero_pad"]


def flatten(layer: Any, part: Part) -> str:
    """Flatten; planes that are read by columns are transposed before it."""
    by_columns = layer.order == "column" and len(part.x_shape) == 3
    x = part.add("Transpose", part.x, perm=[0, 1, 3, 2]) if by_columns else part.x
    return part.add("Flatten", x, axis=1)


def reshape(layer: Any, part: Part) -> str:
    """Reshape"""
    return part.reshape(part.x, 0, *part.y_shape)


def permute(layer: Any, part: Part) -> str:
    """Transpose, whose axes count the batch"""
    return part.add("Transpose", part.x, perm=[0, *(axis + 1 for axis in layer.axes)])


def zero_pad(layer: Any, part: Part) -> str:
    """Pad with zeros"""
    left, right, top, bottom = layer.padding
    return part.add("Pad", part.x, part.integers(0, 0, top, left, 0, 0, bottom, right))


def upsample(layer: Any, part: Part) -> str:
    """Resize: y[h, w] = x[floor(h / sh), floor(w / sw)]"""
    rule = {"coordinate_transformation_mode": "asymmetric", "mode": "nearest", "nearest_mode": "floor"}
    scales = part.constant([1, 1, *layer.scale_factor], np.float32)
    return part.add("Resize", part.x, "", scales, **rule)


def main_head(layer: Any, part: Part) -> str:
    """The first K values, then -inf, as the network predicts them"""
    first, whole = layer.num_classes, part.x_shape[0]
    x = part.add("Slice", part.x, *map(part.integers, (0, first, 1)))
    return part.add("Pad", x, part.integers(0, 0, 0, whole - first), part.constant(-np.inf))


def shortcut(layer: Any, part: Part) -> str:
    """Every second pixel, and zeros for the further channels"""
    pixels = part.add("MaxPool", part.x, kernel_shape=[1, 1], strides=[layer.stride] * 2)
    return part.add("Pad", pixels, part.integers(0, 0, 0, 0, 0, part.y_shape[0] - part.x_shape[0], 0, 0))
