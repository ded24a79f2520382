"""Normalisation: batch, group, instance, layer and local response norm, each with its backward."""

from .batch import batch_norm, batch_norm_backward, batch_norm_backward_call, batch_norm_call, batch_norm_recompute_call
from .group import group_norm, group_norm_backward, group_norm_backward_call, group_norm_call
from .instance import instance_norm, instance_norm_backward
from .layer import layer_norm, layer_norm_backward, layer_norm_backward_call, layer_norm_call
from .local import (
    local_response_norm,
    local_response_norm_backward,
    local_response_norm_backward_call,
    local_response_norm_call,
)

__all__ = [
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_backward_call",
    "batch_norm_call",
    "batch_norm_recompute_call",
    "group_norm",
    "group_norm_backward",
    "group_norm_backward_call",
    "group_norm_call",
    "instance_norm",
    "instance_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "layer_norm_backward_call",
    "layer_norm_call",
    "local_response_norm",
    "local_response_norm_backward",
    "local_response_norm_backward_call",
    "local_response_norm_call",
]
