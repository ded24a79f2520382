"""Convolution and pooling of signals (N, C, L): each function is that of images (N, C, 1, L), with nothing copied."""

from .adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool1d_backward,
    adaptive_max_pool1d,
    adaptive_max_pool1d_backward,
)
from .conv import conv1d, conv1d_backward_bias, conv1d_backward_input, conv1d_backward_weight
from .global_pool import global_avg_pool1d, global_avg_pool1d_backward, global_max_pool1d, global_max_pool1d_backward
from .pool import avg_pool1d, avg_pool1d_backward, max_pool1d, max_pool1d_backward
from .transpose import (
    conv_transpose1d,
    conv_transpose1d_backward_bias,
    conv_transpose1d_backward_input,
    conv_transpose1d_backward_weight,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "conv1d",
    "conv1d_backward_bias",
    "conv1d_backward_input",
    "conv1d_backward_weight",
    "conv_transpose1d",
    "conv_transpose1d_backward_bias",
    "conv_transpose1d_backward_input",
    "conv_transpose1d_backward_weight",
    "global_avg_pool1d",
    "global_avg_pool1d_backward",
    "global_max_pool1d",
    "global_max_pool1d_backward",
    "max_pool1d",
    "max_pool1d_backward",
]
