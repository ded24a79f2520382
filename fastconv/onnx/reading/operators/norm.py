"""Normalisations."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from .... import Layer, Node, layers
from ....nodes.arranged import Arranged, channels_moved_last
from ....nodes.settled import of_rows, settled
from ..call import Call, Weights
from ..values import Refused, Value

__all__ = ["TABLE", "normalised"]


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
    """`LayerNormalization`: over all axes from one on."""
    value = call.arranged()
    rank = len(value.shape) + 1
    (axis,) = call.axes((call.integer("axis", -1),), rank)
    weight = call.constant(1)
    weights = {"weight": (weight, call.source(1)), "bias": (call.constant(2, np.zeros(weight.shape)), call.source(2))}
    return normalised(call, value, tuple(range(axis, rank)), weights, call.number("epsilon", 1e-5))


def normalised(call: Call, value: Arranged, axes: tuple[int, ...], weights: Weights, eps: float) -> Value:
    """`LayerNorm` over these axes; without weights where there are none.

    Where the channels were only brought to the end for it, the layer normalises them where they are.
    """
    make = partial(layers.LayerNorm, eps=eps, affine=bool(weights))
    rank = len(value.shape) + 1
    if rank > 2 and axes == (rank - 1,):
        if channels_moved_last(value):
            return replace(value, node=applied(call, partial(make, axis="channels"), value.node, weights))
        return of_rows(value, lambda rows: applied(call, partial(make, axis="last"), rows, weights))
    if rank == 4 and axes == (1,):
        return applied(call, partial(make, axis="channels"), settled(value), weights)
    if axes != tuple(range(1, rank)):
        raise Refused(f"its axes {axes} must be 1 or the last, or all from 1 on")
    return applied(call, make, settled(value), weights)


def applied(call: Call, make: Callable[..., Layer], x: Node, weights: Weights) -> Node:
    """The node of a layer with these arrays, or without any."""
    return call.trained(make, x, weights) if weights else make()(x)


TABLE = {
    "LayerNormalization": layer_norm,
    "BatchNormalization": batch_norm,
    "LRN": local_response_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
}
