"""Activations, softmax and dropout: an operator of ONNX, or the equation."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from .part import Part

__all__ = ["celu", "dropout", "elu", "gelu", "hard_sigmoid", "hard_swish", "hardtanh", "leaky_relu", "log_sigmoid"]
__all__ += ["along_axis", "mish", "plain", "prelu", "relu6", "silu", "softplus", "stochastic_depth", "threshold"]

CLOSE = 20.0  # where beta x is larger, log(1 + exp(beta x)) and beta x are one number of float32


def plain(op: str) -> Callable[[Any, Part], str]:
    """The translation of a layer without settings."""

    def translate(layer: Any, part: Part) -> str:
        return part.add(op, part.x)

    return translate


def along_axis(op: str) -> Callable[[Any, Part], str]:
    """The translation of Softmax and LogSoftmax."""

    def translate(layer: Any, part: Part) -> str:
        return part.add(op, part.x, axis=1 + layer.axis)

    return translate


def relu6(layer: Any, part: Part) -> str:
    """min(max(x, 0), 6)"""
    return part.add("Clip", part.x, part.constant(0), part.constant(6))


def leaky_relu(layer: Any, part: Part) -> str:
    """x where x > 0, else a x"""
    return part.add("LeakyRelu", part.x, alpha=layer.negative_slope)


def prelu(layer: Any, part: Part) -> str:
    """x where x > 0, else w x; the weight is stored as (C, 1, 1)."""
    return part.add("PRelu", part.x, part.parameter("weight", part.per_channel(part.arrays["weight"])))


def elu(layer: Any, part: Part) -> str:
    """x where x > 0, else alpha (exp(x) - 1)"""
    return part.add("Elu", part.x, alpha=layer.alpha)


def celu(layer: Any, part: Part) -> str:
    """Celu, which ONNX has for float32 alone; alpha elu(x / alpha) in float64"""
    if part.dtype == np.float32:
        return part.add("Celu", part.x, alpha=layer.alpha)
    alpha = part.constant(layer.alpha)
    return part.add("Mul", part.add("Elu", part.add("Div", part.x, alpha)), alpha)


def hardtanh(layer: Any, part: Part) -> str:
    """min(max(x, min_val), max_val), without bounds that are infinite"""
    bounds = [part.constant(v) if np.isfinite(v) else "" for v in (layer.min_val, layer.max_val)]
    return part.add("Clip", part.x, *bounds)


def threshold(layer: Any, part: Part) -> str:
    """x where x > threshold, else value"""
    above = part.add("Greater", part.x, part.constant(layer.threshold))
    return part.add("Where", above, part.x, part.constant(layer.value))


def hard_sigmoid(layer: Any, part: Part) -> str:
    """min(max(x / 6 + 1/2, 0), 1)"""
    return part.add("HardSigmoid", part.x, alpha=1 / 6, beta=0.5)


def hard_swish(layer: Any, part: Part) -> str:
    """HardSwish from opset 14 on, before it x times its hard sigmoid"""
    if part.opset >= 14:
        return part.add("HardSwish", part.x)
    return part.add("Mul", part.x, hard_sigmoid(layer, part))


def silu(layer: Any, part: Part) -> str:
    """x sigmoid(x)"""
    return part.add("Mul", part.x, part.add("Sigmoid", part.x))


def mish(layer: Any, part: Part) -> str:
    """Mish from opset 18 on, before it x tanh(softplus(x))"""
    if part.opset >= 18:
        return part.add("Mish", part.x)
    return part.add("Mul", part.x, part.add("Tanh", part.add("Softplus", part.x)))


def log_sigmoid(layer: Any, part: Part) -> str:
    """-softplus(-x)"""
    return part.add("Neg", part.add("Softplus", part.add("Neg", part.x)))


def gelu(layer: Any, part: Part) -> str:
    """Gelu from opset 20 on, before it x / 2 (1 + erf(x / sqrt(2))), or with tanh."""
    if part.opset >= 20:
        return part.add("Gelu", part.x, approximate=layer.approximate)
    if layer.approximate == "tanh":
        cube = part.add("Mul", part.add("Mul", part.x, part.x), part.x)
        inner = part.add("Add", part.x, part.add("Mul", cube, part.constant(0.044715)))
        part_above = part.add("Tanh", part.add("Mul", inner, part.constant(sqrt(2 / pi))))
    else:
        part_above = part.add("Erf", part.add("Div", part.x, part.constant(sqrt(2))))
    factor = part.add("Add", part_above, part.constant(1))
    return part.add("Mul", part.add("Mul", part.x, factor), part.constant(0.5))


def softplus(layer: Any, part: Part) -> str:
    """log(1 + exp(beta x)) / beta, and x above a threshold where that is another number"""
    beta = part.constant(layer.beta)
    scaled = part.x if layer.beta == 1 else part.add("Mul", part.x, beta)
    y = part.add("Softplus", scaled)
    y = y if layer.beta == 1 else part.add("Div", y, beta)
    if layer.threshold >= CLOSE:
        return y
    return part.add("Where", part.add("Greater", scaled, part.constant(layer.threshold)), part.x, y)


def dropout(layer: Any, part: Part) -> str:
    """Dropout, which does nothing outside of training; a program that trains knows its p."""
    return part.add("Dropout", part.x, part.constant(layer.p, np.float32))


def stochastic_depth(layer: Any, part: Part) -> str:
    """Nothing: ONNX has no operator for what it does in training"""
    return part.x
