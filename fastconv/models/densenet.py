"""DenseNet: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", 2017, table 1."""

from ..graph import concat, scope, sequential
from ..layers import AdaptiveAvgPool2D, AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU
from .parts import scoped

BOTTLENECK = 4  # a layer's 1 x 1 convolution makes this many times the maps it adds


def conv(channels, kernel_size, stride=1, name=None):
    return Conv2D(channels, kernel_size, stride, kernel_size // 2, bias=False, init="he_normal", name=name)


def dense_layer(growth):
    """The maps it adds to all before it."""
    return sequential(
        *(BatchNorm(name="norm1"), ReLU(name="relu1"), conv(BOTTLENECK * growth, 1, name="conv1")),
        *(BatchNorm(name="norm2"), ReLU(name="relu2"), conv(growth, 3, name="conv2")),
    )


def dense_block(growth, count):
    """Each layer reads the maps of all before it: concat of a concat, which the executor stores once."""

    def model(x):
        for number in range(1, count + 1):
            with scope(f"denselayer{number}"):
                x = concat(x, dense_layer(growth)(x))
        return x

    return model


def transition(x):
    """Half the maps, half their height and width."""
    return sequential(
        *(BatchNorm(name="norm"), ReLU(name="relu"), conv(x.shape[0] // 2, 1, name="conv")),
        AvgPool2D(2, name="pool"),
    )(x)


def densenet(growth, counts, first, num_classes=1000):
    """A 7 x 7 convolution and a pool, dense blocks with transitions between, the mean of each map, a dense layer."""
    features = [
        *(conv(first, 7, 2, name="conv0"), BatchNorm(name="norm0"), ReLU(name="relu0")),
        MaxPool2D(3, 2, 1, name="pool0"),
    ]
    for number, count in enumerate(counts, 1):
        features.append(scoped(f"denseblock{number}", dense_block(growth, count)))
        if number < len(counts):
            features.append(scoped(f"transition{number}", transition))
    return sequential(
        scoped("features", sequential(*features, BatchNorm(name="norm5"))),
        *(ReLU(), AdaptiveAvgPool2D(1), Flatten()),
        Linear(num_classes, init="fan_in_uniform", name="classifier"),
    )


def densenet121(num_classes=1000):
    """7,978,856 parameters."""
    return densenet(32, (6, 12, 24, 16), 64, num_classes)


def densenet161(num_classes=1000):
    """28,681,000 parameters."""
    return densenet(48, (6, 12, 36, 24), 96, num_classes)


def densenet169(num_classes=1000):
    """14,149,480 parameters."""
    return densenet(32, (6, 12, 32, 32), 64, num_classes)


def densenet201(num_classes=1000):
    """20,013,928 parameters."""
    return densenet(32, (6, 12, 48, 32), 64, num_classes)
