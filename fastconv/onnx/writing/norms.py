"""Normalisation: batch, group, layer and local norms; scales and shifts of channels."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .part import Part

__all__ = ["affine", "batch_norm", "channel_scale", "group_norm", "instance_norm", "layer_norm", "local_response_norm"]


def weights(layer: Any, part: Part) -> tuple[str, str]:
    """The names of weight and bias (C,); of ones and zeros without affine."""
    if layer.affine:
        return part.parameter("weight"), part.parameter("bias")
    return part.constant(np.ones(part.x_shape[:1])), part.constant(np.zeros(part.x_shape[:1]))


def batch_norm(layer: Any, part: Part) -> str:
    """BatchNormalization with the running statistics; its momentum is 1 - that of the layer."""
    running = part.parameter("running_mean"), part.parameter("running_var")
    numbers = {"epsilon": layer.eps, "momentum": 1 - layer.momentum}
    return part.add("BatchNormalization", part.x, *weights(layer, part), *running, **numbers)


def group_norm(layer: Any, part: Part) -> str:
    """GroupNormalization from opset 21 on; before it InstanceNormalization of the groups, as PyTorch writes it."""
    groups = layer.num_groups
    if part.opset >= 21:
        numbers = {"num_groups": groups, "epsilon": layer.eps}
        return part.add("GroupNormalization", part.x, *weights(layer, part), **numbers)
    ones, zeros = part.constant(np.ones(groups)), part.constant(np.zeros(groups))
    x = part.reshape(part.x, 0, groups, -1)
    y = part.add("InstanceNormalization", x, ones, zeros, epsilon=layer.eps)
    return scaled(layer, part, part.like_x(y))


def instance_norm(layer: Any, part: Part) -> str:
    """InstanceNormalization"""
    return part.add("InstanceNormalization", part.x, *weights(layer, part), epsilon=layer.eps)


def scaled(layer: Any, part: Part, z: str) -> str:
    """z w + b per channel; z without affine."""
    if not layer.affine:
        return z
    weight, bias = (part.parameter(key, part.per_channel(part.arrays[key])) for key in ("weight", "bias"))
    return part.add("Add", part.add("Mul", z, weight), bias)


def layer_norm(layer: Any, part: Part) -> str:
    """LayerNormalization over the last axis, all axes, or, with the channels brought there, over them; before opset 17
    its equation.
    """
    axes = list(range(1, len(part.x_shape) + 1))
    of = {None: axes, "last": axes[-1:], "channels": axes[:1]}[layer.axis]
    if part.opset < 17:
        return normalised(layer, part, of)
    shape = [part.x_shape[axis - 1] for axis in of]
    scale = part.parameter("weight") if layer.affine else part.constant(np.ones(shape))
    last = [0, *axes[1:], 1]  # the channels behind the pixels
    moved = layer.axis == "channels" and len(axes) > 1
    x = part.add("Transpose", part.x, perm=last) if moved else part.x
    y = part.add("LayerNormalization", x, scale, *part.bias(), axis=axes[-1] if moved else of[0], epsilon=layer.eps)
    return part.add("Transpose", y, perm=np.argsort(last).tolist()) if moved else y


def normalised(layer: Any, part: Part, axes: Sequence[int]) -> str:
    """(x - mean) / sqrt(var + eps) w + b, with mean and variance over these axes"""
    centred = part.add("Sub", part.x, part.along("ReduceMean", part.x, axes))
    variance = part.along("ReduceMean", part.add("Mul", centred, centred), axes)
    deviation = part.add("Sqrt", part.add("Add", variance, part.constant(layer.eps)))
    z = part.add("Div", centred, deviation)
    if layer.axis == "channels":
        return scaled(layer, part, z)
    if not layer.affine:
        return z
    return part.add("Add", part.add("Mul", z, part.parameter("weight")), part.parameter("bias"))


def local_response_norm(layer: Any, part: Part) -> str:
    """LRN for images and odd windows; for others x / (k + alpha mean)^beta, the mean of squares by AveragePool.

    Even windows reach one channel further down than up; LRN's reach further up, and few programs take them.
    """
    size, alpha, beta, k = layer.window
    if size % 2 and len(part.x_shape) == 3:
        return part.add("LRN", part.x, size=size, alpha=alpha, beta=beta, bias=k)
    channels, pixels = part.x_shape[0], prod(part.x_shape[1:])
    reach = min(size // 2, channels), min((size - 1) // 2, channels)  # beyond all channels are zeros alone
    window = {"kernel_shape": [sum(reach) + 1, 1], "pads": [reach[0], 0, reach[1], 0], "count_include_pad": 1}
    squares = part.reshape(part.add("Mul", part.x, part.x), 0, 1, channels, pixels)
    means = part.reshape(part.add("AveragePool", squares, **window), 0, *part.x_shape)
    weighted = part.add("Mul", means, part.constant(alpha * (sum(reach) + 1) / size))
    base = part.add("Add", weighted, part.constant(k))
    return part.add("Mul", part.x, part.add("Pow", base, part.constant(-beta)))


def affine(layer: Any, part: Part) -> str:
    """scale x + shift, fixed numbers"""
    y = part.x
    for op, given, nothing in (("Mul", layer.scale, 1), ("Add", layer.shift, 0)):
        if np.any(np.not_equal(given, nothing)):
            y = part.add(op, y, part.constant(part.per_channel(np.array(given)) if np.ndim(given) == 1 else given))
    return y


def channel_scale(layer: Any, part: Part) -> str:
    """weight x; the weight is stored as (C, 1, 1). A single one would look like a fixed number."""
    (key,) = part.arrays  # "weight", or the name that the layer of a model has for it
    part.unclear |= part.x_shape[0] == 1 or key != "weight"
    return part.add("Mul", part.x, part.parameter(key, part.per_channel(part.arrays[key])))
