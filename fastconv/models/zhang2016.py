"""The network of Zhang 2016 [1]."""

from ..graph import sequential
from ..layers import AvgPool2D, Conv2D, Flatten, Linear, Sigmoid
from .blocks import Model, architecture


@architecture
def zhang2016() -> Model:
    """Exactly the network of Zhang 2016 [1], for images (1, 28, 28): 3,898 parameters.

    C1 = sigma(I * k1 + b1)    6 planes 24 x 24, true 5 x 5 convolution      eqs. 4, 5
    S1 = mean of 2 x 2         6 planes 12 x 12                              eq. 6
    C2 = sigma(S1 * k2 + b2)   12 planes 8 x 8                               eqs. 7, 8
    S2 = mean of 2 x 2         12 planes 4 x 4                               eq. 9
    f  = F(S2)                 192 values, each plane scanned by columns     eq. 10
    y  = sigma(W f + b)        10 values                                     eq. 12

    Biases start at 0, the rest uniform (eqs. 1 to 3). The loss is half the sum of squares (eq. 13): `losses.MSE()`.

    Returns
    -------
    model : function Node -> Node
        Gives y, (10,), each value between 0 and 1.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.zhang2016(), (1, 28, 28), seed=0)
    >>> network.summary().parameters
    3898
    """
    return sequential(
        Conv2D(6, 5, rotate=True, name="conv1"),
        Sigmoid(),
        AvgPool2D(2),
        Conv2D(12, 5, rotate=True, name="conv2"),
        Sigmoid(),
        AvgPool2D(2),
        Flatten(order="column"),
        Linear(10, name="fc"),
        Sigmoid(),
    )
