"""Normalisations."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from .... import Node, layers
from ....nodes.arranged import channels_moved_last
from ....nodes.refused import Refused
from ....nodes.settled import reshaped
from ..tensors import arranged_of, node_of
from .axes import axis_of

__all__ = ["TABLE"]


def affine(weight: Any, bias: Any) -> bool:
    """Whether there are a weight and a bias."""
    if (weight is None) != (bias is None):
        raise Refused("it has a weight or a bias alone; fastconv's has both, or none")
    return weight is not None


def batch_norm(
    trace: Any,
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """By the batch in training, by running statistics in prediction."""
    part = trace.places.part
    if running_mean is None or getattr(part, "momentum", 0.1) is None:
        raise Refused("it is without running statistics, or has momentum=None")
    if trace.module.training and not training:
        raise Refused("it is in eval mode, the module in training mode; module.eval() makes all alike")
    counter = getattr(part, "num_batches_tracked", None)
    make = partial(layers.BatchNorm, eps=eps, momentum=momentum, affine=affine(weight, bias))
    running = {"running_mean": running_mean, "running_var": running_var, "num_batches_tracked": counter}
    return trace.layer(make, node_of(x), weight=weight, bias=bias, **running)


def instance_norm(
    trace: Any,
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
) -> Any:
    """By each image."""
    if not use_input_stats or running_mean is not None:
        raise Refused("it has running statistics")
    make = partial(layers.InstanceNorm, eps=eps, affine=affine(weight, bias))
    return trace.layer(make, node_of(x), weight=weight, bias=bias)


def group_norm(trace: Any, x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """By groups of channels."""
    make = partial(layers.GroupNorm, num_groups, eps=eps, affine=affine(weight, bias))
    return trace.layer(make, node_of(x), weight=weight, bias=bias)


def layer_norm(
    trace: Any, x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any
) -> Any:
    """Over whole images, or over the last axis; channels that were only brought there stay where they are."""
    value, shape = arranged_of(x), tuple(normalized_shape)
    make = partial(layers.LayerNorm, eps=eps, affine=affine(weight, bias))
    if shape == value.shape:
        return trace.layer(make, node_of(x), weight=weight, bias=bias)
    if len(shape) > 1:
        raise Refused(f"its normalized_shape {shape} must be the last axis, or all of {value.shape}")
    if channels_moved_last(value):
        return replace(value, node=trace.layer(partial(make, axis="channels"), value.node, weight=weight, bias=bias))
    return trace.layer(partial(make, axis="last"), node_of(x), weight=weight, bias=bias)


def local_response_norm(trace: Any, x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Node:
    """By the channels close by."""
    return layers.LocalResponseNorm(size, alpha, beta, k)(node_of(x))


def normalize(trace: Any, x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """x / |x| along the channels: a local response norm whose windows hold all of them."""
    node = node_of(x)
    if p != 2 or axis_of(x, dim) != 0:
        raise Refused(f"its p must be 2 and its dim the channels, got p={p} and dim={dim}")
    size = 2 * node.shape[0] - 1
    images = reshaped(node, (*node.shape, *(1,) * (3 - len(node.shape))))
    return reshaped(layers.LocalResponseNorm(size, float(size), 0.5, eps**2)(images), node.shape)


TABLE: dict[str, Callable[..., Any]] = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "local_response_norm": local_response_norm,
    "normalize": normalize,
}
