"""The layers: one family per file, each with its equations, then forward beside backward."""

from .activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .adaptive import AdaptiveAvgPool2D, AdaptiveMaxPool2D, GlobalAvgPool2D, GlobalMaxPool2D
from .conv import Conv2D, ConvTranspose2D
from .dense import Dense, Linear
from .dropout import Dropout
from .flatten import Flatten
from .heads import MainHead
from .norm import BatchNorm, GroupNorm, LayerNorm, LocalResponseNorm
from .pad import ZeroPad2D
from .pool import AvgPool2D, LpPool2D, MaxPool2D
from .separable import DepthwiseConv2D, SeparableConv2D
from .upsample import Upsample

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool2D",
    "AdaptiveMaxPool2D",
    "AvgPool2D",
    "BatchNorm",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "LpPool2D",
    "MainHead",
    "MaxPool2D",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SeparableConv2D",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Upsample",
    "ZeroPad2D",
]
