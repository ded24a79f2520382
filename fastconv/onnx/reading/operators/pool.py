"""Pooling: `MaxPool`, `AveragePool`, `LpPool`, and over whole planes."""

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from .... import Layer, Node, layers, sequential
from ....nodes.arranged import arranged
from ....nodes.parts import cut
from ....nodes.pieces import affine
from ....nodes.settled import reshaped
from ..call import Call
from ..padding import Pads, pads_of, windows_of
from ..values import Refused, few

__all__ = ["TABLE", "planes"]


def planes(x: Node) -> Node:
    """The node, if it is images (C, H, W)."""
    if len(x.shape) != 3:
        raise Refused(f"it needs images (N, C, H, W), got (N, {', '.join(map(str, x.shape))})")
    return x


def window(call: Call, x: Node) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Pads]:
    """(kernel, strides, dilations, padding)"""
    kernel = call.integers("kernel_shape", ())
    if len(kernel) != len(x.shape) - 1 or len(kernel) not in (1, 2):
        raise Refused(f"its kernel_shape {kernel} must have an extent for each axis of (N, {x.shape}) behind C")
    strides, dilations = windows_of(call, kernel)
    found = kernel, strides, dilations, pads_of(call, x.shape[1:], kernel)
    if len(kernel) == 2:
        return found
    kernel, strides, dilations, padding = found
    return (1, *kernel), (1, *strides), (1, *dilations), ((0, 0), *padding)


def pooled(call: Call, make: Callable[..., Layer], options: dict[str, Any], dilated: bool = False) -> Any:
    """The layer on images, or on signals (C, L), which are images of one row."""
    x = call.node(0)
    kernel, strides, dilations, padding = window(call, x)
    layer: Callable[[Node], Node]
    if dilated or set(dilations) == {1}:
        options = {**options, "dilation": dilations} if dilated else options
        layer = make(kernel, stride=strides, ceil_mode=call.flag("ceil_mode"), padding=padding, **options)
    elif make is layers.AvgPool2D and not call.flag("ceil_mode"):
        layer = partial(
            dilated_mean, kernel, strides, dilations, padding, count_include_pad=options["count_include_pad"]
        )
    else:
        raise Refused(f"its dilations {dilations} must be 1")
    if len(x.shape) == 3:
        return layer(x)
    y = layer(reshaped(x, (x.shape[0], 1, x.shape[1])))
    return arranged(y).reshaped((y.shape[0], y.shape[2]))


def average_pool(call: Call) -> Any:
    """`AveragePool`"""
    return pooled(call, layers.AvgPool2D, {"count_include_pad": call.flag("count_include_pad")})


def dilated_mean(
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: Pads,
    x: Node,
    *,
    count_include_pad: bool,
) -> Node:
    """The mean of windows with gaps: the sum of every s-th row from each tap on, of columns alike, by their number."""
    few(sum(kernel))
    (top, bottom), (left, right) = padding
    y = layers.ZeroPad2D((left, right, top, bottom))(x) if np.any(padding) else x
    counts = []
    for axis, (k, s, d, pads) in enumerate(zip(kernel, strides, dilations, padding, strict=True)):
        n = x.shape[1 + axis]
        last = (n + sum(pads) - d * (k - 1) - 1) // s * s  # where the last window begins
        inside = np.pad(np.ones(n), pads, constant_values=float(count_include_pad))
        taps = [slice(t * d, t * d + last + 1, s) for t in range(k)]
        y = reduce(add, [cut(y, 1 + axis, tap) for tap in taps])
        counts.append(sum(inside[tap] for tap in taps))
    return affine(y, 1 / np.multiply.outer(*counts)[None], 0.0)


def padded_norm(kernel: tuple[int, ...], *, padding: Pads, **options: Any) -> Any:
    """`LpPool2D` behind a border of zeros, which add nothing."""
    (top, bottom), (left, right) = padding
    layer = layers.LpPool2D(kernel, **options)
    return sequential(layers.ZeroPad2D((left, right, top, bottom)), layer) if np.any(padding) else layer


def global_lp_pool(call: Call) -> Node:
    """`GlobalLpPool`"""
    x = planes(call.node(0))
    return layers.LpPool2D(x.shape[1:], norm_type=call.integer("p", 2))(x)


TABLE: dict[str, Callable[[Call], Any]] = {
    "MaxPool": lambda call: pooled(call, layers.MaxPool2D, {}, dilated=True),
    "AveragePool": average_pool,
    "LpPool": lambda call: pooled(call, padded_norm, {"norm_type": call.integer("p", 2)}),
    "GlobalLpPool": global_lp_pool,
    "GlobalAveragePool": lambda call: layers.AdaptiveAvgPool2D(1)(planes(call.node(0))),
    "GlobalMaxPool": lambda call: layers.AdaptiveMaxPool2D(1)(planes(call.node(0))),
}
