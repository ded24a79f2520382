"""Several passes of convolution and pooling, one after another: the question about a chain of passes, 2016 [4]."""

from collections.abc import Sequence

from ..graph import sequential
from ..layer import Layer
from ..layers import AvgPool2D, Conv2D, Flatten, Linear, LpPool2D, MaxPool2D, ReLU, Sigmoid, Tanh
from ..ops import check
from ..typing import Padding, Pair
from .blocks import Model, architecture

ACTIVATIONS = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU}
POOLS = {"mean": AvgPool2D, "max": MaxPool2D, "l2": LpPool2D}


@architecture
def chain(
    maps: Sequence[int] = (6, 12),
    kernel_size: Pair = 5,
    padding: Padding = 0,
    activation: str = "relu",
    pool: str = "max",
    pool_size: Pair = 2,
    classes: int = 10,
) -> Model:
    """Passes of convolution, activation and pooling, one per entry of `maps`, then a dense layer.

    It answers a question of 2016, how the error passes through a chain of passes [4]: in every pass in the same way,
    through pooling to the maxima or to all pixels alike, through the activation by its slope, through the convolution
    by the full convolution with the rotated kernel.

    Parameters
    ----------
    maps : sequence of int
        The number of channels (maps) that each convolution makes.
    kernel_size, padding
        Of every convolution, as in `conv2d`.
    activation : "sigmoid", "tanh" or "relu"
    pool : "mean", "max" or "l2"
    pool_size : int or (kh, kw)
        The window and stride of every pooling.
    classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (classes,), for `losses.CrossEntropy()`.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.chain((4, 6, 8), 3, padding=1, classes=7), (3, 32, 32), seed=0)
    >>> network.output_shape
    (7,)
    >>> list(network.parameters)[::2]
    ['conv1.weight', 'conv2.weight', 'conv3.weight', 'fc.weight']
    """
    check.choice(activation, "activation", tuple(ACTIVATIONS))
    check.choice(pool, "pool", tuple(POOLS))
    passes: list[Layer] = []
    for number, channels in enumerate(maps, 1):
        passes += [
            Conv2D(channels, kernel_size, padding=padding, name=f"conv{number}"),
            ACTIVATIONS[activation](),
            POOLS[pool](pool_size),
        ]
    return sequential(*passes, Flatten(), Linear(classes, name="fc"))
