"""Convolutions and the dense layer: Conv, ConvTranspose, Gemm."""

from typing import Any

from .part import Part

__all__ = ["conv", "conv_transpose", "linear", "separable"]


def window(g: Any) -> dict[str, Any]:
    """The attributes of a geometry."""
    pads = [g.top, g.left, g.bottom, g.right]
    return {"kernel_shape": [g.kh, g.kw], "strides": [g.sh, g.sw], "pads": pads, "dilations": [g.dh, g.dw]}


def conv(layer: Any, part: Part) -> str:
    """Conv2D, DepthwiseConv2D; filters that are rotated are stored as they slide over x."""
    g = layer.geometry((1, *part.x_shape))
    weight = part.parameter("weight", layer.turned(part.arrays["weight"]))
    return part.add("Conv", part.x, weight, *part.bias(), group=g.groups, **window(g))


def separable(layer: Any, part: Part) -> str:
    """A depth-wise convolution, then one of 1 x 1 pixels."""
    first, second = layer.geometries((1, *part.x_shape))
    maps = part.add("Conv", part.x, part.parameter("filters"), group=first.groups, **window(first))
    return part.add("Conv", maps, part.parameter("weight"), *part.bias(), **window(second))


def conv_transpose(layer: Any, part: Part) -> str:
    """ConvTranspose2D; its geometry is that of the convolution from y to x.

    The rows of an `output_padding` that is no smaller than the stride, which few programs take, come from rows of
    zeros after x.
    """
    g = layer.geometry((1, *part.x_shape))
    rows = beyond(g.OH, g.kh, layer.stride[0], g.dh, (g.top, g.bottom), g.H)
    columns = beyond(g.OW, g.kw, layer.stride[1], g.dw, (g.left, g.right), g.W)
    (below, bottom, more_rows), (after, right, more_columns) = rows, columns
    x = part.x
    if below or after:
        x = part.add("Pad", x, part.integers(0, 0, 0, 0, 0, 0, below, after))
    pads = {"pads": [g.top, g.left, bottom, right], "output_padding": [more_rows, more_columns]}
    attributes = window(g) | {"strides": list(layer.stride)} | pads
    return part.add("ConvTranspose", x, part.parameter("weight"), *part.bias(), group=g.groups, **attributes)


def beyond(size: int, kernel: int, stride: int, dilation: int, cut: tuple[int, int], out: int) -> tuple[int, int, int]:
    """Along one axis: zeros after x, the padding that is cut off at the end, and the output padding."""
    before, end = cut
    extra = out + before + end - ((size - 1) * stride + dilation * (kernel - 1) + 1)
    if extra < stride:
        return 0, end, extra
    zeros = -(-max(extra - end, 0) // stride)
    return zeros, end + zeros * stride - extra, 0


def linear(layer: Any, part: Part) -> str:
    """y = x W^T + b by Gemm; for each token by MatMul, which reads W^T"""
    if len(part.x_shape) == 1:
        return part.add("Gemm", part.x, part.parameter("weight"), *part.bias(), transB=1)
    y = part.add("MatMul", part.x, part.parameter("weight", part.arrays["weight"].T))
    return part.add("Add", y, *part.bias()) if part.bias() else y
