"""The network of the first source, after chapter 6 of Michael Nielsen's "Neural networks and deep learning"."""

from ..graph import sequential
from ..layers import Conv2D, Flatten, Linear, LpPool2D, MaxPool2D, Sigmoid
from ..ops import check


def nielsen(pool="max", maps=20, classes=10):
    """One convolutional layer (5 x 5, sigmoid), one pooling layer (2 x 2), one output layer.

    `pool` is "max" or "l2" (the root of the sum of squares). The output is logits, for `losses.CrossEntropy()`.
    """
    check.choice(pool, "pool", ("max", "l2"))
    return sequential(
        Conv2D(maps, 5, name="conv1"),
        Sigmoid(),
        MaxPool2D(2) if pool == "max" else LpPool2D(2),
        Flatten(),
        Linear(classes, name="fc"),
    )
