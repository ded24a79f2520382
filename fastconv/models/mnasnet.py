"""MNASNet: Tan et al. 2019 [63], figure 7, the network B1 without squeeze and excitation."""

from functools import partial

from .. import init
from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, Dropout, Flatten, Linear
from .blocks import Model, architecture, block, conv_bn, multiple, numbered, shown

STAGES = (  # k: kernel size, t: expansion, c: channels, n: blocks, s: stride of the first
    (3, 3, 24, 3, 2),
    (5, 3, 40, 3, 2),
    (5, 6, 80, 3, 2),
    (3, 6, 96, 2, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)

convolution = partial(conv_bn, momentum=0.0003)


@shown
def inverted_residual(inputs: int, channels: int, kernel_size: int, stride: int, expansion: int) -> Model:
    """1 x 1 to more channels, a filter per channel, 1 x 1 to few without activation; plus x where the shapes agree."""
    hidden = inputs * expansion
    inside = block(
        "layers",
        *convolution(hidden, 1),
        *convolution(hidden, kernel_size, stride, kernel_size // 2, groups=hidden),
        *convolution(channels, 1, activation=None),
    )

    def model(x: Node) -> Node:
        return inside(x) + x if stride == 1 and inputs == channels else inside(x)

    return model


def mnasnet(alpha: float, num_classes: int, dropout: float) -> Model:
    """A convolution, one filter per channel, six stages of inverted residuals, a dense layer; widths times `alpha`."""
    first, inputs = multiple(32 * alpha), multiple(16 * alpha)
    features: list[Model] = [
        *convolution(first, 3, 2, 1),
        *convolution(first, 3, 1, 1, groups=first),
        *convolution(inputs, 1, activation=None),
    ]
    for kernel_size, expansion, channels, count, stride in STAGES:
        outputs = multiple(channels * alpha)
        window = [(inputs, stride), *[(outputs, 1)] * (count - 1)]
        features.append(numbered(*(inverted_residual(c, outputs, kernel_size, s, expansion) for c, s in window)))
        inputs = outputs
    return sequential(
        block("layers", *features, *convolution(1280, 1)),
        *(AdaptiveAvgPool2D(1), Flatten()),
        block("classifier", Dropout(dropout), Linear(num_classes, init=init.normal(0.01))),
    )


@architecture
def mnasnet0_5(num_classes: int = 1000, dropout: float = 0.2) -> Model:
    """MNASNet of half the width (Tan et al. 2019 [63]): 2,218,512 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mnasnet0_5(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mnasnet(0.5, num_classes, dropout)


@architecture
def mnasnet0_75(num_classes: int = 1000, dropout: float = 0.2) -> Model:
    """MNASNet of 0.75 times the width (Tan et al. 2019 [63]): 3,170,208 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mnasnet0_75(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mnasnet(0.75, num_classes, dropout)


@architecture
def mnasnet1_0(num_classes: int = 1000, dropout: float = 0.2) -> Model:
    """MNASNet (Tan et al. 2019 [63]): 4,383,312 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mnasnet1_0(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mnasnet(1.0, num_classes, dropout)


@architecture
def mnasnet1_3(num_classes: int = 1000, dropout: float = 0.2) -> Model:
    """MNASNet of 1.3 times the width (Tan et al. 2019 [63]): 6,282,256 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mnasnet1_3(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mnasnet(1.3, num_classes, dropout)
