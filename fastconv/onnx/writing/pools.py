"""Pooling over sliding windows.

A window that hangs over the edge (`ceil_mode`) is written as padding at the end, so that all programs count windows
alike.
"""

from typing import Any

import numpy as np

from ...typing import Array
from .part import Part

__all__ = ["avg_pool", "lp_pool", "max_pool"]


def end(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> int:
    """The padding that the last window needs at the end."""
    return max((out - 1) * stride + dilation * (kernel - 1) + 1 - size - before, 0)


def window(layer: Any, g: Any) -> dict[str, Any]:
    """kernel_shape, strides and pads."""
    bottom, right = g.bottom, g.right
    if layer.ceil_mode:
        bottom = end(g.H, g.OH, g.kh, g.sh, g.dh, g.top)
        right = end(g.W, g.OW, g.kw, g.sw, g.dw, g.left)
    return {"kernel_shape": [g.kh, g.kw], "strides": [g.sh, g.sw], "pads": [g.top, g.left, bottom, right]}


def max_pool(layer: Any, part: Part) -> str:
    """MaxPool; padding of a dilated window that reaches its undilated size is a Pad of its own, which all programs
    take.
    """
    g = layer.geometry((1, *part.x_shape))
    attributes, x = window(layer, g), part.x
    if (g.dh, g.dw) != (1, 1):
        attributes["dilations"] = [g.dh, g.dw]
        top, left, bottom, right = attributes["pads"]
        if max(top, bottom) >= g.kh or max(left, right) >= g.kw:
            pads = part.integers(0, 0, top, left, 0, 0, bottom, right)
            x, attributes["pads"] = part.add("Pad", x, pads, part.constant(-np.inf)), [0, 0, 0, 0]
    return part.add("MaxPool", x, **attributes)


def avg_pool(layer: Any, part: Part) -> str:
    """AveragePool, and a factor for each position where the layer divides by another number than the window has."""
    g = layer.geometry((1, *part.x_shape))
    inside = not layer.count_include_pad and layer.divisor_override is None
    y = part.add("AveragePool", part.x, count_include_pad=int(not inside), **window(layer, g))
    if inside:
        return y
    if layer.divisor_override is not None:
        return part.add("Mul", y, part.constant(g.kh * g.kw / layer.divisor_override))
    factors = np.multiply.outer(
        shares(g.H + g.top + g.bottom, g.OH, g.kh, g.sh), shares(g.W + g.left + g.right, g.OW, g.kw, g.sw)
    )
    return y if (factors == 1).all() else part.add("Mul", y, part.constant(factors))


def shares(size: int, out: int, kernel: int, stride: int) -> Array:
    """For each window the kernel's extent by the part of it that lies in the padded image."""
    starts = stride * np.arange(out)
    return kernel / (np.minimum(starts + kernel, size) - starts)


def lp_pool(layer: Any, part: Part) -> str:
    """LpPool for whole p; for others (n mean |x|^p)^(1/p), n the pixels of a window."""
    g, p = layer.geometry((1, *part.x_shape)), layer.norm_type
    if p == int(p):
        return part.add("LpPool", part.x, p=int(p), **window(layer, g))
    powers = part.add("Pow", part.add("Abs", part.x), part.constant(p))
    means = part.add("AveragePool", powers, count_include_pad=1, **window(layer, g))
    sums = part.add("Mul", means, part.constant(g.kh * g.kw))
    return part.add("Pow", sums, part.constant(1 / p))
