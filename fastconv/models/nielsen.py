"""The network of the post on chapter 6 of Nielsen's book [2]: Nielsen 2015 [51]."""

from ..graph import sequential
from ..layers import Conv2D, Flatten, Linear, LpPool2D, MaxPool2D, Sigmoid
from ..ops import check
from .blocks import Model, architecture


@architecture
def nielsen(pool: str = "max", maps: int = 20, classes: int = 10) -> Model:
    """One convolution (5 x 5, sigmoid), one pooling (2 x 2) and one dense layer: the post [2] on Nielsen 2015 [51].

    Parameters
    ----------
    pool : "max" or "l2"
        "l2" is the root of the sum of squares.
    maps : int
        The number of channels (maps) that the convolution makes.
    classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (classes,), for `losses.CrossEntropy()`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.nielsen(pool="l2"), (1, 28, 28), seed=0).summary().parameters
    29330
    """
    check.choice(pool, "pool", ("max", "l2"))
    return sequential(
        Conv2D(maps, 5, name="conv1"),
        Sigmoid(),
        MaxPool2D(2) if pool == "max" else LpPool2D(2),
        Flatten(),
        Linear(classes, name="fc"),
    )
