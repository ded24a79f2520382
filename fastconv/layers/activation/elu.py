"""ELU: a rectifier with an exponential below 0.

y = x where x > 0, else alpha (exp(x) - 1)    dx = dy where x > 0, else dy alpha exp(x)     Clevert 2015 [16]
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation, check
from ...typing import Call
from .common import FromInput


class ELU(FromInput):
    """The exponential linear unit: y = x where x > 0, else alpha (exp(x) - 1).

    (N, ...) -> (N, ...), the same shape.

    By position: alpha; the rest by name.

    Parameters
    ----------
    alpha : float, default 1.0
        -alpha is the limit of y at -inf.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at 0 is alpha; NaN stays NaN. Clevert 2015 [16].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ELU(), (2,)).predict(np.array([-100.0, 2.0], "float32"))
    array([-1.,  2.], dtype=float32)
    """

    kind = "elu"

    alpha = Argument(check.number)

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.alpha = alpha

    def forward(self, b: Bound) -> list[Call]:
        """y = x where x > 0, else alpha (exp(x) - 1)"""
        return [activation.elu_call(b.x, b.y, self.alpha)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy where x > 0, else dy alpha exp(x)"""
        return [activation.elu_backward_call(b.dy, b.x, b.dx, self.alpha)]
