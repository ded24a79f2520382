"""Values within bounds, and probabilities along any axis."""

import numpy as np

from .. import layers
from ..graph import Node
from .arranged import Arranged, arranged
from .refused import Refused
from .settled import settled

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


def softmax_along(x: Arranged, axis: int, kind: type[layers.Softmax] | type[layers.LogSoftmax]) -> Node | Arranged:
    """`Softmax` or `LogSoftmax` along an axis of one image."""
    if axis == 0:
        return kind()(settled(x))
    moved = x.transposed([axis, *(i for i in range(len(x.shape)) if i != axis)])
    if moved is None:
        raise Refused(f"its axis {axis + 1} cannot be brought to the channels")
    back = np.argsort([axis, *(i for i in range(len(x.shape)) if i != axis)]).tolist()
    found = arranged(kind()(settled(moved))).transposed(back)
    if found is None:
        raise Refused(f"its axis {axis + 1} cannot be brought back")
    return found
