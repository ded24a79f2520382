"""MobileNet: Howard et al. 2017 [49], table 1."""

from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, Flatten, Linear
from .blocks import Model, architecture, block, conv_bn, conv_bn_block, numbered

# (channels, stride) of each depthwise separable convolution
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *[(512, 1)] * 5,
    *((1024, 2), (1024, 1)),
)


def separable(inputs: int, channels: int, stride: int) -> Model:
    """A 3 x 3 filter per channel, then a 1 x 1 convolution: layers "0" to "5"."""
    return numbered(*conv_bn(inputs, 3, stride, 1, groups=inputs), *conv_bn(channels, 1))


def scaled(channels: int, width_mult: float) -> int:
    """The channels times the multiplier, rounded down, at least 8."""
    return max(8, int(channels * width_mult))


@architecture
def mobilenet_v1(num_classes: int = 1000, width_mult: float = 1.0) -> Model:
    """MobileNet (Howard et al. 2017 [49]): depthwise separable convolutions, 4,231,976 parameters.

    torchvision has no such network; names are like those of `mobilenet_v2`.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    width_mult : float
        The paper's alpha: multiplies the channels of every layer.

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
    features = [conv_bn_block(inputs, 3, 2, 1)]
    for channels, stride in SEPARABLE:
        features.append(separable(inputs, scaled(channels, width_mult), stride))
        inputs = scaled(channels, width_mult)
    return sequential(
        block("features", *features),
        *(AdaptiveAvgPool2D(1), Flatten()),
        Linear(num_classes, init="fan_in_uniform", bias_init="zeros", name="classifier"),
    )
