"""Rearranged values as layers: nothing where the order stays, otherwise the layer with the field's name, or a few."""

from math import prod

from ... import Node, layers
from ...typing import Shape
from .arranged import Arranged, simplest
from .values import Refused

__all__ = ["reshaped", "settled"]

MOST_AXES = 3  # of one image


def settled(value: Arranged) -> Node:
    """The node with these values."""
    if len(value.shape) > MOST_AXES or not value.shape:
        raise Refused(
            f"a value of shape (N, {', '.join(map(str, value.shape))}) must have 1 to {MOST_AXES} axes behind N"
        )
    _, order = simplest(value)
    if order == tuple(range(len(order))):
        return reshaped(value.node, value.shape)
    raise Refused("not yet")


def reshaped(node: Node, shape: Shape) -> Node:
    """The values of a node in the same order, as this shape."""
    if node.shape == shape:
        return node
    if shape == (prod(node.shape),):
        return layers.Flatten()(node)
    raise Refused("not yet")
