"""NumPy's broadcasting between nodes, and between a node and a constant."""

import numpy as np

from .. import layers
from ..graph import Node, concat
from ..typing import Array, Shape
from .refused import Refused
from .settled import reshaped

__all__ = ["alike", "expanded", "per_channel"]


def per_channel(array: Array, node: object) -> Array:
    """A constant as () or (C,), float64; Refused where it differs along another axis than the channels."""
    if array.size == 1 and (not isinstance(node, Node) or array.ndim <= len(node.shape) + 1):
        return np.asarray(array.reshape(()), np.float64)
    if not isinstance(node, Node):
        raise Refused(f"its constant of shape {array.shape} must be one number")
    axes = len(node.shape) + 1
    shape = (1,) * (axes - array.ndim) + array.shape
    if len(shape) != axes or shape != (1, node.shape[0], *(1,) * (axes - 2)):
        text = ", ".join(map(str, node.shape))
        raise Refused(f"its constant of shape {array.shape} is neither one number nor one per channel of (N, {text})")
    return array.reshape(-1).astype(np.float64)


def alike(*nodes: Node) -> list[Node]:
    """The nodes with one shape, that of all of them together."""
    if len({len(node.shape) for node in nodes}) > 1:
        raise Refused(f"its inputs have other numbers of axes: {[node.shape for node in nodes]}")
    shape = np.broadcast_shapes(*(node.shape for node in nodes))
    return [expanded(node, shape) for node in nodes]


def expanded(x: Node, shape: Shape) -> Node:
    """The node repeated along its axes of extent 1."""
    if x.shape == shape:
        return x
    if len(shape) == 2 and x.shape[0] == shape[0]:  # (C, 1) to (C, L)
        return reshaped(expanded(reshaped(x, (shape[0], 1, 1)), (shape[0], 1, shape[1])), shape)
    if len(shape) == 3 and x.shape[1:] != shape[1:]:
        factor = tuple(new // old for new, old in zip(shape[1:], x.shape[1:], strict=True))
        x = layers.Upsample(factor)(x)
    if x.shape[0] != shape[0]:
        x = concat(*[x] * shape[0])
    if x.shape != shape:
        raise Refused(f"(N, {x.shape}) is not repeated to (N, {shape})")
    return x
