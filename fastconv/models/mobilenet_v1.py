"""MobileNet: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision", 2017, table 1."""

from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, Flatten, Linear
from .parts import block, conv_bn, conv_bn_block, numbered

# (channels, stride) of each depthwise separable convolution
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *[(512, 1)] * 5,
    *((1024, 2), (1024, 1)),
)


def separable(inputs, channels, stride):
    """A 3 x 3 filter for each channel, then 1 x 1: layers "0" to "5"."""
    return numbered(*conv_bn(inputs, 3, stride, 1, groups=inputs), *conv_bn(channels, 1))


def scaled(channels, width_mult):
    return max(8, int(channels * width_mult))


def mobilenet_v1(num_classes=1000, width_mult=1.0):
    """Depthwise separable convolutions: 4,231,976 parameters.

    `width_mult` is the paper's alpha, on the channels of every layer. torchvision has no such network; names follow
    those of `mobilenet_v2`.
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
