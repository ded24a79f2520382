"""SqueezeNet: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016."""

from functools import partial

from .. import init
from ..graph import concat, sequential
from ..layers import AdaptiveAvgPool2D, Conv2D, Dropout, Flatten, MaxPool2D, ReLU
from .parts import block

conv = partial(Conv2D, init="he_uniform")
pool = partial(MaxPool2D, 3, 2, ceil_mode=True)


def fire(squeeze, expand):
    """1 x 1 to few maps, then 1 x 1 and 3 x 3 side by side to `expand` maps each."""

    def model(x):
        x = sequential(conv(squeeze, 1, name="squeeze"), ReLU())(x)
        return concat(
            sequential(conv(expand, 1, name="expand1x1"), ReLU())(x),
            sequential(conv(expand, 3, padding=1, name="expand3x3"), ReLU())(x),
        )

    return model


def squeezenet(features, num_classes, dropout):
    """The features, a 1 x 1 convolution to the classes, and the mean of each map."""
    last = Conv2D(num_classes, 1, init=init.normal(0.01))
    return sequential(
        block("features", *features),
        block("classifier", Dropout(dropout), last, ReLU(), AdaptiveAvgPool2D(1)),
        Flatten(),
    )


def squeezenet1_0(num_classes=1000, dropout=0.5):
    """The network of the paper: 1,248,424 parameters."""
    features = [
        *(conv(96, 7, 2), ReLU(), pool(), fire(16, 64), fire(16, 64), fire(32, 128)),
        *(pool(), fire(32, 128), fire(48, 192), fire(48, 192), fire(64, 256)),
        *(pool(), fire(64, 256)),
    ]
    return squeezenet(features, num_classes, dropout)


def squeezenet1_1(num_classes=1000, dropout=0.5):
    """Earlier pools and a smaller first kernel, 2.4 times less work: 1,235,496 parameters."""
    features = [
        *(conv(64, 3, 2), ReLU(), pool(), fire(16, 64), fire(16, 64)),
        *(pool(), fire(32, 128), fire(32, 128)),
        *(pool(), fire(48, 192), fire(48, 192), fire(64, 256), fire(64, 256)),
    ]
    return squeezenet(features, num_classes, dropout)
