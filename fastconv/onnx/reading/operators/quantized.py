"""Quantized networks, computed in floats: what is rounded to 8 bits there is only kept within the bounds of 8 bits."""

import numpy as np

from .... import Node
from ..call import Call
from ..values import Refused
from .activation import between

__all__ = ["TABLE"]


def quantize(call: Call) -> Node:
    """`QuantizeLinear` of what is computed from the images: bounds, without the rounding."""
    x, scale = call.node(0), call.constant(1)
    zero = call.constant(2, np.zeros((), np.uint8))
    if scale.size != 1 or zero.size != 1 or zero.dtype.kind not in "iu" or not scale.item() > 0:
        raise Refused("it needs one scale > 0 and one zero point, an integer, for all channels")
    bounds, step = np.iinfo(zero.dtype), float(scale.item())
    low, high = ((bound - int(zero.item())) * step for bound in (bounds.min, bounds.max))
    return between(x, low, high)


TABLE = {"QuantizeLinear": quantize, "DequantizeLinear": lambda call: call.node(0)}
