"""Pooling of images and signals."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .... import Node, layers
from ....nodes.refused import Refused
from .conv import along, images

__all__ = ["TABLE"]


def max_pool(
    axes: int,
    trace: Any,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Node:
    """The largest value of each window."""
    if return_indices:
        raise Refused("return_indices=True")
    kernel, stride, padding, dilation = (along(axes, v) for v in (kernel_size, stride or None, padding, dilation))
    kind: Any = layers.MaxPool2D if axes == 2 else layers.MaxPool1D
    node: Node = kind(kernel, stride, padding, dilation=dilation, ceil_mode=ceil_mode)(images(x, axes))
    return node


def avg_pool(
    axes: int,
    trace: Any,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Node:
    """The mean of each window."""
    kernel, stride, padding = (along(axes, v) for v in (kernel_size, stride or None, padding))
    options = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    kind: Any = layers.AvgPool2D if axes == 2 else layers.AvgPool1D
    if divisor_override is not None:
        options["divisor_override"] = divisor_override
    node: Node = kind(kernel, stride, padding, **options)(images(x, axes))
    return node


def adaptive(kind: Any, axes: int, trace: Any, x: Any, output_size: Any, return_indices: bool = False) -> Node:
    """Windows that give this size; where it is None, that of the images."""
    if return_indices:
        raise Refused("return_indices=True")
    node = images(x, axes)
    sizes = output_size if isinstance(output_size, list | tuple) else (output_size,) * axes
    wanted = tuple(n if size is None else size for size, n in zip(sizes, node.shape[1:], strict=True))
    y: Node = kind(wanted if axes == 2 else wanted[0])(node)
    return y


def lp_pool2d(
    trace: Any, x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Node:
    """The norm of each window."""
    return layers.LpPool2D(kernel_size, stride=stride or None, norm_type=norm_type, ceil_mode=ceil_mode)(images(x, 2))


TABLE: dict[str, Callable[..., Any]] = {
    "max_pool1d": partial(max_pool, 1),
    "max_pool2d": partial(max_pool, 2),
    "avg_pool1d": partial(avg_pool, 1),
    "avg_pool2d": partial(avg_pool, 2),
    "lp_pool2d": lp_pool2d,
    "adaptive_avg_pool1d": partial(adaptive, layers.AdaptiveAvgPool1D, 1),
    "adaptive_avg_pool2d": partial(adaptive, layers.AdaptiveAvgPool2D, 2),
    "adaptive_max_pool1d": partial(adaptive, layers.AdaptiveMaxPool1D, 1),
    "adaptive_max_pool2d": partial(adaptive, layers.AdaptiveMaxPool2D, 2),
}
