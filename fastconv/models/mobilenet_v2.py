"""MobileNetV2: Sandler et al. 2018 [50], table 2."""

from functools import partial
from typing import Any

from .. import init
from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, Dropout, Flatten, Linear, ReLU6
from .blocks import Model, architecture, block, conv_bn, conv_bn_block, multiple, shown

STAGES = (  # t: expansion, c: channels, n: blocks, s: stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

convolution = partial(conv_bn_block, activation=ReLU6)


@shown
def inverted_residual(inputs: int, channels: int, stride: int, expansion: int, **options: Any) -> Model:
    """1 x 1 to more channels, 3 x 3 per channel, 1 x 1 to few without activation; plus x where the shapes agree.

    `options` are those of `conv_bn`.
    """
    hidden = inputs * expansion
    parts: list[Model] = [convolution(hidden, 1, **options)] if expansion != 1 else []
    parts.append(convolution(hidden, 3, stride, 1, groups=hidden, **options))
    inside = block("conv", *parts, *conv_bn(channels, 1, activation=None, **options))

    def model(x: Node) -> Node:
        return x + inside(x) if stride == 1 and inputs == channels else inside(x)

    return model


@architecture
def mobilenet_v2(
    num_classes: int = 1000,
    width_mult: float = 1.0,
    dropout: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """MobileNetV2 (Sandler et al. 2018 [50]): inverted residuals with linear bottlenecks, 3,504,872 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    width_mult : float
        Multiplies the channels of every layer; the last convolution has at least 1,280.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1e-3.
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
    >>> fastconv.Network(fastconv.models.mobilenet_v2(), (3, 32, 32), seed=0).summary().parameters
    3504872
    """
    inputs, last = multiple(32 * width_mult), multiple(1280 * max(1.0, width_mult))
    options: dict[str, Any] = {"eps": eps, "same_padding": same_padding}
    features = [convolution(inputs, 3, 2, 1, **options)]
    for expansion, channels, count, stride in STAGES:
        outputs = multiple(channels * width_mult)
        for number in range(count):
            features.append(inverted_residual(inputs, outputs, 1 if number else stride, expansion, **options))
            inputs = outputs
    return sequential(
        block("features", *features, convolution(last, 1, **options)),
        *(AdaptiveAvgPool2D(1), Flatten()),
        block("classifier", Dropout(dropout), Linear(num_classes, init=init.normal(0.01))),
    )
