"""Layers with a matrix or filters: convolutions, also transposed, and `linear`."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

from .... import Node, layers
from ....nodes.arranged import arranged
from ....nodes.refused import Refused
from ....nodes.settled import settled
from ..tensors import arranged_of, node_of

__all__ = ["TABLE", "along", "images"]


def images(x: Any, axes: int) -> Node:
    """The node, which must have channels and so many axes of pixels."""
    node = node_of(x)
    if len(node.shape) != axes + 1:
        raise Refused(
            f"needs a batch of {'signals (N, C, L)' if axes == 1 else 'images (N, C, H, W)'}, got {x.dim()} axes"
        )
    return node


def along(axes: int, value: Any) -> Any:
    """A number or a word as it is, also for signals, whose one axis may be written as a list; a pair for images."""
    if not isinstance(value, list | tuple):
        return value
    values = tuple(value) * axes if len(value) == 1 else tuple(value)
    return values[0] if axes == 1 else values


def conv(
    axes: int,
    trace: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """`conv1d` and `conv2d`: weight (K, C / groups, kh, kw)."""
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    options = {**{name: along(axes, value) for name, value in window.items()}, "groups": groups}
    kind: Any = layers.Conv2D if axes == 2 else layers.Conv1D
    kernel = along(axes, tuple(weight.shape[2:]))
    make = partial(kind, weight.shape[0], kernel, **options, bias=bias is not None)
    return trace.layer(make, images(x, axes), weight=weight, bias=bias)


def conv_transpose(
    axes: int,
    trace: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """`conv_transpose1d` and `conv_transpose2d`: weight (C, K / groups, kh, kw)."""
    window = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    options = {**{name: along(axes, value) for name, value in window.items()}, "groups": groups}
    kind: Any = layers.ConvTranspose2D if axes == 2 else layers.ConvTranspose1D
    kernel = along(axes, tuple(weight.shape[2:]))
    make = partial(kind, weight.shape[1] * groups, kernel, **options, bias=bias is not None)
    return trace.layer(make, images(x, axes), weight=weight, bias=bias)


def linear(trace: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """Along the last axis."""
    if weight.dim() != 2:
        raise Refused(f"its weight must be a matrix, got shape {tuple(weight.shape)}")
    make = partial(layers.Linear, weight.shape[0], bias=bias is not None)
    value = arranged_of(x)
    if len(value.shape) <= 2:
        return trace.layer(make, node_of(x), weight=weight, bias=bias)
    rows = settled(value.reshaped((prod(value.shape[:-1]), value.shape[-1])))
    return arranged(trace.layer(make, rows, weight=weight, bias=bias)).reshaped((*value.shape[:-1], weight.shape[0]))


TABLE: dict[str, Callable[..., Any]] = {
    "conv1d": partial(conv, 1),
    "conv2d": partial(conv, 2),
    "conv_transpose1d": partial(conv_transpose, 1),
    "conv_transpose2d": partial(conv_transpose, 2),
    "linear": linear,
}
