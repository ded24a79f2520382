"""Quantized networks, computed in floats: what is rounded to 8 bits there is only kept within the bounds of 8 bits."""

import numpy as np

from .... import Node
from ....nodes.bounded import between
from ....nodes.pieces import affine
from ..call import Call
from ..values import Quantized, Refused

__all__ = ["TABLE"]


def quantize(call: Call) -> Quantized:
    """`QuantizeLinear` of what is computed from the images: bounds, without the rounding."""
    x, scale = call.node(0), call.constant(1)
    zero = call.constant(2, np.zeros((), np.uint8))
    if scale.size != 1 or zero.size != 1 or zero.dtype.kind not in "iu" or not scale.item() > 0:
        raise Refused("it needs one scale > 0 and one zero point, an integer, for all channels")
    bounds, step = np.iinfo(zero.dtype), float(scale.item())
    low, high = ((bound - int(zero.item())) * step for bound in (bounds.min, bounds.max))
    return Quantized(between(x, low, high), step, int(zero.item()))


def dequantize(call: Call) -> Node:
    """`DequantizeLinear` of what was quantized: floats again."""
    value, scale = call.value(0), call.constant(1)
    zero = call.constant(2, np.zeros(()))
    if not isinstance(value, Quantized) or scale.size != 1 or zero.size != 1:
        raise Refused("it needs the result of QuantizeLinear, and one scale and one zero point for all channels")
    step = float(scale.item())
    return affine(value.x, step / value.scale, step * (value.zero - int(zero.item())))


TABLE = {"QuantizeLinear": quantize, "DequantizeLinear": dequantize}
