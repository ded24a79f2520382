"""Convolution: plain, transposed and true, each with its gradients; and weights packed for one of its paths."""

from .conv import conv2d
from .convolve import convolve2d, convolve2d_backward_input, convolve2d_backward_weight, rot180
from .gradients import conv2d_backward_bias, conv2d_backward_input, conv2d_backward_weight
from .packed import PackedWeight, pack_weight
from .prepared import (
    accumulates_dx,
    conv2d_backward_bias_call,
    conv2d_backward_input_call,
    conv2d_backward_weight_call,
    conv2d_call,
)
from .transpose import (
    conv_transpose2d,
    conv_transpose2d_backward_bias,
    conv_transpose2d_backward_input,
    conv_transpose2d_backward_input_call,
    conv_transpose2d_backward_weight,
    conv_transpose2d_backward_weight_call,
    conv_transpose2d_call,
)

__all__ = [
    "PackedWeight",
    "accumulates_dx",
    "conv2d",
    "conv2d_backward_bias",
    "conv2d_backward_bias_call",
    "conv2d_backward_input",
    "conv2d_backward_input_call",
    "conv2d_backward_weight",
    "conv2d_backward_weight_call",
    "conv2d_call",
    "conv_transpose2d",
    "conv_transpose2d_backward_bias",
    "conv_transpose2d_backward_input",
    "conv_transpose2d_backward_input_call",
    "conv_transpose2d_backward_weight",
    "conv_transpose2d_backward_weight_call",
    "conv_transpose2d_call",
    "convolve2d",
    "convolve2d_backward_input",
    "convolve2d_backward_weight",
    "pack_weight",
    "rot180",
]
