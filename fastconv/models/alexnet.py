"""AlexNet: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012."""

from functools import partial

from .. import init
from ..graph import sequential
from ..layers import AdaptiveAvgPool2D, Conv2D, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2D, ReLU
from .parts import block


def alexnet(num_classes=1000, dropout=0.5, original=False):
    """Five convolutions and three dense layers, for images (3, 224, 224) or any that leave a pixel.

    Names and shapes are torchvision's (one tower, "One weird trick", 2014): 61,100,840 parameters. With
    ``original=True`` the network of 2012: two groups, local response normalisation, 60,965,224 parameters and
    659,272 neurons; its layers are called conv1 to conv5 and fc6 to fc8.
    """
    return krizhevsky(num_classes, dropout) if original else one_tower(num_classes, dropout)


def one_tower(num_classes, dropout):
    conv, linear = (partial(kind, init="fan_in_uniform", bias_init="fan_in_uniform") for kind in (Conv2D, Linear))
    features = [conv(64, 11, 4, 2), ReLU(), MaxPool2D(3, 2), conv(192, 5, padding=2), ReLU(), MaxPool2D(3, 2)]
    for channels in (384, 256, 256):
        features += [conv(channels, 3, padding=1), ReLU()]
    return sequential(
        block("features", *features, MaxPool2D(3, 2)),
        AdaptiveAvgPool2D(6, name="avgpool"),
        Flatten(),
        block(
            "classifier",
            *(Dropout(dropout), linear(4096), ReLU()),
            *(Dropout(dropout), linear(4096), ReLU()),
            linear(num_classes),
        ),
    )


def krizhevsky(num_classes, dropout):
    """Sections 3.1 to 3.5: weights N(0, 0.01^2); biases 1 in conv2, conv4, conv5 and the hidden dense layers, else 0.

    alpha = 1e-4 is written there without the division by the five channels of the window.
    """
    conv, linear = (partial(kind, init=init.normal(0.01)) for kind in (Conv2D, Linear))
    normalised = partial(LocalResponseNorm, 5, alpha=5e-4, beta=0.75, k=2.0)
    ones = {"bias_init": "ones"}
    return sequential(
        *(conv(96, 11, 4, 2, name="conv1"), ReLU(), normalised(), MaxPool2D(3, 2)),
        *(conv(256, 5, padding=2, groups=2, name="conv2", **ones), ReLU(), normalised(), MaxPool2D(3, 2)),
        *(conv(384, 3, padding=1, name="conv3"), ReLU()),
        *(conv(384, 3, padding=1, groups=2, name="conv4", **ones), ReLU()),
        *(conv(256, 3, padding=1, groups=2, name="conv5", **ones), ReLU(), MaxPool2D(3, 2)),
        Flatten(),
        *(linear(4096, name="fc6", **ones), ReLU(), Dropout(dropout)),
        *(linear(4096, name="fc7", **ones), ReLU(), Dropout(dropout)),
        linear(num_classes, name="fc8"),
    )
