"""Reductions over the pixels of each channel: `ReduceMean`, `ReduceMax`, `ReduceL2`."""

from .... import Node, layers
from ..arranged import Arranged, arranged
from ..call import Call
from ..values import Refused
from .pool import planes

__all__ = ["TABLE"]


def pixels(call: Call) -> Node:
    """The images, if the reduction is over H and W alone."""
    x = planes(call.node(0))
    axes = call.list_of("axes", 1)
    if axes is None or set(call.axes(axes, 4)) != {2, 3}:
        raise Refused(f"it goes over axes {axes}; fastconv reduces H and W together, axes (2, 3) of (N, C, H, W)")
    return x


def kept(call: Call, y: Node) -> Node | Arranged:
    """(C, 1, 1), or (C,) unless the axes are kept."""
    return y if call.integer("keepdims", 1) else arranged(y).reshaped(y.shape[:1])


TABLE = {
    "ReduceMean": lambda call: kept(call, layers.AdaptiveAvgPool2D(1)(pixels(call))),
    "ReduceMax": lambda call: kept(call, layers.AdaptiveMaxPool2D(1)(pixels(call))),
    "ReduceL2": lambda call: kept(call, layers.LpPool2D(pixels(call).shape[1:])(pixels(call))),
}
