"""Values within bounds, and probabilities along any axis."""

from math import prod

import numpy as np

from .. import layers
from ..graph import Node
from .arranged import Arranged, arranged
from .refused import Refused
from .settled import MOST_AXES, settled

__all__ = ["between", "softmax_along"]


def between(x: Node, low: float, high: float) -> Node:
    """min(max(x, low), high)"""
    if not low < high:
        raise Refused(f"its bounds {low} and {high} leave nothing between them")
    if (low, high) == (-np.inf, np.inf):
        return x
    if low == 0 and high in (6, np.inf):
        return layers.ReLU6()(x) if high == 6 else layers.ReLU()(x)
    return layers.Hardtanh(low, high)(x)


def softmax_along(x: Arranged, axis: int, kind: type[layers.Softmax] | type[layers.LogSoftmax]) -> Arranged:
    """`Softmax` or `LogSoftmax` along an axis of one image."""
    shape = x.shape
    if len(shape) > MOST_AXES:
        after = shape[axis + 1 :]
        shape, axis = (prod(shape[:axis]), shape[axis], *((prod(after),) if after else ())), 1
    return arranged(kind(axis=axis)(settled(x.reshaped(shape)))).reshaped(x.shape)
