"""Rearranged values as layers: nothing where the order stays, otherwise `Reshape` and `Permute`, as few as it takes."""

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
        shape = ", ".join(["N", *map(str, value.shape)])
        raise Refused(f"a value of shape ({shape}) must have 1 to {MOST_AXES} axes behind N")
    split, order = simplest(value)
    if order == tuple(range(len(order))):
        return reshaped(value.node, value.shape)
    if len(split) <= MOST_AXES:
        return reshaped(layers.Permute(order)(reshaped(value.node, split)), value.shape)
    return reshaped(in_steps(value.node, split, order), value.shape)


def in_steps(x: Node, split: Shape, order: tuple[int, ...]) -> Node:
    """More axes than a node has: one after another is brought to the front, the last of `order` first."""
    stays = len(order)
    while order[stays - 1] == stays - 1:
        stays -= 1
    now = list(range(len(split)))
    for axis in reversed(order[:stays]):
        place = now.index(axis)
        if place:
            before, after = (prod(split[i] for i in part) for part in (now[:place], now[place + 1 :]))
            x = layers.Permute((1, 0, 2))(reshaped(x, (before, split[axis], after)))
            now.insert(0, now.pop(place))
    return x


def reshaped(node: Node, shape: Shape) -> Node:
    """The values of a node in the same order, as this shape."""
    if node.shape == shape:
        return node
    return layers.Flatten()(node) if len(shape) == 1 else layers.Reshape(shape)(node)
