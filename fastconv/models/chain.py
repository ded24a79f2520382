"""Several passes of convolution and pooling, one after another: the question of the third source."""

from ..graph import sequential
from ..layers import AvgPool2D, Conv2D, Flatten, Linear, LpPool2D, MaxPool2D, ReLU, Sigmoid, Tanh
from ..ops import check

ACTIVATIONS = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU}
POOLS = {"mean": AvgPool2D, "max": MaxPool2D, "l2": LpPool2D}


def chain(maps=(6, 12), kernel_size=5, padding=0, activation="relu", pool="max", pool_size=2, classes=10):
    """As many passes as `maps` has entries: convolution to that many maps, activation, pooling; then an output layer.

    The error travels back through any number of passes in the same way: through pooling to the winners or to all
    alike, through the activation by its slope, through the convolution by the full convolution with the turned kernel.
    The output is logits, for `losses.CrossEntropy()`.
    """
    check.choice(activation, "activation", tuple(ACTIVATIONS))
    check.choice(pool, "pool", tuple(POOLS))
    passes = []
    for number, channels in enumerate(maps, 1):
        passes += [
            Conv2D(channels, kernel_size, padding=padding, name=f"conv{number}"),
            ACTIVATIONS[activation](),
            POOLS[pool](pool_size),
        ]
    return sequential(*passes, Flatten(), Linear(classes, name="fc"))
