"""Layers that move values: Flatten, reshaping, padding, shuffles, and the first of several classifiers."""

from typing import Any

import numpy as np

from .part import Part

__all__ = [
    "border_pad",
    "channel_shuffle",
    "flatten",
    "main_head",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "reshape",
]
__all__ += ["shortcut", "zero_pad"]


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
    return part.add("Pad", part.x, part.pads(top, left, bottom, right))


def main_head(layer: Any, part: Part) -> str:
    """The first K values, then -inf, as the network predicts them"""
    first, whole = layer.num_classes, part.x_shape[0]
    x = part.add("Slice", part.x, *map(part.integers, (0, first, 1)))
    return part.add("Pad", x, part.integers(0, 0, 0, whole - first), part.constant(-np.inf))


def shortcut(layer: Any, part: Part) -> str:
    """Every second pixel, and zeros for the further channels"""
    pixels = part.add("MaxPool", part.x, kernel_shape=[1, 1], strides=[layer.stride] * 2)
    return part.add("Pad", pixels, part.integers(0, 0, 0, 0, 0, part.y_shape[0] - part.x_shape[0], 0, 0))


def border_pad(layer: Any, part: Part) -> str:
    """Pad with pixels of the image"""
    left, right, top, bottom = layer.padding
    mode = {"reflect": "reflect", "replicate": "edge"}[layer.mode]
    return part.add("Pad", part.x, part.pads(top, left, bottom, right), mode=mode)


def pixel_shuffle(layer: Any, part: Part) -> str:
    """DepthToSpace"""
    return part.add("DepthToSpace", part.x, blocksize=layer.upscale_factor, mode=layer.mode)


def pixel_unshuffle(layer: Any, part: Part) -> str:
    """SpaceToDepth, or for the order of PyTorch the axes of each block behind the channels"""
    r, (c, height, width) = layer.downscale_factor, part.x_shape
    if layer.mode == "DCR":
        return part.add("SpaceToDepth", part.x, blocksize=r)
    blocks = part.reshape(part.x, 0, c, height // r, r, width // r, r)
    return part.reshape(part.add("Transpose", blocks, perm=[0, 1, 3, 5, 2, 4]), 0, *part.y_shape)


def channel_shuffle(layer: Any, part: Part) -> str:
    """The axes of groups and of the channels within them exchanged"""
    channels, *pixels = part.x_shape
    pixels = [-1] if part.graph.free else pixels
    grouped = part.reshape(part.x, 0, layer.groups, channels // layer.groups, *pixels)
    order = [0, 2, 1, *range(3, 3 + len(pixels))]
    return part.like_x(part.add("Transpose", grouped, perm=order))
