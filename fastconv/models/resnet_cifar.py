"""The ResNets for CIFAR: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, section 4.2."""

from functools import partial

import numpy as np

from ..graph import sequential
from ..layer import Layer, Spec
from ..layers import AdaptiveAvgPool2D, Flatten, Linear, ReLU
from .parts import block
from .resnet import convolution


class Shortcut(Layer):
    """Option A of the paper, without parameters: every second pixel of x, with zeros for the further channels.

    y[c] = x[c, ::stride, ::stride] for the channels of x, else 0
    dx[c, ::stride, ::stride] = dy[c], else 0
    """

    kind = "shortcut"

    def __init__(self, channels, stride, name=None):
        super().__init__(name)
        self.channels, self.stride = channels, stride

    def spec(self, x_shape, dtype):
        if x_shape[0] > self.channels:
            raise ValueError(f"channels must be >= {x_shape[0]}, got {self.channels}")
        return Spec((self.channels, *(-(-extent // self.stride) for extent in x_shape[1:])))

    def forward(self, b):
        known = b.x.shape[1]
        pixels = b.x[:, :, :: self.stride, :: self.stride]
        return [partial(np.copyto, b.y[:, :known], pixels), partial(b.y[:, known:].fill, 0)]

    def backward(self, b):
        if b.dx is None:
            return []
        pixels = b.dx[:, :, :: self.stride, :: self.stride]
        return [partial(b.dx.fill, 0), partial(np.copyto, pixels, b.dy[:, : b.dx.shape[1]])]


def basic(channels, stride):
    """Two 3 x 3 convolutions beside the shortcut."""

    def model(x):
        y = sequential(convolution(1, channels, 3, stride), ReLU(), convolution(2, channels, 3))(x)
        return ReLU()(y + (x if y.shape == x.shape else Shortcut(channels, stride)(x)))

    return model


def resnet_cifar(depth, num_classes=10):
    """A 3 x 3 convolution, three stages of (depth - 2) / 6 blocks with 16, 32 and 64 maps, a dense layer."""
    count, rest = divmod(depth - 2, 6)
    if rest or count < 1:
        raise ValueError(f"depth must be 6 n + 2 with n >= 1, got {depth}")
    stages = [
        block(f"layer{number + 1}", *(basic(16 << number, 2 if number and not i else 1) for i in range(count)))
        for number in range(3)
    ]
    return sequential(
        *(convolution(1, 16, 3), ReLU()),
        *stages,
        AdaptiveAvgPool2D(1, name="avgpool"),
        Flatten(),
        Linear(num_classes, init="he_normal", name="fc"),
    )


def resnet20(num_classes=10):
    """269,722 parameters."""
    return resnet_cifar(20, num_classes)


def resnet32(num_classes=10):
    """464,154 parameters."""
    return resnet_cifar(32, num_classes)


def resnet56(num_classes=10):
    """853,018 parameters."""
    return resnet_cifar(56, num_classes)


def resnet110(num_classes=10):
    """1,727,962 parameters."""
    return resnet_cifar(110, num_classes)
