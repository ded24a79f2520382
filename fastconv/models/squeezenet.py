"""SqueezeNet: Iandola et al. 2016 [48]."""

from collections.abc import Sequence
from functools import partial

from .. import init
from ..graph import Node, concat, sequential
from ..layers import AdaptiveAvgPool2D, Conv2D, Dropout, Flatten, MaxPool2D, ReLU
from .blocks import Model, architecture, block, shown

conv = partial(Conv2D, init="he_uniform")
pool = partial(MaxPool2D, 3, 2, ceil_mode=True)


@shown
def fire(squeeze: int, expand: int) -> Model:
    """A 1 x 1 convolution to few channels, then 1 x 1 and 3 x 3 side by side, each to `expand` channels."""

    def model(x: Node) -> Node:
        x = sequential(conv(squeeze, 1, name="squeeze"), ReLU())(x)
        return concat(
            sequential(conv(expand, 1, name="expand1x1"), ReLU())(x),
            sequential(conv(expand, 3, padding=1, name="expand3x3"), ReLU())(x),
        )

    return model


def squeezenet(features: Sequence[Model], num_classes: int, dropout: float) -> Model:
    """The features, a 1 x 1 convolution to the classes, and the mean of each plane."""
    last = Conv2D(num_classes, 1, init=init.normal(0.01))
    return sequential(
        block("features", *features),
        block("classifier", Dropout(dropout), last, ReLU(), AdaptiveAvgPool2D(1)),
        Flatten(),
    )


@architecture
def squeezenet1_0(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """SqueezeNet 1.0, the network of Iandola et al. 2016 [48]: 1,248,424 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the last convolution is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.squeezenet1_0(), (3, 32, 32), seed=0).summary().parameters
    1248424
    """
    features: list[Model] = [
        *(conv(96, 7, stride=2), ReLU(), pool(), fire(16, 64), fire(16, 64), fire(32, 128)),
        *(pool(), fire(32, 128), fire(48, 192), fire(48, 192), fire(64, 256)),
        *(pool(), fire(64, 256)),
    ]
    return squeezenet(features, num_classes, dropout)


@architecture
def squeezenet1_1(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """SqueezeNet 1.1: earlier pools and a smaller first kernel, 2.4 times less work than 1.0; 1,235,496 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the last convolution is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.squeezenet1_1(), (3, 32, 32), seed=0).summary().parameters
    1235496
    """
    features: list[Model] = [
        *(conv(64, 3, stride=2), ReLU(), pool(), fire(16, 64), fire(16, 64)),
        *(pool(), fire(32, 128), fire(32, 128)),
        *(pool(), fire(48, 192), fire(48, 192), fire(64, 256), fire(64, 256)),
    ]
    return squeezenet(features, num_classes, dropout)
