"""The public functions on NumPy arrays: check, choose the path, allocate or take `out=`, call a kernel.

Functions on arrays (fastconv.ops); the gradients of `name` are in `name_backward`, or in several functions named so:

Convolution
    conv2d                      filters that slide over images; gradients conv2d_backward_input,
                                conv2d_backward_weight, conv2d_backward_bias
    conv_transpose2d            its adjoint; gradients conv_transpose2d_backward_input,
                                conv_transpose2d_backward_weight, conv_transpose2d_backward_bias
    convolve2d                  convolution in the mathematical sense; gradients convolve2d_backward_input,
                                convolve2d_backward_weight
    rot180                      kernels turned by 180 degrees
    pack_weight, PackedWeight   a weight packed once for many calls of conv2d

Dense layers
    linear                      a matrix and a bias; gradients linear_backward (all three), linear_backward_input,
                                linear_backward_weight, linear_backward_bias

Pooling
    max_pool2d                  the largest value of each window; max_pool2d_backward
    max_unpool2d                values back where max_pool2d found them; max_unpool2d_backward
    avg_pool2d                  the mean of each window; avg_pool2d_backward
    lp_pool2d                   the L_p norm of each window; lp_pool2d_backward
    adaptive_max_pool2d         the largest values of windows that give a given size; adaptive_max_pool2d_backward
    adaptive_avg_pool2d         their means; adaptive_avg_pool2d_backward
    global_max_pool2d           the largest value of each channel; global_max_pool2d_backward
    global_avg_pool2d           the mean of each channel; global_avg_pool2d_backward

Signals (N, C, L)
    conv1d                      conv2d along one axis; gradients conv1d_backward_input,
                                conv1d_backward_weight, conv1d_backward_bias
    conv_transpose1d            its adjoint; gradients conv_transpose1d_backward_input,
                                conv_transpose1d_backward_weight, conv_transpose1d_backward_bias
    max_pool1d                  the largest value of each window; max_pool1d_backward
    avg_pool1d                  the mean of each window; avg_pool1d_backward
    adaptive_max_pool1d         the largest values of windows that give a length; adaptive_max_pool1d_backward
    adaptive_avg_pool1d         their means; adaptive_avg_pool1d_backward
    global_max_pool1d           the largest value of each signal; global_max_pool1d_backward
    global_avg_pool1d           the mean of each signal; global_avg_pool1d_backward

Normalisation
    batch_norm                  each channel over the batch; batch_norm_backward
    group_norm                  groups of channels of each image; group_norm_backward
    instance_norm               each channel of each image; instance_norm_backward
    layer_norm                  the last axes; layer_norm_backward
    local_response_norm         the channels around each value; local_response_norm_backward

Activations
    relu, relu6                 the positive part; at most 6; relu_backward, relu6_backward
    leaky_relu, prelu           a slope below zero, given or learned; leaky_relu_backward, prelu_backward
    threshold                   values above a threshold, another value for the rest; threshold_backward
    elu, selu, celu             an exponential below zero; elu_backward, selu_backward, celu_backward
    gelu, silu, softplus, mish  smooth ones; gelu_backward, silu_backward, softplus_backward, mish_backward
    logsigmoid                  the logarithm of the sigmoid; logsigmoid_backward
    sigmoid, tanh, softsign     with bounds; sigmoid_backward, tanh_backward, softsign_backward
    hardsigmoid, hardswish      of straight lines; hardsigmoid_backward, hardswish_backward
    hardtanh                    each value within two bounds; hardtanh_backward
    softmax, log_softmax        probabilities and their logarithms; softmax_backward, log_softmax_backward

Losses
    cross_entropy               classes, from logits; cross_entropy_backward
    nll_loss                    classes, from log-probabilities; nll_loss_backward
    binary_cross_entropy_with_logits    yes or no, from logits; binary_cross_entropy_with_logits_backward
    mse_loss                    squares of differences; mse_loss_backward
    l1_loss                     absolute differences; l1_loss_backward
    huber_loss                  squares of small differences, else absolute ones; huber_loss_backward

Other
    add                         the sum of two arrays of one shape
    matmul                      the product of matrices that are both computed; matmul_backward
    multiply                    the product of two arrays, one perhaps repeated; multiply_backward
    concatenate                 images side by side along their channels
    pad                         a border of one value, or of pixels of the image; pad_backward
    interpolate                 images of another size; interpolate_backward
    upsample_nearest2d          each value repeated in a block; upsample_nearest2d_backward
    pixel_shuffle               channels as pixels of larger images; its inverse pixel_unshuffle is its gradient
    pixel_unshuffle             blocks of pixels as channels; its inverse pixel_shuffle is its gradient
    channel_shuffle             the channels of several groups in turns; it is its own gradient, with C / groups
    to_channels_last, to_planar the same values in another order in memory
    use_path                    optional paths of the convolutions: on or off
"""

from . import signal
from .activation.elu import celu, celu_backward, elu, elu_backward, selu, selu_backward
from .activation.hard import (
    hardsigmoid,
    hardsigmoid_backward,
    hardswish,
    hardswish_backward,
    hardtanh,
    hardtanh_backward,
)
from .activation.prelu import prelu, prelu_backward
from .activation.rectifier import leaky_relu, leaky_relu_backward, relu, relu6, relu6_backward, relu_backward
from .activation.sigmoid import sigmoid, sigmoid_backward, softsign, softsign_backward, tanh, tanh_backward
from .activation.smooth import gelu, gelu_backward, silu, silu_backward
from .activation.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from .activation.softplus import (
    logsigmoid,
    logsigmoid_backward,
    mish,
    mish_backward,
    softplus,
    softplus_backward,
)
from .activation.threshold import threshold, threshold_backward
from .add import add
from .conv import conv2d, conv2d_backward_bias, conv2d_backward_input, conv2d_backward_weight
from .conv.convolve import convolve2d, convolve2d_backward_input, convolve2d_backward_weight, rot180
from .conv.packed import PackedWeight, pack_weight
from .conv.transpose import (
    conv_transpose2d,
    conv_transpose2d_backward_bias,
    conv_transpose2d_backward_input,
    conv_transpose2d_backward_weight,
)
from .dense import linear, linear_backward, linear_backward_bias, linear_backward_input, linear_backward_weight
from .interpolate import interpolate, interpolate_backward
from .layout import concatenate, to_channels_last, to_planar
from .loss.absolute import huber_loss, huber_loss_backward, l1_loss, l1_loss_backward
from .loss.binary import binary_cross_entropy_with_logits, binary_cross_entropy_with_logits_backward
from .loss.cross_entropy import cross_entropy, cross_entropy_backward
from .loss.nll import nll_loss, nll_loss_backward
from .loss.squares import mse_loss, mse_loss_backward
from .matmul import matmul, matmul_backward
from .multiply import multiply, multiply_backward
from .norm import batch_norm, batch_norm_backward
from .norm.group import group_norm, group_norm_backward
from .norm.instance import instance_norm, instance_norm_backward
from .norm.layer import layer_norm, layer_norm_backward
from .norm.local import local_response_norm, local_response_norm_backward
from .pad import pad, pad_backward
from .path import use_path
from .pool.adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from .pool.avg import avg_pool2d, avg_pool2d_backward
from .pool.global_pool import (
    global_avg_pool2d,
    global_avg_pool2d_backward,
    global_max_pool2d,
    global_max_pool2d_backward,
)
from .pool.lp import lp_pool2d, lp_pool2d_backward
from .pool.max import max_pool2d, max_pool2d_backward
from .pool.unpool import max_unpool2d, max_unpool2d_backward
from .shuffle import channel_shuffle, pixel_shuffle, pixel_unshuffle
from .signal import *  # noqa: F403  # the names of its __all__
from .upsample import upsample_nearest2d, upsample_nearest2d_backward

__all__ = [
    "PackedWeight",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "add",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "celu",
    "celu_backward",
    "channel_shuffle",
    "concatenate",
    "conv2d",
    "conv2d_backward_bias",
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv_transpose2d",
    "conv_transpose2d_backward_bias",
    "conv_transpose2d_backward_input",
    "conv_transpose2d_backward_weight",
    "convolve2d",
    "convolve2d_backward_input",
    "convolve2d_backward_weight",
    "cross_entropy",
    "cross_entropy_backward",
    "elu",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "group_norm",
    "group_norm_backward",
    "hardsigmoid",
    "hardsigmoid_backward",
    "hardswish",
    "hardswish_backward",
    "hardtanh",
    "hardtanh_backward",
    "huber_loss",
    "huber_loss_backward",
    "instance_norm",
    "instance_norm_backward",
    "interpolate",
    "interpolate_backward",
    "l1_loss",
    "l1_loss_backward",
    "layer_norm",
    "layer_norm_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "linear_backward_bias",
    "linear_backward_input",
    "linear_backward_weight",
    "local_response_norm",
    "local_response_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "logsigmoid",
    "logsigmoid_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "matmul",
    "matmul_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "mish",
    "mish_backward",
    "mse_loss",
    "mse_loss_backward",
    "multiply",
    "multiply_backward",
    "nll_loss",
    "nll_loss_backward",
    "pack_weight",
    "pad",
    "pad_backward",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "prelu_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "rot180",
    "selu",
    "selu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "tanh",
    "tanh_backward",
    "threshold",
    "threshold_backward",
    "to_channels_last",
    "to_planar",
    "upsample_nearest2d",
    "upsample_nearest2d_backward",
    "use_path",
]
__all__ += signal.__all__


def __dir__() -> list[str]:
    """The functions and the class that people use; the modules behind them are not listed."""
    return sorted(__all__)
