"""The layers of networks. help(fastconv.Conv2D) shows one with its equation.

Layers (fastconv.layers)
    Conv2D                      filters that slide over images
    DepthwiseConv2D             one or more filters for each channel alone
    SeparableConv2D             a filter per channel, then sums of channels
    ConvTranspose2D             each pixel spread by a kernel: larger images
    Linear, Dense               a matrix and a bias; two names of one layer
    Flatten                     each image as one vector
    Reshape, Permute            another shape; the axes in another order
    MaxPool2D, AvgPool2D        the largest value, the mean of each window
    LpPool2D                    the L_p norm of each window
    AdaptiveMaxPool2D           max pooling to images of a given size
    AdaptiveAvgPool2D           average pooling to images of a given size
    GlobalMaxPool2D             the largest value of each channel
    GlobalAvgPool2D             the mean of each channel
    Conv1D, ConvTranspose1D     the same for signals (C, L)
    MaxPool1D, AvgPool1D        pooling of signals
    AdaptiveMaxPool1D           max pooling to signals of a given length
    AdaptiveAvgPool1D           average pooling to signals of a given length
    GlobalMaxPool1D             the largest value of each signal
    GlobalAvgPool1D             the mean of each signal
    BatchNorm                   normalises each channel over the batch
    GroupNorm, LayerNorm        normalise groups of channels, or each image
    InstanceNorm                normalises each channel of each image
    Affine, ChannelScale        scale channels by given or trained numbers
    LocalResponseNorm           divides by the squares of channels close by
    ReLU, ReLU6                 the positive part; at most 6
    LeakyReLU, PReLU            a small slope below zero; a trained one
    ELU, SELU, CELU             an exponential below zero
    GELU, SiLU, Softplus, Mish  smooth activations
    HardSwish                   SiLU of straight lines
    Sigmoid, HardSigmoid, Tanh  activations with bounds
    Softsign                    a sigmoid without exponentials
    LogSigmoid                  the logarithm of the sigmoid
    Hardtanh                    each value within two bounds
    Threshold                   values above a threshold, else another
    Softmax, LogSoftmax         probabilities, and their logarithms
    Exp, Sqrt, Reciprocal       functions of each value
    Dropout                     random zeros in training
    StochasticDepth             whole images set to zero in training
    ZeroPad2D                   zeros around each image
    ReflectionPad2D             the image mirrored around itself
    ReplicationPad2D            the edge of each image repeated around it
    Upsample                    images of another size
    PixelShuffle                channels as pixels of larger images
    PixelUnshuffle              blocks of pixels as channels
    ChannelShuffle              the channels of several groups in turns
    MainHead                    the first of several classifiers, to predict
"""

from .activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    HardSigmoid,
    HardSwish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    Threshold,
)
from .adaptive import AdaptiveAvgPool2D, AdaptiveMaxPool2D, GlobalAvgPool2D, GlobalMaxPool2D
from .conv import Conv2D, ConvTranspose2D
from .dense import Dense, Linear
from .dropout import Dropout, StochasticDepth
from .flatten import Flatten
from .functions import Exp, Reciprocal, Sqrt
from .heads import MainHead
from .norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from .pad import ReflectionPad2D, ReplicationPad2D, ZeroPad2D
from .pool import AvgPool2D, LpPool2D, MaxPool2D
from .reshape import Permute, Reshape
from .scale import Affine, ChannelScale
from .separable import DepthwiseConv2D, SeparableConv2D
from .shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
from .signal import (
    AdaptiveAvgPool1D,
    AdaptiveMaxPool1D,
    AvgPool1D,
    Conv1D,
    ConvTranspose1D,
    GlobalAvgPool1D,
    GlobalMaxPool1D,
    MaxPool1D,
)
from .upsample import Upsample

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool1D",
    "AdaptiveAvgPool2D",
    "AdaptiveMaxPool1D",
    "AdaptiveMaxPool2D",
    "Affine",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNorm",
    "ChannelScale",
    "ChannelShuffle",
    "Conv1D",
    "Conv2D",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Exp",
    "Flatten",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "Hardtanh",
    "InstanceNorm",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "LpPool2D",
    "MainHead",
    "MaxPool1D",
    "MaxPool2D",
    "Mish",
    "PReLU",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReLU",
    "ReLU6",
    "Reciprocal",
    "ReflectionPad2D",
    "ReplicationPad2D",
    "Reshape",
    "SeparableConv2D",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "StochasticDepth",
    "Tanh",
    "Threshold",
    "Upsample",
    "ZeroPad2D",
]
