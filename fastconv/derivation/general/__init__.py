"""Any sequential network: the steps of Zhang 2016, each with the nearest equation of the paper.

Value 0 is the image, x^k the output of layer k, w^k and b^k its parameters, each Δ the gradient of L.

    windows.py      layers whose windows slide over planes, in loops
    elementwise.py  activations, batch norm, flatten, linear
    rules.py        which equation belongs to which layer
    losses.py       the losses
    steps.py        the steps
"""

from .steps import steps

__all__ = ["steps"]
