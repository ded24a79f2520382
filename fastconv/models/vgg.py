"""VGG: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015, table 1."""

from .. import init
from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, BatchNorm, Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU
from .parts import block

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def vgg(depth, num_classes=1000, dropout=0.5, batch_norm=False):
    """3 x 3 convolutions in five stages, a 2 x 2 max pool after each, then three dense layers."""
    features = []
    for width, count in zip(WIDTHS, DEPTHS[depth], strict=True):
        for _ in range(count):
            features += [Conv2D(width, 3, padding=1, init="he_normal_out")]
            features += [BatchNorm(), ReLU()] if batch_norm else [ReLU()]
        features.append(MaxPool2D(2))
    return sequential(
        block("features", *features),
        AdaptiveAvgPool2D(7, name="avgpool"),
        Flatten(),
        block(
            "classifier",
            *(Linear(4096, init=init.normal(0.01)), ReLU(), Dropout(dropout)),
            *(Linear(4096, init=init.normal(0.01)), ReLU(), Dropout(dropout)),
            Linear(num_classes, init=init.normal(0.01)),
        ),
    )


def vgg11(num_classes=1000, dropout=0.5):
    """Eleven layers with weights: 132,863,336 parameters."""
    return vgg(11, num_classes, dropout)


def vgg13(num_classes=1000, dropout=0.5):
    """Thirteen layers with weights: 133,047,848 parameters."""
    return vgg(13, num_classes, dropout)


def vgg16(num_classes=1000, dropout=0.5):
    """Sixteen layers with weights: 138,357,544 parameters."""
    return vgg(16, num_classes, dropout)


def vgg19(num_classes=1000, dropout=0.5):
    """Nineteen layers with weights: 143,667,240 parameters."""
    return vgg(19, num_classes, dropout)


def vgg11_bn(num_classes=1000, dropout=0.5):
    """`vgg11` with batch normalisation after each convolution."""
    return vgg(11, num_classes, dropout, batch_norm=True)


def vgg13_bn(num_classes=1000, dropout=0.5):
    """`vgg13` with batch normalisation after each convolution."""
    return vgg(13, num_classes, dropout, batch_norm=True)


def vgg16_bn(num_classes=1000, dropout=0.5):
    """`vgg16` with batch normalisation after each convolution."""
    return vgg(16, num_classes, dropout, batch_norm=True)


def vgg19_bn(num_classes=1000, dropout=0.5):
    """`vgg19` with batch normalisation after each convolution."""
    return vgg(19, num_classes, dropout, batch_norm=True)
