"""Convolutions, also transposed: `Conv`, `ConvTranspose`."""

from functools import partial

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
    window = {"stride": strides, "padding": padding, "dilation": dilations, "groups": call.integer("group", 1)}
    make = partial(layers.Conv2D, weight.shape[0], kernel, bias=call.has(2), init="zeros", **window)
    return call.trained(make, x, weights_of(call))


def conv_transpose(call: Call) -> Node:
    """`ConvTranspose`: weight (C, K / groups, kh, kw)."""
    x, weight, groups = call.node(0), call.constant(1), call.integer("group", 1)
    kernel = kernel_of(call, x, weight.ndim - 2, weight.shape[2:])
    strides, dilations = windows_of(call, kernel)
    extra = call.integers("output_padding", (0,) * len(kernel))
    padding, extra = cut_off(call, x.shape[1:], kernel, extra)
    window = {"stride": strides, "padding": padding, "output_padding": extra, "dilation": dilations, "groups": groups}
    channels = weight.shape[1] * groups
    make = partial(layers.ConvTranspose2D, channels, kernel, bias=call.has(2), init="zeros", **window)
    return call.trained(make, x, weights_of(call))


def weights_of(call: Call) -> Weights:
    """Weight and bias, the second and third input."""
    bias = {"bias": (call.constant(2), call.source(2))} if call.has(2) else {}
    return {"weight": (call.constant(1), call.source(1)), **bias}


def kernel_of(call: Call, x: Node, axes: int, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The size of the kernel, which must be that of its weight and have an axis for each of the image's."""
    if call.integers("kernel_shape", kernel) != kernel:
        raise Refused(f"its kernel_shape {call.integers('kernel_shape')} is not that of its weight, {kernel}")
    if axes != len(x.shape) - 1:
        raise Refused(f"its weight has {axes} axes for a kernel, its input {len(x.shape) - 1} axes of pixels")
    if axes != 2:
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
