"""NumPy's broadcasting between nodes, and between a node and a constant."""

from typing import Any

import numpy as np

from .. import layers
from ..graph import Node, concat
from ..ops.multiply import repeats
from ..typing import Array, Shape
from .pieces import product
from .refused import Refused, few
from .settled import reshaped

__all__ = ["alike", "beside", "expanded", "multiplied"]


def beside(array: Array, node: Any) -> tuple[Array, Any]:
    """A constant as (), (C,) or with the axes of an image, float64; the node, repeated where the constant is larger."""
    if array.size == 1 and (not isinstance(node, Node) or array.ndim <= len(node.shape) + 1):
        return np.asarray(array.reshape(()), np.float64), node
    if not isinstance(node, Node):
        raise Refused(f"its constant of shape {array.shape} must be one number")
    axes = len(node.shape)
    shape = array.shape[1:] if array.ndim == axes + 1 and array.shape[0] == 1 else array.shape
    shape = (1,) * (axes - len(shape)) + shape
    if len(shape) != axes:
        text = ", ".join(map(str, node.shape))
        raise Refused(f"its constant of shape {array.shape} is not one for each image of (N, {text})")
    node = expanded(node, np.broadcast_shapes(node.shape, shape))
    channels = shape == (node.shape[0], *(1,) * (axes - 1))
    return array.reshape(-1 if channels else shape).astype(np.float64), node


def alike(*nodes: Node) -> list[Node]:
    """The nodes with one shape, that of all of them together."""
    if len({len(node.shape) for node in nodes}) > 1:
        raise Refused(f"its inputs have other numbers of axes: {[node.shape for node in nodes]}")
    shape = np.broadcast_shapes(*(node.shape for node in nodes))
    return [expanded(node, shape) for node in nodes]


def multiplied(a: Node, b: Node) -> Node:
    """a * b, where both may be repeated"""
    fits = repeats((1, *a.shape), (1, *b.shape)) or repeats((1, *b.shape), (1, *a.shape))
    return product(*((a, b) if fits else alike(a, b)))


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
        few(shape[0])
        x = concat(*[x] * shape[0])
    if x.shape != shape:
        raise Refused(f"(N, {x.shape}) is not repeated to (N, {shape})")
    return x
