"""Functions of each value, and softmax."""

from functools import partial
from math import prod

import numpy as np

from .... import Node, layers
from ..arranged import Arranged, arranged
from ..call import Call
from ..settled import settled
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
    """`HardSigmoid`: max(0, min(1, alpha x + beta)); alpha = 1/6 and beta = 1/2 is the layer."""
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise Refused(f"its alpha={alpha} and beta={beta} must be 1/6 and 1/2")
    return layers.HardSigmoid()(call.node(0))


def softmax(call: Call, kind: type[layers.Softmax] | type[layers.LogSoftmax]) -> Value:
    """`Softmax` and `LogSoftmax`: over one axis, before opset 13 over all axes from one on."""
    x = arranged(call.value(0))
    rank = len(x.shape) + 1
    (axis,) = call.axes((call.integer("axis", -1 if call.opset >= 13 else 1),), rank)
    if axis == 0:
        raise Refused("its axis 0 mixes the images of a batch")
    if call.opset < 13:
        if axis != 1:
            raise Refused(f"its axis {axis} must be 1 in opset {call.opset}")
        y = kind()(settled(x.reshaped((prod(x.shape),))))
        return arranged(y).reshaped(x.shape)
    if axis == 1:
        return kind()(settled(x))
    last = [i for i in range(rank - 1) if i != axis - 1]
    moved = x.transposed([axis - 1, *last])
    if moved is None:
        raise Refused(f"its axis {axis} cannot be brought to the channels")
    back = np.argsort([axis - 1, *last]).tolist()
    found: Arranged | None = arranged(kind()(settled(moved))).transposed(back)
    return found


def clip(call: Call) -> Node:
    """`Clip`: bounds are attributes before opset 11, inputs from then on."""
    low, high = (bound(call, place, name) for place, name in ((1, "min"), (2, "max")))
    x = call.node(0)
    if (low, high) == (0.0, np.inf):
        return layers.ReLU()(x)
    if (low, high) == (0.0, 6.0):
        return layers.ReLU6()(x)
    raise Refused(f"its bounds {low} and {high} must be 0 and 6, or 0 and none")


def bound(call: Call, place: int, name: str) -> float:
    """A bound of `Clip`, infinite where it is left out."""
    default = -np.inf if name == "min" else np.inf
    value = call.constant(place).item() if call.has(place) else call.number(name, default)
    return float(np.clip(value, *((-np.inf, np.inf) if abs(value) < 3e38 else (default, default))))


def dropout(call: Call) -> Node:
    """`Dropout`: the identity in prediction."""
    ratio = float(call.constant(1).item()) if call.has(1) else call.number("ratio", 0.5)
    return layers.Dropout(ratio)(call.node(0))


TABLE = {
    "Relu": lambda call: layers.ReLU()(call.node(0)),
    "LeakyRelu": lambda call: layers.LeakyReLU(call.number("alpha", 0.01))(call.node(0)),
    "Elu": lambda call: layers.ELU(call.number("alpha", 1.0))(call.node(0)),
    "Sigmoid": lambda call: layers.Sigmoid()(call.node(0)),
    "Tanh": lambda call: layers.Tanh()(call.node(0)),
    "Softplus": lambda call: layers.Softplus()(call.node(0)),
    "HardSwish": lambda call: layers.HardSwish()(call.node(0)),
    "Gelu": lambda call: layers.GELU(call.text("approximate", "none"))(call.node(0)),
    "Swish": lambda call: layers.SiLU()(call.node(0)),
    "HardSigmoid": hard_sigmoid,
    "PRelu": prelu,
    "Softmax": lambda call: softmax(call, layers.Softmax),
    "LogSoftmax": lambda call: softmax(call, layers.LogSoftmax),
    "Clip": clip,
    "Dropout": dropout,
}
