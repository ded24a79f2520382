"""Layers that files hold in pieces: found while the pieces are put together.

x sigmoid(x) is SiLU, x hard_sigmoid(x) is HardSwish, min(max(x + 3, 0), 6) / 6 is HardSigmoid.
"""

from typing import Any

import numpy as np

from .. import layers
from ..graph import Layer, Node
from ..typing import Array

__all__ = ["affine", "is_softsign", "power", "product"]

CLOSE = 1e-6  # numbers that float32 rounds, such as 1 / sqrt 2


def affine(x: Node, factor: float | Array, summand: float | Array) -> Node:
    """factor x + summand; one step with numbers, or numbers for each channel, before it; none where nothing changes."""
    scale, shift = np.asarray(factor, np.float64), np.asarray(summand, np.float64)
    before = of(x, layers.Affine)
    axes = 0 if before is None else max(np.ndim(x.layer.scale), np.ndim(x.layer.shift))
    if before is not None and (axes == 0 or max(axes, scale.ndim, shift.ndim) == 1):
        shift, scale, x = np.asarray(scale * x.layer.shift + shift), np.asarray(scale * x.layer.scale), before
    elif before is not None and np.all(scale == 1) and not np.any(x.layer.shift):
        scale, x = np.asarray(x.layer.scale, np.float64), before
    if near(scale, 1) and not shift.any():
        return x
    if near(scale, 1 / 6) and not shift.any():
        found = of(x, layers.ReLU6)
        inner = None if found is None else of(found, layers.Affine)
        if inner is not None and found is not None and near(found.layer.scale, 1) and near(found.layer.shift, 3):
            return layers.HardSigmoid()(inner)
        if x.kind == "multiply" and x.inputs[0].shape == x.inputs[1].shape:  # x min(max(x + 3, 0), 6), not yet / 6
            for a, b in (x.inputs, x.inputs[::-1]):
                gate = affine(b, 1 / 6, 0.0) if of(b, layers.ReLU6) is not None else b
                if of(gate, layers.HardSigmoid) is a:
                    return layers.HardSwish()(a)
    return layers.Affine(value_of(scale), value_of(shift))(x)


def near(value: Any, number: float) -> bool:
    """Whether a number, or all numbers of an array, are the number up to rounding."""
    return bool(np.all(np.abs(np.asarray(value) - number) < CLOSE))


def value_of(array: Array) -> Any:
    """A number, one for each channel, or an array."""
    return array.item() if array.size == 1 else tuple(array.tolist()) if array.ndim == 1 else array


def of(node: Node, kind: type[Layer]) -> Node | None:
    """What the node is made from by a layer of this class; None where it is made otherwise."""
    return node.inputs[0] if type(node.layer) is kind else None


def is_softsign(x: Any, divisor: Any) -> bool:
    """Whether the divisor is 1 + |x|, where |x| is the sum of two ReLUs."""
    if not (isinstance(divisor, Node) and isinstance(divisor.layer, layers.Affine)):
        return False
    size = divisor.inputs[0]
    if not (near(divisor.layer.scale, 1) and near(divisor.layer.shift, 1) and size.kind == "add"):
        return False
    above, below = (of(each, layers.ReLU) for each in size.inputs)
    minus = None if below is None else of(below, layers.Affine)
    return above is x is minus and below is not None and near(below.layer.scale, -1) and near(below.layer.shift, 0)


def power(x: Node, exponent: int) -> Node:
    """x**exponent, for small whole exponents above 0, as products."""
    y = x
    for _ in range(exponent - 1):
        y = y * x
    return y


def product(a: Node, b: Node) -> Node:
    """a * b, or the layer that it is."""
    for x, gate in ((a, b), (b, a)):
        if of(gate, layers.Sigmoid) is x:
            return layers.SiLU()(x)
        if of(gate, layers.HardSigmoid) is x:
            return layers.HardSwish()(x)
        inner = of(gate, layers.Tanh)
        if inner is not None and of(inner, layers.Softplus) is x:
            return layers.Mish()(x)
    return a * b
