"""Rearranged values as layers: nothing where the order stays, otherwise `Reshape` and `Permute`, as few as it takes."""

from collections.abc import Callable
from dataclasses import replace
from math import prod

from .. import layers
from ..graph import Layer, Node
from ..typing import Shape
from .arranged import Arranged, arranged, simplest
from .refused import Refused

__all__ = ["MOST_AXES", "of_own_node", "of_rows", "reshaped", "settled"]

MOST_AXES = 3  # of one image


def settled(value: Arranged) -> Node:
    """The node with these values."""
    if value.place:
        raise Refused(f"the axis of the images of a value is axis {value.place}, it must be the first")
    if len(value.shape) > MOST_AXES or not value.shape:
        shape = ", ".join(["N", *map(str, value.shape)])
        raise Refused(f"a value of shape ({shape}) must have 1 to {MOST_AXES} axes behind N")
    split, order = simplest(value)
    if order == tuple(range(len(order))):
        return reshaped(value.node, value.shape)
    layer = shuffle(value, split, order)
    if layer is not None:
        return layer(value.node)
    if len(split) <= MOST_AXES:
        return reshaped(layers.Permute(order)(reshaped(value.node, split)), value.shape)
    return reshaped(in_steps(value.node, split, order), value.shape)


def of_rows(value: Arranged, function: Callable[[Node], Node]) -> Node | Arranged:
    """A function of the rows of the last axis: more axes than (rows, features) are rows meanwhile."""
    if len(value.shape) <= 2:
        return function(settled(value))
    y = function(settled(value.reshaped((prod(value.shape[:-1]), value.shape[-1]))))
    return arranged(y).reshaped((*value.shape[:-1], y.shape[-1]))


def of_own_node(value: Arranged) -> Arranged:
    """The same values, of a node that has them in their order."""
    few = value.shape if 1 <= len(value.shape) <= MOST_AXES else (prod(value.shape),)
    return replace(arranged(settled(value.reshaped(few))).reshaped(value.shape), place=value.place)


def shuffle(value: Arranged, split: Shape, order: tuple[int, ...]) -> Layer | None:
    """The layer of the field that exchanges the axes so, if there is one."""
    x, y = value.node.shape, value.shape
    if len(x) != 3 or len(y) != 3:
        return None
    if order == (1, 0, 2) and x == y and split[2] == x[1] * x[2]:
        return layers.ChannelShuffle(split[0])
    r, up = max(y[1] // x[1], x[1] // y[1]), y[1] > x[1]
    large, small = (y, x) if up else (x, y)
    if r < 2 or (small[0], small[1] * r, small[2] * r) != (large[0] * r * r, *large[1:]):
        return None
    for mode in ("CRD", "DCR"):
        if simplest(shuffled(value.node, r, up, mode)) == (split, order):
            return layers.PixelShuffle(r, mode=mode) if up else layers.PixelUnshuffle(r, mode=mode)
    return None


def shuffled(node: Node, r: int, up: bool, mode: str) -> Arranged:
    """What `PixelShuffle` (up) and `PixelUnshuffle` make of a node."""
    c, h, w = node.shape
    if up:
        c //= r * r
        split, order = ((c, r, r, h, w), (0, 3, 1, 4, 2)) if mode == "CRD" else ((r, r, c, h, w), (2, 3, 0, 4, 1))
    else:
        split, order = (c, h // r, r, w // r, r), (0, 2, 4, 1, 3) if mode == "CRD" else (2, 4, 0, 1, 3)
    return Arranged(node, split, order, tuple(split[axis] for axis in order))


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
