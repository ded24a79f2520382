"""Functions of each value, and softmax."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from .... import Node, layers
from ....nodes.bounded import between, softmax_along
from ....nodes.pieces import affine, product
from ..call import Call
from ..values import Refused, Value

__all__ = ["TABLE"]


def prelu(call: Call) -> Node:
    """`PRelu`: one slope, or one per channel."""
    x, slope = call.node(0), call.constant(1)
    lone = slope.size == 1
    per_channel = slope.size == x.shape[0] and slope.shape in channel_shapes(len(x.shape), x.shape[0])
    if not lone and not per_channel:
        raise Refused(f"its slope of shape {slope.shape} is neither one number nor one per channel of (N, {x.shape})")
    make = partial(layers.PReLU, shared=lone)
    return call.trained(make, x, {"weight": (slope.reshape(-1), call.source(1))})


def channel_shapes(axes: int, channels: int) -> set[tuple[int, ...]]:
    """The shapes that one number per channel may have beside a node with these axes."""
    shape = (channels,) + (1,) * (axes - 1)
    return {shape, (1, *shape)}


def hard_sigmoid(call: Call) -> Node:
    """`HardSigmoid`: max(0, min(1, alpha x + beta)); the layer has alpha = 1/6 and beta = 1/2."""
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    x = call.node(0)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return layers.HardSigmoid()(x)
    return between(affine(x, alpha, beta), 0.0, 1.0)


def softmax(call: Call, kind: type[layers.Softmax] | type[layers.LogSoftmax]) -> Value:
    """`Softmax` and `LogSoftmax`: over one axis, before opset 13 over all axes from one on."""
    x, last = call.arranged(), call.opset < 13
    (axis,) = call.axes((call.integer("axis", 1 if last else -1),), len(x.shape) + 1)
    if axis == 0:
        raise Refused("its axis 0 mixes the images of a batch")
    if last and axis < len(x.shape):
        rows = x.reshaped((*x.shape[: axis - 1], prod(x.shape[axis - 1 :])))
        return softmax_along(rows, axis - 1, kind).reshaped(x.shape)
    return softmax_along(x, axis - 1, kind)


def clip(call: Call) -> Node:
    """`Clip`: bounds are attributes before opset 11, inputs from then on."""
    low, high = (bound(call, place, name) for place, name in ((1, "min"), (2, "max")))
    return between(call.node(0), low, high)


def bound(call: Call, place: int, name: str) -> float:
    """A bound of `Clip`, infinite where it is left out."""
    none = -np.inf if name == "min" else np.inf
    value = float(call.constant(place).item() if call.has(place) else call.number(name, none))
    return none if value * np.sign(none) > 3e38 else value  # older files write the largest float32 for none


def dropout(call: Call) -> Node:
    """`Dropout`: the identity in prediction."""
    ratio = float(call.constant(1).item()) if call.has(1) else call.number("ratio", 0.5)
    return layers.Dropout(ratio)(call.node(0))


def selu(call: Call) -> Node:
    """`Selu`: gamma times ELU; the usual numbers are the layer."""
    x, alpha, gamma = call.node(0), call.number("alpha", SELU[0]), call.number("gamma", SELU[1])
    if np.allclose((alpha, gamma), SELU, rtol=1e-6):
        return layers.SELU()(x)
    return affine(layers.ELU(alpha)(x), gamma, 0.0)


def swish(call: Call) -> Node:
    """`Swish`: x sigmoid(alpha x)"""
    x = call.node(0)
    return product(x, layers.Sigmoid()(affine(x, call.number("alpha", 1.0), 0.0)))


def extreme(call: Call, place: int) -> Node:
    """`Max` (place 0) and `Min` (1) of a node and a number."""
    values = [call.value(i) for i in range(len(call.values))]
    numbers = [each for each in values if isinstance(each, np.ndarray)]
    if len(values) != 2 or len(numbers) != 1 or numbers[0].size != 1:
        raise Refused("it must be of one node and one number")
    x = call.node(0 if isinstance(values[1], np.ndarray) else 1)
    bound = float(numbers[0].item())
    return between(x, bound, np.inf) if place == 0 else between(x, -np.inf, bound)


SELU = 1.67326319217681884765625, 1.05070102214813232421875  # alpha and gamma, as ONNX has them

TABLE: dict[str, Callable[[Call], Any]] = {
    "Relu": lambda call: layers.ReLU()(call.node(0)),
    "LeakyRelu": lambda call: layers.LeakyReLU(call.number("alpha", 0.01))(call.node(0)),
    "Elu": lambda call: layers.ELU(call.number("alpha", 1.0))(call.node(0)),
    "Sigmoid": lambda call: layers.Sigmoid()(call.node(0)),
    "Tanh": lambda call: layers.Tanh()(call.node(0)),
    "Softplus": lambda call: layers.Softplus()(call.node(0)),
    "HardSwish": lambda call: layers.HardSwish()(call.node(0)),
    "Gelu": lambda call: layers.GELU(call.text("approximate", "none"))(call.node(0)),
    "Swish": swish,
    "Selu": selu,
    "Celu": lambda call: layers.CELU(call.number("alpha", 1.0))(call.node(0)),
    "Mish": lambda call: layers.Mish()(call.node(0)),
    "Softsign": lambda call: layers.Softsign()(call.node(0)),
    "ThresholdedRelu": lambda call: layers.Threshold(call.number("alpha", 1.0), 0.0)(call.node(0)),
    "Max": lambda call: extreme(call, 0),
    "Min": lambda call: extreme(call, 1),
    "HardSigmoid": hard_sigmoid,
    "PRelu": prelu,
    "Softmax": lambda call: softmax(call, layers.Softmax),
    "LogSoftmax": lambda call: softmax(call, layers.LogSoftmax),
    "Clip": clip,
    "Dropout": dropout,
}
