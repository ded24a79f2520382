"""Layers with a matrix or filters: convolutions, also transposed, and `linear`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .... import Node, layers
from ....nodes.refused import Refused
from ....nodes.settled import of_rows
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


def windowed(
    axes: int, trace: Any, make: Callable[..., Any], x: Node, window: dict[str, Any], weight: Any, bias: Any
) -> Any:
    """The layer ``make(kernel_size, ...)`` with windows of the size of the weight's."""
    options = {name: along(axes, value) for name, value in window.items()}
    kernel = along(axes, tuple(weight.shape[2:]))
    return trace.layer(partial(make, kernel, **options, bias=bias is not None), x, weight=weight, bias=bias)


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
    kind = layers.Conv2D if axes == 2 else layers.Conv1D
    make = partial(kind, weight.shape[0], groups=groups)
    return windowed(axes, trace, make, images(x, axes), window, weight, bias)


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
    kind = layers.ConvTranspose2D if axes == 2 else layers.ConvTranspose1D
    make = partial(kind, weight.shape[1] * groups, groups=groups)
    return windowed(axes, trace, make, images(x, axes), window, weight, bias)


def linear(trace: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """Along the last axis."""
    if weight.dim() != 2:
        raise Refused(f"its weight must be a matrix, got shape {tuple(weight.shape)}")
    make = partial(layers.Linear, weight.shape[0], bias=bias is not None)
    if x.dim() <= 3:
        node_of(x)  # made once for all its readers
    return of_rows(arranged_of(x), lambda rows: trace.layer(make, rows, weight=weight, bias=bias))


TABLE: dict[str, Callable[..., Any]] = {
    "conv1d": partial(conv, 1),
    "conv2d": partial(conv, 2),
    "conv_transpose1d": partial(conv_transpose, 1),
    "conv_transpose2d": partial(conv_transpose, 2),
    "linear": linear,
}
