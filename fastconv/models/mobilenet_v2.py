"""MobileNetV2: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, table 2."""

from functools import partial

from .. import init
from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU6
from .parts import block, conv_bn_block

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


def scaled(channels, width_mult):
    """The multiple of 8 nearest to channels width_mult, but not below nine tenths of it."""
    wanted = channels * width_mult
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def inverted_residual(inputs, channels, stride, expansion):
    """1 x 1 to more channels, 3 x 3 by channel, 1 x 1 to few, without activation; beside it x where shapes agree."""
    hidden = inputs * expansion
    parts = [convolution(hidden, 1)] if expansion != 1 else []
    parts += [
        convolution(hidden, 3, stride, 1, groups=hidden),
        Conv2D(channels, 1, bias=False, init="he_normal_out"),
        BatchNorm(),
    ]
    inside = block("conv", *parts)

    def model(x):
        return x + inside(x) if stride == 1 and inputs == channels else inside(x)

    return model


def mobilenet_v2(num_classes=1000, width_mult=1.0, dropout=0.2):
    """Inverted residuals with linear bottlenecks: 3,504,872 parameters."""
    inputs, last = scaled(32, width_mult), scaled(1280, max(1.0, width_mult))
    features = [convolution(inputs, 3, 2, 1)]
    for expansion, channels, count, stride in STAGES:
        outputs = scaled(channels, width_mult)
        for number in range(count):
            features.append(inverted_residual(inputs, outputs, 1 if number else stride, expansion))
            inputs = outputs
    return sequential(
        block("features", *features, convolution(last, 1)),
        *(AdaptiveAvgPool2D(1), Flatten()),
        block("classifier", Dropout(dropout), Linear(num_classes, init=init.normal(0.01))),
    )
