"""The layers: one family a file, each with its equation, then forward, then backward."""

from .activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .adaptive import AdaptiveAvgPool2D, AdaptiveMaxPool2D, GlobalAvgPool2D, GlobalMaxPool2D
from .conv import Conv2D, ConvTranspose2D
from .dense import Dense, Linear
from .dropout import Dropout
from .flatten import Flatten
from .pool import AvgPool2D, LpPool2D, MaxPool2D
from .separable import DepthwiseConv2D, SeparableConv2D

__all__ = [
    "AdaptiveAvgPool2D",
    "AdaptiveMaxPool2D",
    "AvgPool2D",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "LpPool2D",
    "MaxPool2D",
    "ReLU",
    "SeparableConv2D",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
