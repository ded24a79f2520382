"""The ResNets for CIFAR: He, Zhang, Ren and Sun 2016 [46], section 4.2."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..graph import Node, sequential
from ..layer import Layer, Spec
from ..layers import AdaptiveAvgPool2D, Flatten, Linear, ReLU
from ..typing import Call, Shape
from .blocks import Model, architecture, block, shown
from .resnet import convolution


class Shortcut(Layer):
    """Option A of He et al. 2016 [46], without parameters: every second pixel of x, and zeros for the further channels.

    y[c] = x[c, ::stride, ::stride] for the channels of x, else 0
    dx[c, ::stride, ::stride] = dy[c], else 0
    """

    kind = "shortcut"

    def __init__(self, channels: int, stride: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.channels, self.stride = channels, stride

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        if x_shape[0] > self.channels:
            raise ValueError(f"channels must be >= {x_shape[0]}, got {self.channels}")
        return Spec((self.channels, *(-(-extent // self.stride) for extent in x_shape[1:])))

    def forward(self, b: Any) -> list[Call]:
        known = b.x.shape[1]
        pixels = b.x[:, :, :: self.stride, :: self.stride]
        return [partial(np.copyto, b.y[:, :known], pixels), partial(b.y[:, known:].fill, 0)]

    def backward(self, b: Any) -> list[Call]:
        if b.dx is None:
            return []
        pixels = b.dx[:, :, :: self.stride, :: self.stride]
        return [partial(b.dx.fill, 0), partial(np.copyto, pixels, b.dy[:, : b.dx.shape[1]])]


@shown
def basic(channels: int, stride: int) -> Model:
    """Two 3 x 3 convolutions beside the shortcut."""

    def model(x: Node) -> Node:
        y = sequential(convolution(1, channels, 3, stride), ReLU(), convolution(2, channels, 3))(x)
        shortcut = x if y.shape == x.shape else Shortcut(channels, stride)(x)
        return ReLU()(y + shortcut)

    return model


def resnet_cifar(depth: int, num_classes: int = 10) -> Model:
    """A 3 x 3 convolution, three stages of (depth - 2) / 6 blocks with 16, 32 and 64 channels, a dense layer."""
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


@architecture
def resnet8(num_classes: int = 10) -> Model:
    """ResNet-8, the smallest of these networks (He et al. 2016 [46], section 4.2, with n = 1): 75,290 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.resnet8(), (1, 28, 28), seed=0).summary().parameters
    75002
    """
    return resnet_cifar(8, num_classes)


@architecture
def resnet20(num_classes: int = 10) -> Model:
    """ResNet-20 for images of CIFAR's size (He et al. 2016 [46], section 4.2): 269,722 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.resnet20(), (3, 32, 32), seed=0).summary().parameters
    269722
    """
    return resnet_cifar(20, num_classes)


@architecture
def resnet32(num_classes: int = 10) -> Model:
    """ResNet-32 for images of CIFAR's size (He et al. 2016 [46], section 4.2): 464,154 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.resnet32(), (3, 32, 32), seed=0).summary().parameters
    464154
    """
    return resnet_cifar(32, num_classes)


@architecture
def resnet56(num_classes: int = 10) -> Model:
    """ResNet-56 for images of CIFAR's size (He et al. 2016 [46], section 4.2): 853,018 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.resnet56(), (3, 32, 32), seed=0).summary().parameters
    853018
    """
    return resnet_cifar(56, num_classes)


@architecture
def resnet110(num_classes: int = 10) -> Model:
    """ResNet-110 for images of CIFAR's size (He et al. 2016 [46], section 4.2): 1,727,962 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.resnet110(), (3, 32, 32), seed=0).summary().parameters
    1727962
    """
    return resnet_cifar(110, num_classes)
