"""Pooling: `MaxPool`, `AveragePool`, `LpPool`, and over whole planes."""

from .... import Node, layers
from ..call import Call
from ..padding import Pads, pads_of, windows_of
from ..values import Refused

__all__ = ["TABLE", "planes"]


def planes(x: Node) -> Node:
    """The node, if it is images (C, H, W)."""
    if len(x.shape) != 3:
        raise Refused(f"it needs images (N, C, H, W), got (N, {', '.join(map(str, x.shape))})")
    return x


def window(call: Call, x: Node) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Pads]:
    """(kernel, strides, dilations, padding)"""
    kernel = call.integers("kernel_shape", ())
    if len(kernel) != len(x.shape) - 1:
        raise Refused(f"its kernel_shape {kernel} must have an extent for each axis of (N, {x.shape}) behind C")
    strides, dilations = windows_of(call, kernel)
    return kernel, strides, dilations, pads_of(call, x.shape[1:], kernel)


def max_pool(call: Call) -> Node:
    """`MaxPool`; its second result, where each maximum is, is not computed."""
    x = planes(call.node(0))
    kernel, strides, dilations, padding = window(call, x)
    ceil = bool(call.integer("ceil_mode", 0))
    return layers.MaxPool2D(kernel, strides, padding, dilation=dilations, ceil_mode=ceil)(x)


def average_pool(call: Call) -> Node:
    """`AveragePool`"""
    x = planes(call.node(0))
    kernel, strides, dilations, padding = window(call, x)
    if set(dilations) != {1}:
        raise Refused(f"its dilations {dilations} must be 1")
    ceil, count = bool(call.integer("ceil_mode", 0)), bool(call.integer("count_include_pad", 0))
    return layers.AvgPool2D(kernel, strides, padding, ceil_mode=ceil, count_include_pad=count)(x)


def lp_pool(call: Call) -> Node:
    """`LpPool`: the border is zeros, which add nothing."""
    x = planes(call.node(0))
    kernel, strides, dilations, ((top, bottom), (left, right)) = window(call, x)
    if set(dilations) != {1}:
        raise Refused(f"its dilations {dilations} must be 1")
    if top or bottom or left or right:
        x = layers.ZeroPad2D((left, right, top, bottom))(x)
    ceil = bool(call.integer("ceil_mode", 0))
    return layers.LpPool2D(kernel, stride=strides, norm_type=call.integer("p", 2), ceil_mode=ceil)(x)


def global_lp_pool(call: Call) -> Node:
    """`GlobalLpPool`"""
    x = planes(call.node(0))
    return layers.LpPool2D(x.shape[1:], norm_type=call.integer("p", 2))(x)


TABLE = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalLpPool": global_lp_pool,
    "GlobalAveragePool": lambda call: layers.AdaptiveAvgPool2D(1)(planes(call.node(0))),
    "GlobalMaxPool": lambda call: layers.AdaptiveMaxPool2D(1)(planes(call.node(0))),
}
