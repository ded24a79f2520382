"""VGG: Simonyan and Zisserman 2015 [44], table 1."""

from .. import init
from ..graph import sequential
from ..layer import Layer
from ..layers import AdaptiveAvgPool2D, BatchNorm, Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU
from .blocks import Model, architecture, block

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def vgg(depth: int, num_classes: int = 1000, dropout: float = 0.5, batch_norm: bool = False) -> Model:
    """3 x 3 convolutions in five stages, a 2 x 2 max pool after each, then three dense layers."""
    features: list[Layer] = []
    for width, count in zip(WIDTHS, DEPTHS[depth], strict=True):
        for _ in range(count):
            features += [Conv2D(width, 3, padding=1, init="he_normal_out")]
            features += [BatchNorm(), ReLU()] if batch_norm else [ReLU()]
        features.append(MaxPool2D(2))
    return sequential(
        block("features", *features),
        AdaptiveAvgPool2D(7, name="avgpool"),
        Flatten(),
        block(
            "classifier",
            *(Linear(4096, init=init.normal(0.01)), ReLU(), Dropout(dropout)),
            *(Linear(4096, init=init.normal(0.01)), ReLU(), Dropout(dropout)),
            Linear(num_classes, init=init.normal(0.01)),
        ),
    )


@architecture
def vgg11(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-11 (Simonyan and Zisserman 2015 [44]), eleven layers with weights: 132,863,336 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg11(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(11, num_classes, dropout)


@architecture
def vgg13(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-13 (Simonyan and Zisserman 2015 [44]), thirteen layers with weights: 133,047,848 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg13(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(13, num_classes, dropout)


@architecture
def vgg16(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-16 (Simonyan and Zisserman 2015 [44]), sixteen layers with weights: 138,357,544 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg16(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(16, num_classes, dropout)


@architecture
def vgg19(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-19 (Simonyan and Zisserman 2015 [44]), nineteen layers with weights: 143,667,240 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg19(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(19, num_classes, dropout)


@architecture
def vgg11_bn(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-11 with batch normalisation after each convolution: 132,868,840 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg11_bn(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(11, num_classes, dropout, batch_norm=True)


@architecture
def vgg13_bn(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-13 with batch normalisation after each convolution: 133,053,736 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg13_bn(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(13, num_classes, dropout, batch_norm=True)


@architecture
def vgg16_bn(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-16 with batch normalisation after each convolution: 138,365,992 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg16_bn(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(16, num_classes, dropout, batch_norm=True)


@architecture
def vgg19_bn(num_classes: int = 1000, dropout: float = 0.5) -> Model:
    """VGG-19 with batch normalisation after each convolution: 143,678,248 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value behind each of the two hidden dense layers is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.vgg19_bn(num_classes=10), (3, 32, 32), "float32").shape
    (10,)
    """
    return vgg(19, num_classes, dropout, batch_norm=True)
