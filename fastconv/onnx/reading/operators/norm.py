"""Normalisations."""

from dataclasses import replace
from functools import partial

import numpy as np

from .... import Node, layers
from ....nodes.arranged import simplest
from ..call import Call
from ..values import Refused, Value

__all__ = ["TABLE"]


def batch_norm(call: Call) -> Node:
    """`BatchNormalization`: a layer that trains on; `momentum` is the weight of the old statistics there."""
    x = call.node(0)
    slots = "weight", "bias", "running_mean", "running_var"
    weights = {slot: (call.constant(i), call.source(i)) for i, slot in enumerate(slots, 1)}
    if not call.flag("spatial", True):
        raise Refused("its spatial=0 has statistics for each pixel")
    if call.flag("training_mode"):
        raise Refused("its training_mode=1 is that of training; export the model for prediction, fastconv can train it")
    momentum = 1 - call.number("momentum", 0.9)
    make = partial(layers.BatchNorm, eps=call.number("epsilon", 1e-5), momentum=min(max(momentum, 0.0), 1.0))
    return call.trained(make, x, weights)


def local_response_norm(call: Call) -> Node:
    """`LRN`"""
    size = call.integer("size")
    if size is None or size % 2 == 0:
        raise Refused(f"its size must be odd, got {size}")
    numbers = (call.number(name, default) for name, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return layers.LocalResponseNorm(size, *numbers)(call.node(0))


def scale_and_shift(call: Call) -> dict[str, tuple[np.ndarray, str | None]]:
    """Weight and bias, the second and third input."""
    return {slot: (call.constant(i), call.source(i)) for i, slot in ((1, "weight"), (2, "bias"))}


def instance_norm(call: Call) -> Node:
    """`InstanceNormalization`"""
    make = partial(layers.InstanceNorm, affine=True, eps=call.number("epsilon", 1e-5))
    return call.trained(make, call.node(0), scale_and_shift(call))


def group_norm(call: Call) -> Node:
    """`GroupNormalization`: before opset 21 with one scale per group."""
    x, groups = call.node(0), call.integer("num_groups", 1)
    weights = scale_and_shift(call)
    if call.opset < 21 and groups >= 1 and x.shape[0] % groups == 0:
        weights = {slot: (np.repeat(a, x.shape[0] // groups), name) for slot, (a, name) in weights.items()}
    return call.trained(partial(layers.GroupNorm, groups, eps=call.number("epsilon", 1e-5)), x, weights)


def layer_norm(call: Call) -> Value:
    """`LayerNormalization`: over the last axis, or over all but that of the images.

    Where the channels were only brought to the end for it, the layer normalises them where they are.
    """
    value = call.arranged()
    (axis,) = call.axes((call.integer("axis", -1),), len(value.shape) + 1)
    weight = call.constant(1)
    bias = call.constant(2, np.zeros(weight.shape))
    weights = {"weight": (weight, call.source(1)), "bias": (bias, call.source(2))}
    make = partial(layers.LayerNorm, eps=call.number("epsilon", 1e-5))
    if axis == len(value.shape):
        split, order = simplest(value)
        if order == (1, 0) and value.shape[-1] == split[0] == value.node.shape[0]:
            return replace(value, node=call.trained(partial(make, axis="channels"), value.node, weights))
        return call.trained(partial(make, axis="last"), call.node(0), weights)
    if axis != 1:
        raise Refused(f"its axis {axis} must be 1 or the last")
    return call.trained(make, call.node(0), weights)


TABLE = {
    "LayerNormalization": layer_norm,
    "BatchNormalization": batch_norm,
    "LRN": local_response_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
}
