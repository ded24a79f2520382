"""Convolutions, also transposed: `Conv`, `ConvTranspose`."""

from functools import partial
from typing import Any

from .... import Node, layers
from ..call import Call, Weights
from ..padding import pads_of, windows_of
from ..values import Refused

__all__ = ["TABLE", "weights_of"]


def conv(call: Call) -> Node:
    """`Conv`: weight (K, C / groups, kh, kw)."""
    x, weight = call.node(0), call.constant(1)
    kernel = kernel_of(call, x, weight.ndim - 2, weight.shape[2:])
    strides, dilations = windows_of(call, kernel)
    padding = pads_of(call, x.shape[1:], kernel)
    window = {"kernel_size": kernel, "stride": strides, "padding": padding, "dilation": dilations}
    weights = weights_of(call, weight.shape[0])
    options = {"groups": call.integer("group", 1), "bias": "bias" in weights, "init": "zeros", **along(window)}
    make = partial(layers.Conv2D if len(kernel) == 2 else layers.Conv1D, weight.shape[0], **options)
    return call.trained(make, x, weights)


def conv_transpose(call: Call) -> Node:
    """`ConvTranspose`: weight (C, K / groups, kh, kw)."""
    x, weight, groups = call.node(0), call.constant(1), call.integer("group", 1)
    kernel = kernel_of(call, x, weight.ndim - 2, weight.shape[2:])
    strides, dilations = windows_of(call, kernel)
    extra = call.integers("output_padding", (0,) * len(kernel))
    padding, extra = cut_off(call, x.shape[1:], kernel, extra)
    window = {"kernel_size": kernel, "stride": strides, "padding": padding, "output_padding": extra}
    channels = weight.shape[1] * groups
    weights = weights_of(call, channels)
    options = {"groups": groups, "bias": "bias" in weights, "init": "zeros", **along({**window, "dilation": dilations})}
    make = partial(layers.ConvTranspose2D if len(kernel) == 2 else layers.ConvTranspose1D, channels, **options)
    return call.trained(make, x, weights)


def along(window: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """The numbers of a window; for signals (C, L) those of their axis alone."""
    return {name: values[0] if len(values) == 1 else values for name, values in window.items()}


def weights_of(call: Call, channels: int) -> Weights:
    """Weight and bias, the second and third input; or the bias is added after it."""
    weight, axes = call.constant(1), call.constant(1).ndim - 2
    bias = {"bias": (call.constant(2), call.source(2))} if call.has(2) else call.bias(channels, axes)
    return {"weight": (weight, call.source(1)), **bias}


def kernel_of(call: Call, x: Node, axes: int, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The size of the kernel, which must be that of its weight and have an axis for each of the image's."""
    if call.integers("kernel_shape", kernel) != kernel:
        raise Refused(f"its kernel_shape {call.integers('kernel_shape')} is not that of its weight, {kernel}")
    if axes != len(x.shape) - 1:
        raise Refused(f"its weight has {axes} axes for a kernel, its input {len(x.shape) - 1} axes of pixels")
    if axes not in (1, 2):
        raise Refused(f"fastconv has no convolution over {axes} axes")
    return kernel


def cut_off(
    call: Call, extents: tuple[int, ...], kernel: tuple[int, ...], extra: tuple[int, ...]
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """(padding, output_padding) of a transposed convolution, which `output_shape` may give instead of pads."""
    strides, dilations = windows_of(call, kernel)
    wanted = call.integers("output_shape")
    mode = call.text("auto_pad", "NOTSET") or "NOTSET"
    if wanted is None and mode.startswith("SAME"):
        wanted = tuple(n * s for n, s in zip(extents, strides, strict=True))
    if wanted is None:
        return pads_of(call, extents, kernel), extra
    found, more = [], []
    for n, k, s, d, e, w in zip(extents, kernel, strides, dilations, extra, wanted[-len(kernel) :], strict=True):
        total = s * (n - 1) + e + d * (k - 1) + 1 - w
        more.append(e + max(-total, 0))
        small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
        found.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return tuple(found), tuple(more)


TABLE = {"Conv": conv, "ConvTranspose": conv_transpose}
