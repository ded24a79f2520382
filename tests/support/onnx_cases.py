"""All layers with their settings, and networks of one of them with random weights, to be written as ONNX and read."""

import numpy as np

from fastconv import Network, layers
from fastconv.models.convnext import LayerScale, PixelLinear
from fastconv.models.resnet_cifar import Shortcut

__all__ = ["CASES", "IMAGE", "filled"]

IMAGE, SIGNAL, VECTOR, TOKENS = (4, 7, 6), (4, 10), (12,), (6, 4)
RULES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
AXES = ("channels", "last")
SIZES = (1, (7, 3), (3, 4), (9, 8))  # of the result: one that divides the plane, others that do not
PADDING = ((1, 0), (2, 1))
INF = float("inf")
POSITIVE = layers.Sqrt, layers.Reciprocal  # of values well above 0
NO_YES = (False, True)


def images(*layers):
    """For images alone."""
    return [(layer, IMAGE) for layer in layers]


def both(*layers):
    """For images and for vectors."""
    return [(layer, shape) for layer in layers for shape in (IMAGE, VECTOR)]


def signals(*layers):
    """For signals."""
    return [(layer, SIGNAL) for layer in layers]


CASES = [
    *both(layers.ReLU(), layers.ReLU6(), layers.SiLU(), layers.HardSwish(), layers.Softmax(), layers.LogSoftmax()),
    *images(layers.HardSigmoid(), layers.Sigmoid(), layers.Tanh(), layers.Dropout(0.3), layers.StochasticDepth(0.2)),
    *images(
        layers.GELU(), layers.GELU("tanh"), layers.ELU(), layers.ELU(0.3), layers.LeakyReLU(), layers.LeakyReLU(-4)
    ),
    *images(layers.Exp(), layers.Sqrt(), layers.Reciprocal(), layers.Softmax(axis=2), layers.LogSoftmax(axis=1)),
    *images(layers.Affine(np.arange(42.0).reshape(7, 6) / 42 - 0.5, np.arange(4.0).reshape(4, 1, 1))),
    *images(layers.Affine(shift=np.arange(168.0).reshape(4, 7, 6)), layers.Affine((1, -2, 3, 4), np.ones((1, 6)))),
    *((layers.Affine(np.arange(24.0).reshape(6, 4)), TOKENS), (layers.Softmax(axis=1), TOKENS)),
    *images(layers.Mish(), layers.SELU(), layers.CELU(), layers.CELU(0.3), layers.Softsign(), layers.LogSigmoid()),
    *both(layers.Hardtanh(), layers.Hardtanh(-0.3, 0.1), layers.Hardtanh(-INF, 0.2), layers.Hardtanh(0.2, INF)),
    *both(layers.Threshold(0.2, -3), layers.Threshold(-0.5, 7)),
    *both(layers.PReLU(), layers.PReLU(shared=False)),
    *images(layers.Softplus(), layers.Softplus(2.5), layers.Softplus(0.7, 0.5), layers.Softplus(1, -1)),
    *images(
        layers.Conv2D(6, 3),
        layers.Conv2D(6, (3, 2), stride=(2, 1), padding=PADDING, dilation=(1, 2), bias=False),
        *(layers.Conv2D(6, (3, 4), stride=2, padding=padding, groups=2) for padding in ("same", "full", "valid")),
        layers.Conv2D(6, 3, padding=1, rotate=True),
        layers.Conv2D(6, 3, stride=100, padding=1),
        layers.Conv2D(6, 3, activation="relu"),
        layers.DepthwiseConv2D(3, stride=2, padding=1, multiplier=2),
        layers.DepthwiseConv2D(3, rotate=True, bias=False),
        layers.SeparableConv2D(5, 3, padding="same", dilation=2),
        layers.SeparableConv2D(5, (2, 3), stride=2, bias=False),
    ),
    *images(
        layers.ConvTranspose2D(6, 3),
        layers.ConvTranspose2D(6, (3, 4), stride=(3, 2), padding=PADDING, output_padding=(2, 1), groups=2),
        layers.ConvTranspose2D(6, 2, stride=2, padding="multiple", bias=False),
        layers.ConvTranspose2D(6, 1, stride=(2, 3), padding="multiple"),  # an output padding as large as the stride
        layers.ConvTranspose2D(6, 2, dilation=3, output_padding=2),
        layers.ConvTranspose2D(6, 2, dilation=4, padding=1, output_padding=(3, 1)),
        layers.ConvTranspose2D(6, 3, stride=2, dilation=5, padding=(0, 3), output_padding=(4, 3)),
    ),
    *((layers.Linear(5, bias=bias), shape) for bias in NO_YES for shape in (VECTOR, TOKENS)),
    *images(
        layers.MaxPool2D(2),
        layers.MaxPool2D((3, 2), (2, 1), PADDING[::-1]),
        layers.MaxPool2D(2, 3, ceil_mode=True),
        layers.MaxPool2D(3, 2, 1, ceil_mode=True),
        layers.MaxPool2D(2, 1, 2, dilation=3),  # padding of the size of the undilated window
    ),
    *images(
        layers.AvgPool2D(2),
        *(layers.AvgPool2D(3, 2, 1, ceil_mode=up, count_include_pad=pad) for up in NO_YES for pad in NO_YES),
        layers.AvgPool2D((2, 4), 3, (1, 2), ceil_mode=True),
        layers.AvgPool2D(3, 2, 1, ceil_mode=True, divisor_override=5),
        layers.AvgPool2D(3, 2, 1, count_include_pad=False, divisor_override=4),
    ),
    *images(
        *(layers.LpPool2D(3, stride=2, norm_type=p) for p in (1, 2, 3, 2.5)),
        layers.LpPool2D(2, stride=3, ceil_mode=True),
        layers.LpPool2D((2, 3), stride=2, norm_type=1.5, ceil_mode=True),
    ),
    *images(*(layers.AdaptiveAvgPool2D(size) for size in SIZES), *(layers.AdaptiveMaxPool2D(size) for size in SIZES)),
    *signals(
        layers.Conv1D(6, 3, stride=2, padding=(1, 0), dilation=2, groups=2),
        layers.Conv1D(6, 4, padding="same", bias=False),
        layers.ConvTranspose1D(6, 3, stride=2, padding=1, output_padding=1, groups=2),
        layers.ConvTranspose1D(6, 2, dilation=4, padding=1, output_padding=3),
        layers.MaxPool1D(3, 2, 1, ceil_mode=True),
        layers.MaxPool1D(2, 1, 2, dilation=3),
        layers.AvgPool1D(3, 2, 1, ceil_mode=True),
        layers.AvgPool1D(3, 2, 1, count_include_pad=False),
        *(layers.AdaptiveAvgPool1D(size) for size in (1, 5, 4, 13)),
        *(layers.AdaptiveMaxPool1D(size) for size in (1, 5, 4, 13)),
        *(layers.GlobalAvgPool1D(), layers.GlobalMaxPool1D(), layers.BatchNorm(), layers.PReLU(shared=False)),
        *(layers.GroupNorm(2), layers.InstanceNorm(affine=True), layers.LocalResponseNorm(2), layers.Softmax()),
        *(layers.ChannelScale(), layers.Affine((1, 2, 3, 4), 5), layers.Flatten(), layers.Flatten(order="column")),
    ),
    *images(layers.GlobalAvgPool2D(), layers.GlobalMaxPool2D()),
    *both(*(layers.BatchNorm(affine=affine, eps=0.01, momentum=0.3) for affine in NO_YES)),
    *both(*(layers.GroupNorm(groups, affine=affine, eps=0.01) for groups in (1, 2, 4) for affine in NO_YES)),
    *images(*(layers.InstanceNorm(affine=affine, eps=0.01) for affine in NO_YES)),
    *both(*(layers.LayerNorm(affine=affine, eps=0.01) for affine in NO_YES)),
    *both(*(layers.LayerNorm(axis=axis, affine=affine, eps=0.01) for axis in AXES for affine in NO_YES)),
    *((layers.LayerNorm(axis=axis, eps=0.01), TOKENS) for axis in AXES),
    *both(*(layers.LocalResponseNorm(size, 0.5, 0.6, 1.5) for size in (1, 2, 3, 4, 5, 99))),
    *both(layers.ChannelScale(), layers.Affine(), layers.Affine(2), layers.Affine(1, 0.5), layers.Affine(-0.5, 3)),
    *images(layers.Affine((1, 2, 3, 4), -1), layers.Affine(0.5, (1, 2, 3, 4))),
    *both(layers.Flatten(), layers.Flatten(order="column")),
    *images(layers.Reshape((6, -1)), layers.Reshape(168), layers.Permute((1, 2, 0))),
    *((layer, TOKENS) for layer in (layers.Reshape((2, 3, 4)), layers.Permute((1, 0)))),
    *images(layers.ZeroPad2D((1, 2, 0, 3)), layers.ReflectionPad2D((1, 2, 0, 3)), layers.ReplicationPad2D(2)),
    *images(
        *(layers.Upsample((2, 3)), layers.Upsample(1.5), layers.Upsample((0.7, 1.3)), layers.Upsample(size=(5, 12))),
        *(layers.Upsample(size=size, mode="bilinear") for size in (1, (14, 9), (5, 6), (7, 13))),
        *(layers.Upsample(size=size, mode="bilinear", align_corners=True) for size in (1, (14, 9), (5, 6))),
        *(layers.Upsample(factor, mode="bilinear") for factor in (2, 0.5, (1.3, 2.1))),
        layers.Upsample(2.3, mode="bilinear", align_corners=True),
        *(layers.Upsample(size=(9, 4), mode="bilinear", coordinate_transformation_mode=rule) for rule in RULES),
        layers.Upsample(2, coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor"),
    ),
    *images(layers.PixelShuffle(2), layers.PixelShuffle(2, mode="DCR"), layers.ChannelShuffle(2)),
    *((layers.PixelUnshuffle(2, mode=mode), (2, 4, 6)) for mode in ("CRD", "DCR")),
    (layers.MainHead(4), VECTOR),
    *images(Shortcut(6, 2), Shortcut(4, 3), PixelLinear(5), LayerScale()),
]


def filled(model, shape, dtype):
    """A network whose parameters and running statistics are random, and four images; infinities among no values."""
    network, rng = Network(model, shape, dtype, seed=0), np.random.default_rng(1)
    for array in network.arrays().values():
        if array.dtype.kind == "f":
            array[...] = rng.uniform(0.3, 1.5, array.shape)
    x = rng.standard_normal((4, *shape)).astype(dtype)
    return network, 0.3 + abs(x) if isinstance(network.nodes[-1].layer, POSITIVE) else x
