"""MobileNet: Howard et al. 2017 [49], table 1."""

from typing import Any

from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, Flatten, Linear
from .blocks import Model, architecture, block, conv_bn, conv_bn_block, numbered

# (channels, stride) of each depthwise separable convolution
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *[(512, 1)] * 5,
    *((1024, 2), (1024, 1)),
)


def separable(inputs: int, channels: int, stride: int, **options: Any) -> Model:
    """A 3 x 3 filter per channel, then a 1 x 1 convolution: layers "0" to "5"; `options` are those of `conv_bn`."""
    return numbered(*conv_bn(inputs, 3, stride, 1, groups=inputs, **options), *conv_bn(channels, 1, **options))


def scaled(channels: int, width_mult: float) -> int:
    """The channels times the multiplier, rounded down, at least 8."""
    return max(8, int(channels * width_mult))


@architecture
def mobilenet_v1(
    num_classes: int = 1000, width_mult: float = 1.0, eps: float = 1e-5, same_padding: bool = False
) -> Model:
    """MobileNet (Howard et al. 2017 [49]): depthwise separable convolutions, 4,231,976 parameters.

    torchvision has no such network; names are like those of `mobilenet_v2`.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    width_mult : float
        The paper's alpha: multiplies the channels of every layer.
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
    >>> fastconv.Network(fastconv.models.mobilenet_v1(), (3, 32, 32), seed=0).summary().parameters
    4231976
    >>> fastconv.Network(fastconv.models.mobilenet_v1(width_mult=0.25), (3, 32, 32), seed=0).summary().parameters
    470072
    """
    inputs = scaled(32, width_mult)
    options: dict[str, Any] = {"eps": eps, "same_padding": same_padding}
    features = [conv_bn_block(inputs, 3, 2, 1, **options)]
    for channels, stride in SEPARABLE:
        features.append(separable(inputs, scaled(channels, width_mult), stride, **options))
        inputs = scaled(channels, width_mult)
    return sequential(
        block("features", *features),
        *(AdaptiveAvgPool2D(1), Flatten()),
        Linear(num_classes, init="fan_in_uniform", bias_init="zeros", name="classifier"),
    )
