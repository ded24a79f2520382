"""AlexNet: Krizhevsky, Sutskever and Hinton 2012 [42], and its form with one tower: Krizhevsky 2014 [43]."""

from functools import partial

from .. import init
from ..graph import sequential
from ..layer import Layer
from ..layers import AdaptiveAvgPool2D, Conv2D, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2D, ReLU
from .blocks import Model, architecture, block


@architecture
def alexnet(num_classes: int = 1000, dropout: float = 0.5, original: bool = False) -> Model:
    """AlexNet: five convolutions and three dense layers, for images (3, 224, 224) or any that leave a pixel.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before each of the two hidden dense layers (`original`: behind each of
        them) is set to 0 in training.
    original : bool
        False: one tower (Krizhevsky 2014 [43]), with torchvision's names and shapes: 61,100,840 parameters.
        True: the network of Krizhevsky, Sutskever and Hinton 2012 [42], with two groups and local response
        normalisation: 60,965,224 parameters and 659,272 neurons; its layers are called conv1 to conv5 and fc6 to fc8.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    `build` finds all shapes and takes no memory:

    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.alexnet(num_classes=10), (3, 224, 224), "float32").shape
    (10,)
    """
    return krizhevsky(num_classes, dropout) if original else one_tower(num_classes, dropout)


def one_tower(num_classes: int, dropout: float) -> Model:
    """Krizhevsky 2014 [43], as torchvision has it."""
    conv = partial(Conv2D, init="fan_in_uniform", bias_init="fan_in_uniform")
    linear = partial(Linear, init="fan_in_uniform", bias_init="fan_in_uniform")
    features: list[Layer] = [
        conv(64, 11, stride=4, padding=2),
        ReLU(),
        MaxPool2D(3, 2),
        conv(192, 5, padding=2),
        ReLU(),
        MaxPool2D(3, 2),
    ]
    for channels in (384, 256, 256):
        features += [conv(channels, 3, padding=1), ReLU()]
    return sequential(
        block("features", *features, MaxPool2D(3, 2)),
        AdaptiveAvgPool2D(6, name="avgpool"),
        Flatten(),
        block(
            "classifier",
            *(Dropout(dropout), linear(4096), ReLU()),
            *(Dropout(dropout), linear(4096), ReLU()),
            linear(num_classes),
        ),
    )


def krizhevsky(num_classes: int, dropout: float) -> Model:
    """Krizhevsky, Sutskever and Hinton 2012 [42], sections 3.1 to 3.5 and 5.

    Weights start as N(0, 0.01^2); biases at 1 in conv2, conv4, conv5 and the hidden dense layers, else at 0.
    The paper writes alpha = 1e-4 without the division by the five channels of the window.
    """
    conv, linear = partial(Conv2D, init=init.normal(0.01)), partial(Linear, init=init.normal(0.01))
    normalised = partial(LocalResponseNorm, 5, alpha=5e-4, beta=0.75, k=2.0)
    return sequential(
        *(conv(96, 11, stride=4, padding=2, name="conv1"), ReLU(), normalised(), MaxPool2D(3, 2)),
        *(conv(256, 5, padding=2, groups=2, name="conv2", bias_init="ones"), ReLU(), normalised(), MaxPool2D(3, 2)),
        *(conv(384, 3, padding=1, name="conv3"), ReLU()),
        *(conv(384, 3, padding=1, groups=2, name="conv4", bias_init="ones"), ReLU()),
        *(conv(256, 3, padding=1, groups=2, name="conv5", bias_init="ones"), ReLU(), MaxPool2D(3, 2)),
        Flatten(),
        *(linear(4096, name="fc6", bias_init="ones"), ReLU(), Dropout(dropout)),
        *(linear(4096, name="fc7", bias_init="ones"), ReLU(), Dropout(dropout)),
        linear(num_classes, name="fc8"),
    )
