"""Sums, differences, products and quotients: of nodes, of nodes and constants."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from .... import Node, layers
from ....nodes.broadcast import alike, beside, multiplied
from ....nodes.pieces import affine, is_softsign, power
from ....typing import Array
from ..call import Call
from ..values import Gauss, Refused
from .norm_pieces import norm_in_pieces

__all__ = ["TABLE"]

Sides = tuple[Any, Any]


def sides(call: Call) -> Sides:
    """The two inputs: a node, or an array as `beside` gives it."""
    found = [call.value(place) for place in (0, 1)]
    if all(isinstance(each, np.ndarray) for each in found):
        call.node(0)
    values = [each if isinstance(each, np.ndarray | Gauss) else call.node(i) for i, each in enumerate(found)]
    a, b = values
    if isinstance(a, np.ndarray):
        a, b = beside(a, b)
    elif isinstance(b, np.ndarray):
        b, a = beside(b, a)
    return a, b


def add(call: Call) -> Any:
    """`Add`"""
    if call.operation in call.translation.absorbed:
        return call.value(1 if isinstance(call.value(0), np.ndarray) else 0)
    return total(*sides(call))


def total(a: Any, b: Any) -> Any:
    """a + b"""
    if isinstance(a, np.ndarray):
        a, b = b, a
    if isinstance(b, np.ndarray):
        return replace(a, shift=a.shift + b.item()) if isinstance(a, Gauss) else affine(a, 1.0, b)
    both = alike(a, b)
    return both[0] + both[1]


def subtract(call: Call) -> Any:
    """`Sub`"""
    a, b = sides(call)
    return total(a, np.asarray(-b) if isinstance(b, np.ndarray) else times(b, np.asarray(-1.0)))


def times(a: Any, factor: Array) -> Any:
    """A node, or what was made of one by `Erf`, times a constant."""
    if isinstance(a, Gauss):
        return replace(a, factor=a.factor * factor.item(), shift=a.shift * factor.item())
    return affine(a, factor, 0.0)


def multiply(call: Call) -> Any:
    """`Mul`; a factor for each channel that is an array of the file is trained."""
    if call.operation in call.translation.absorbed:
        return call.value(1 if isinstance(call.value(0), np.ndarray) else 0)
    a, b = sides(call)
    place = 1 if isinstance(b, np.ndarray) else 0
    if isinstance(a, np.ndarray):
        a, b = b, a
    if not isinstance(b, np.ndarray):
        return gated(a, b) if isinstance(a, Gauss) or isinstance(b, Gauss) else multiplied(a, b)
    if b.ndim == 1 and call.source(place) in call.translation.graph.arrays and isinstance(a, Node):
        return call.trained(layers.ChannelScale, a, {"weight": (b, call.source(place))})
    return times(a, b)


def gated(a: Any, b: Any) -> Node:
    """s x times f (1 + erf(x / sqrt 2)), which is 2 s f GELU(x)"""
    gauss, other = (a, b) if isinstance(a, Gauss) else (b, a)
    scale: Any = None
    if isinstance(other, Node) and isinstance(gauss, Gauss) and gauss.factor == gauss.shift:
        if other is gauss.x:
            scale = 1.0
        elif isinstance(other.layer, layers.Affine) and other.inputs[0] is gauss.x and other.layer.shift == 0:
            scale = other.layer.scale
    if not isinstance(scale, float):
        raise Refused("it is a product with Erf that is not GELU")
    return affine(layers.GELU()(gauss.x), 2 * scale * gauss.factor, 0.0)


def divide(call: Call) -> Any:
    """`Div`"""
    norm = norm_in_pieces(call)
    if norm is not None:
        return norm
    a, b = sides(call)
    if is_softsign(a, b):
        return layers.Softsign()(a)
    if isinstance(b, np.ndarray):
        if not np.all(b):
            raise Refused("it divides by a constant that is 0")
        return times(a, np.asarray(1 / b))
    if not isinstance(b, Node) or isinstance(a, Gauss):
        raise Refused("it is a quotient with Erf")
    inverse = layers.Reciprocal()(b)
    return times(inverse, a) if isinstance(a, np.ndarray) else multiplied(a, inverse)


def erf(call: Call) -> Gauss:
    """`Erf`, as a part of GELU: x / sqrt 2 is what it reads."""
    return Gauss(affine(call.node(0), sqrt(2), 0.0), 1.0, 0.0)


def raised(call: Call) -> Node:
    """`Pow`: small whole powers as products, roots and their inverses."""
    x, array = call.node(0), call.constant(1)
    exponent = float(array.item()) if array.size == 1 else 0.0
    if abs(exponent) not in (0.5, 1, 2, 3, 4):
        raise Refused("its exponent must be 0.5, 1, 2, 3 or 4, or one of these with a minus")
    y = layers.Sqrt()(x) if abs(exponent) == 0.5 else power(x, int(abs(exponent)))
    return y if exponent > 0 else layers.Reciprocal()(y)


def several(call: Call) -> Any:
    """`Sum`: of any number of nodes and constants."""
    values = [call.value(i) if isinstance(call.value(i), np.ndarray) else call.node(i) for i in range(len(call.values))]
    node = next((each for each in values if isinstance(each, Node)), None) or call.node(0)
    found: Any = node
    left = [each for each in values if each is not node] + [node] * (sum(each is node for each in values) - 1)
    for each in left:
        found = total(*beside(each, found)) if isinstance(each, np.ndarray) else total(found, each)
    return found


def mean(call: Call) -> Any:
    """`Mean`: of any number of nodes."""
    return times(several(call), np.asarray(1 / len(call.values)))


def absolute(call: Call) -> Node:
    """`Abs`: max(x, 0) + max(-x, 0)"""
    x = call.node(0)
    return layers.ReLU()(x) + layers.ReLU()(affine(x, -1.0, 0.0))


TABLE: dict[str, Callable[[Call], Any]] = {
    "Add": add,
    "Sum": several,
    "Mean": mean,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Sqrt": lambda call: layers.Sqrt()(call.node(0)),
    "Reciprocal": lambda call: layers.Reciprocal()(call.node(0)),
    "Exp": lambda call: layers.Exp()(call.node(0)),
    "Neg": lambda call: affine(call.node(0), -1.0, 0.0),
    "Abs": absolute,
    "Erf": erf,
    "Pow": raised,
}
