"""LeNet-5, after LeCun et al., "Gradient-based learning applied to document recognition", 1998."""

from ..graph import sequential
from ..layers import AvgPool2D, Conv2D, Flatten, Linear, Tanh


def lenet5(num_classes=10, padding=2):
    """Two convolutions with mean pooling, then three dense layers: 61,706 parameters on images (1, 28, 28).

    `padding` surrounds the 28 x 28 digits of MNIST to the 32 x 32 that the paper feeds; 0 takes images that large.
    As is usual today C3 reads all maps, the pools have no coefficients, and the output is logits, for
    `losses.CrossEntropy()`.
    """
    return sequential(
        Conv2D(6, 5, padding=padding, name="conv1"),
        Tanh(),
        AvgPool2D(2),
        Conv2D(16, 5, name="conv2"),
        Tanh(),
        AvgPool2D(2),
        Flatten(),
        Linear(120, name="fc1"),
        Tanh(),
        Linear(84, name="fc2"),
        Tanh(),
        Linear(num_classes, name="fc3"),
    )
