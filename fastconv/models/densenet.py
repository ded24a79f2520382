"""DenseNet: Huang, Liu, van der Maaten and Weinberger 2017 [47], table 1."""

from collections.abc import Sequence

from ..graph import Node, concat, scope, sequential
from ..layers import AdaptiveAvgPool2D, AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU
from .blocks import Model, architecture, scoped, shown

BOTTLENECK = 4  # the 1 x 1 convolution of a layer makes this many times the channels that the layer adds


def conv(channels: int, kernel_size: int, stride: int = 1, name: str | None = None) -> Conv2D:
    """A convolution without bias that keeps the extents where the stride is 1."""
    return Conv2D(
        channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=False, init="he_normal", name=name
    )


def dense_layer(growth: int, eps: float) -> Model:
    """The `growth` channels that one layer adds."""
    return sequential(
        *(BatchNorm(eps=eps, name="norm1"), ReLU(name="relu1"), conv(BOTTLENECK * growth, 1, name="conv1")),
        *(BatchNorm(eps=eps, name="norm2"), ReLU(name="relu2"), conv(growth, 3, name="conv2")),
    )


@shown
def dense_block(growth: int, count: int, eps: float = 1e-5) -> Model:
    """Each layer reads the channels of all layers before it: concat of a concat, which the executor stores once."""

    def model(x: Node) -> Node:
        for number in range(1, count + 1):
            with scope(f"denselayer{number}"):
                x = concat(x, dense_layer(growth, eps)(x))
        return x

    return model


def transition(eps: float) -> Model:
    """Half the channels, half their height and width."""

    def model(x: Node) -> Node:
        return sequential(
            *(BatchNorm(eps=eps, name="norm"), ReLU(name="relu"), conv(x.shape[0] // 2, 1, name="conv")),
            AvgPool2D(2, name="pool"),
        )(x)

    return model


def densenet(growth: int, counts: Sequence[int], first: int, num_classes: int, eps: float) -> Model:
    """A 7 x 7 convolution and a pool, dense blocks with transitions between, the mean of each plane, a dense layer."""
    features: list[Model] = [
        *(conv(first, 7, 2, name="conv0"), BatchNorm(eps=eps, name="norm0"), ReLU(name="relu0")),
        MaxPool2D(3, 2, 1, name="pool0"),
    ]
    for number, count in enumerate(counts, 1):
        features.append(scoped(f"denseblock{number}", dense_block(growth, count, eps)))
        if number < len(counts):
            features.append(scoped(f"transition{number}", transition(eps)))
    return sequential(
        scoped("features", sequential(*features, BatchNorm(eps=eps, name="norm5"))),
        *(ReLU(), AdaptiveAvgPool2D(1), Flatten()),
        Linear(num_classes, init="fan_in_uniform", name="classifier"),
    )


@architecture
def densenet121(num_classes: int = 1000, eps: float = 1e-5) -> Model:
    """DenseNet-121 (Huang et al. 2017 [47]): 7,978,856 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.densenet121(), (3, 32, 32), seed=0).summary().parameters
    7978856
    """
    return densenet(32, (6, 12, 24, 16), 64, num_classes, eps)


@architecture
def densenet161(num_classes: int = 1000, eps: float = 1e-5) -> Model:
    """DenseNet-161 (Huang et al. 2017 [47]): 28,681,000 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.densenet161(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return densenet(48, (6, 12, 36, 24), 96, num_classes, eps)


@architecture
def densenet169(num_classes: int = 1000, eps: float = 1e-5) -> Model:
    """DenseNet-169 (Huang et al. 2017 [47]): 14,149,480 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.densenet169(), (3, 32, 32), seed=0).summary().parameters
    14149480
    """
    return densenet(32, (6, 12, 32, 32), 64, num_classes, eps)


@architecture
def densenet201(num_classes: int = 1000, eps: float = 1e-5) -> Model:
    """DenseNet-201 (Huang et al. 2017 [47]): 20,013,928 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.densenet201(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return densenet(32, (6, 12, 48, 32), 64, num_classes, eps)
