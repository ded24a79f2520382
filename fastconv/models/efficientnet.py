"""EfficientNet: Tan and Le 2019 [69], table 1 and section 4."""

from functools import partial
from math import ceil
from typing import Any

from .. import init
from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, Dropout, Flatten, Linear, SiLU, StochasticDepth
from .blocks import Model, architecture, block, conv_bn_block, multiple, numbered, shown, squeeze_excitation

STAGES = (  # t: expansion, k: kernel size, s: stride of the first, c: channels, n: blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


@shown
def mbconv(
    inputs: int, channels: int, kernel_size: int, stride: int, expansion: int, depth: float, **options: Any
) -> Model:
    """1 x 1 to more channels, a filter per channel, squeeze and excitation, 1 x 1 to few; plus x where shapes agree.

    In training the branch is left out with probability `depth`. `options` are those of `conv_bn`.
    """
    convolution = partial(conv_bn_block, activation=SiLU, **options)
    hidden = inputs * expansion
    parts = [convolution(hidden, 1)] if expansion != 1 else []
    parts += [
        convolution(hidden, kernel_size, stride, kernel_size // 2, groups=hidden),
        squeeze_excitation(max(1, inputs // 4), SiLU),
        convolution(channels, 1, activation=None),
    ]
    inside = block("block", *parts)

    def model(x: Node) -> Node:
        y = inside(x)
        if stride != 1 or inputs != channels:
            return y
        return (StochasticDepth(depth, name="stochastic_depth")(y) if depth else y) + x

    return model


def efficientnet(width: float, height: float, num_classes: int, dropout: float, depth: float, **options: Any) -> Model:
    """A convolution, seven stages of inverted residuals, a 1 x 1 convolution, the mean of each plane, a dense layer.

    `width` multiplies the channels, `height` the blocks of each stage; `depth` is the largest probability of
    `StochasticDepth`, which grows in even steps from block to block. `options` are those of `conv_bn`.
    """
    convolution = partial(conv_bn_block, activation=SiLU, **options)
    inputs, done = multiple(32 * width), 0
    features = [convolution(inputs, 3, 2, 1)]
    blocks = sum(ceil(count * height) for *_, count in STAGES)
    for expansion, kernel_size, stride, channels, count in STAGES:
        outputs, stage = multiple(channels * width), []
        for number in range(ceil(count * height)):
            window = kernel_size, 1 if number else stride
            stage.append(mbconv(inputs, outputs, *window, expansion, depth * done / blocks, **options))
            inputs, done = outputs, done + 1
        features.append(numbered(*stage))
    return sequential(
        block("features", *features, convolution(4 * inputs, 1)),
        *(AdaptiveAvgPool2D(1, name="avgpool"), Flatten()),
        block("classifier", Dropout(dropout), Linear(num_classes, init=init.normal(0.01))),
    )


@architecture
def efficientnet_b0(
    num_classes: int = 1000,
    dropout: float = 0.2,
    stochastic_depth_prob: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """EfficientNet-B0 (Tan and Le 2019 [69]), for images of 224 x 224: 5,288,548 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    stochastic_depth_prob : float
        The probability with which the last residual branches are left out for an image in training; that of the others
        grows from 0 on.
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
    >>> fastconv.graph.build(fastconv.models.efficientnet_b0(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return efficientnet(1.0, 1.0, num_classes, dropout, stochastic_depth_prob, eps=eps, same_padding=same_padding)


@architecture
def efficientnet_b1(
    num_classes: int = 1000,
    dropout: float = 0.2,
    stochastic_depth_prob: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """EfficientNet-B1 (Tan and Le 2019 [69]), for images of 240 x 240: 7,794,184 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    stochastic_depth_prob : float
        The probability with which the last residual branches are left out for an image in training; that of the others
        grows from 0 on.
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
    >>> fastconv.graph.build(fastconv.models.efficientnet_b1(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return efficientnet(1.0, 1.1, num_classes, dropout, stochastic_depth_prob, eps=eps, same_padding=same_padding)


@architecture
def efficientnet_b2(
    num_classes: int = 1000,
    dropout: float = 0.3,
    stochastic_depth_prob: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """EfficientNet-B2 (Tan and Le 2019 [69]), for images of 260 x 260: 9,109,994 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    stochastic_depth_prob : float
        The probability with which the last residual branches are left out for an image in training; that of the others
        grows from 0 on.
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
    >>> fastconv.graph.build(fastconv.models.efficientnet_b2(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return efficientnet(1.1, 1.2, num_classes, dropout, stochastic_depth_prob, eps=eps, same_padding=same_padding)


@architecture
def efficientnet_b3(
    num_classes: int = 1000,
    dropout: float = 0.3,
    stochastic_depth_prob: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """EfficientNet-B3 (Tan and Le 2019 [69]), for images of 300 x 300: 12,233,232 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    stochastic_depth_prob : float
        The probability with which the last residual branches are left out for an image in training; that of the others
        grows from 0 on.
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
    >>> fastconv.graph.build(fastconv.models.efficientnet_b3(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return efficientnet(1.2, 1.4, num_classes, dropout, stochastic_depth_prob, eps=eps, same_padding=same_padding)


@architecture
def efficientnet_b4(
    num_classes: int = 1000,
    dropout: float = 0.4,
    stochastic_depth_prob: float = 0.2,
    eps: float = 1e-5,
    same_padding: bool = False,
) -> Model:
    """EfficientNet-B4 (Tan and Le 2019 [69]), for images of 380 x 380: 19,341,616 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    dropout : float
        The probability with which a value before the dense layer is set to 0 in training.
    stochastic_depth_prob : float
        The probability with which the last residual branches are left out for an image in training; that of the others
        grows from 0 on.
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
    >>> fastconv.graph.build(fastconv.models.efficientnet_b4(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return efficientnet(1.4, 1.8, num_classes, dropout, stochastic_depth_prob, eps=eps, same_padding=same_padding)
