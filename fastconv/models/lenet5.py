"""LeNet-5: LeCun, Bottou, Bengio and Haffner 1998 [41]."""

from ..graph import sequential
from ..layers import AvgPool2D, Conv2D, Flatten, Linear, Tanh
from ..typing import Padding
from .blocks import Model, architecture


@architecture
def lenet5(num_classes: int = 10, padding: Padding = 2) -> Model:
    """LeNet-5 (LeCun et al. 1998 [41]): two convolutions with mean pooling, then three dense layers.

    61,706 parameters on images (1, 28, 28). As is usual today the third layer of the paper, C3, reads all channels, the
    pools have no coefficients, and the output is logits.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    padding
        Of the first convolution. 2 surrounds the 28 x 28 digits of MNIST to the 32 x 32 that the paper feeds; 0 is for
        images of 32 x 32.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,), for `losses.CrossEntropy()`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.lenet5(), (1, 28, 28), seed=0).summary().parameters
    61706
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
