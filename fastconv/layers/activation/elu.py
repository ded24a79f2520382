"""Rectifiers with an exponential below 0.

elu    y = x where x > 0, else a (exp(x) - 1)        dx = dy where x > 0, else dy a exp(x)        Clevert 2015 [16]
selu   y = s x where x > 0, else s a (exp(x) - 1)    dx = s dy where x > 0, else dy s a exp(x)    Klambauer 2017 [73]
celu   y = x where x > 0, else a (exp(x / a) - 1)    dx = dy where x > 0, else dy exp(x / a)      Barron 2017 [74]
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation, check
from ...ops.elementwise import positive
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


class SELU(FromInput):
    """The scaled exponential linear unit: y = s x where x > 0, else s a (exp(x) - 1).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    s = 1.0507009873554805, a = 1.6732632423543772. The slope at 0 is s a; NaN stays NaN. Klambauer 2017 [73].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.SELU(), (2,)).predict(np.array([-100.0, 2.0], "float32"))
    array([-1.7580993,  2.101402 ], dtype=float32)
    """

    kind = "selu"

    def forward(self, b: Bound) -> list[Call]:
        """y = s x where x > 0, else s a (exp(x) - 1)"""
        return [activation.selu_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = s dy where x > 0, else dy s a exp(x)"""
        return [activation.selu_backward_call(b.dy, b.x, b.dx)]


class CELU(FromInput):
    """ELU with slope 1 at 0 for every alpha: y = x where x > 0, else alpha (exp(x / alpha) - 1).

    (N, ...) -> (N, ...), the same shape.

    By position: alpha; the rest by name.

    Parameters
    ----------
    alpha : float > 0, default 1.0
        -alpha is the limit of y at -inf.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    NaN stays NaN. Barron 2017 [74].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.CELU(2.0), (2,)).predict(np.array([-100.0, 2.0], "float32"))
    array([-2.,  2.], dtype=float32)
    """

    kind = "celu"

    alpha = Argument(positive)

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.alpha = alpha

    def forward(self, b: Bound) -> list[Call]:
        """y = x where x > 0, else alpha (exp(x / alpha) - 1)"""
        return [activation.celu_call(b.x, b.y, self.alpha)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy where x > 0, else dy exp(x / alpha)"""
        return [activation.celu_backward_call(b.dy, b.x, b.dx, self.alpha)]
