"""MobileNetV3: Howard et al. 2019 [20], tables 1 and 2."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from .. import init
from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, Dropout, Flatten, HardSigmoid, HardSwish, Linear, ReLU
from .blocks import Model, architecture, block, conv_bn_block, multiple, shown, squeeze_excitation

Row = tuple[int, int, int, bool, str, int]
LARGE: Sequence[Row] = (  # kernel size, channels inside, channels, squeeze and excitation, activation, stride
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hardswish", 2),
    (3, 200, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1),
    (3, 480, 112, True, "hardswish", 1),
    (3, 672, 112, True, "hardswish", 1),
    (5, 672, 160, True, "hardswish", 2),
    (5, 960, 160, True, "hardswish", 1),
    (5, 960, 160, True, "hardswish", 1),
)
SMALL: Sequence[Row] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hardswish", 2),
    (5, 240, 40, True, "hardswish", 1),
    (5, 240, 40, True, "hardswish", 1),
    (5, 120, 48, True, "hardswish", 1),
    (5, 144, 48, True, "hardswish", 1),
    (5, 288, 96, True, "hardswish", 2),
    (5, 576, 96, True, "hardswish", 1),
    (5, 576, 96, True, "hardswish", 1),
)
ACTIVATIONS = {"relu": ReLU, "hardswish": HardSwish}
convolution = partial(conv_bn_block, activation=HardSwish, momentum=0.01)


@shown
def inverted_residual(inputs: int, row: Row, **options: Any) -> Model:
    """1 x 1 to more channels, a filter per channel, squeeze and excitation, 1 x 1 to few; plus x where shapes agree.

    `options` are those of `conv_bn`.
    """
    kernel_size, hidden, channels, squeezed, word, stride = row
    activation = ACTIVATIONS[word]
    inner = partial(convolution, activation=activation, **options)
    parts = [inner(hidden, 1)] if hidden != inputs else []
    parts.append(inner(hidden, kernel_size, stride, kernel_size // 2, groups=hidden))
    if squeezed:
        parts.append(squeeze_excitation(multiple(hidden // 4), gate=HardSigmoid))
    inside = block("block", *parts, convolution(channels, 1, activation=None, **options))

    def model(x: Node) -> Node:
        return inside(x) + x if stride == 1 and inputs == channels else inside(x)

    return model


def mobilenet_v3(
    rows: Sequence[Row], last: int, num_classes: int, width_mult: float, dropout: float, **options: Any
) -> Model:
    """A convolution, inverted residuals, a 1 x 1 convolution, the mean of each plane, two dense layers.

    `options` are those of `conv_bn`.
    """
    inputs = multiple(16 * width_mult)
    features = [convolution(inputs, 3, 2, 1, **options)]
    for kernel_size, hidden, channels, squeezed, activation, stride in rows:
        inside, outputs = multiple(hidden * width_mult), multiple(channels * width_mult)
        row = kernel_size, inside, outputs, squeezed, activation, stride
        features.append(inverted_residual(inputs, row, **options))
        inputs = outputs
    dense = partial(Linear, init=init.normal(0.01))
    return sequential(
        block("features", *features, convolution(6 * inputs, 1, **options)),
        *(AdaptiveAvgPool2D(1, name="avgpool"), Flatten()),
        block("classifier", dense(multiple(last * width_mult)), HardSwish(), Dropout(dropout), dense(num_classes)),
    )


@architecture
def mobilenet_v3_large(
    num_classes: int = 1000,
    width_mult: float = 1.0,
    dropout: float = 0.2,
    eps: float = 1e-3,
    same_padding: bool = False,
) -> Model:
    """MobileNetV3 large (Howard et al. 2019 [20]): 5,483,032 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    width_mult : float
        Multiplies the channels of every layer.
    dropout : float
        The probability with which a value before the last dense layer is set to 0 in training.
    eps : float
        Added to variances before the root, in batch normalisation; timm has 1e-5.
    same_padding : bool
        Pad convolutions of stride 2 as TensorFlow does with "same": at the bottom and right more than at the top and
        left.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mobilenet_v3_large(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mobilenet_v3(LARGE, 1280, num_classes, width_mult, dropout, eps=eps, same_padding=same_padding)


@architecture
def mobilenet_v3_small(
    num_classes: int = 1000,
    width_mult: float = 1.0,
    dropout: float = 0.2,
    eps: float = 1e-3,
    same_padding: bool = False,
) -> Model:
    """MobileNetV3 small (Howard et al. 2019 [20]): 2,542,856 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    width_mult : float
        Multiplies the channels of every layer.
    dropout : float
        The probability with which a value before the last dense layer is set to 0 in training.
    eps : float
        Added to variances before the root, in batch normalisation; timm has 1e-5.
    same_padding : bool
        Pad convolutions of stride 2 as TensorFlow does with "same": at the bottom and right more than at the top and
        left.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.mobilenet_v3_small(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return mobilenet_v3(SMALL, 1024, num_classes, width_mult, dropout, eps=eps, same_padding=same_padding)
