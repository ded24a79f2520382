"""Softplus and what is made of it.

softplus     y = log(1 + exp(beta x)) / beta    dx = dy / (1 + exp(-beta x))   Dugas 2000 [19]
mish         y = x t, t = tanh(log(1 + exp x))  dx = dy (t + x (1 - t^2) s), s = 1 / (1 + exp(-x))   Misra 2020 [76]
logsigmoid   y = -log(1 + exp(-x))              dx = dy / (1 + exp(x))
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation, check
from ...ops.elementwise import positive
from ...typing import Call
from .common import FromInput


class Softplus(FromInput):
    """A smooth rectifier: y = log(1 + exp(beta x)) / beta, and x where beta x > threshold.

    (N, ...) -> (N, ...), the same shape.

    By position: beta and threshold; the rest by name.

    Parameters
    ----------
    beta : float > 0, default 1.0
        The larger it is, the nearer y is to max(x, 0).
    threshold : float, default 20.0
        Where beta x is larger, y = x.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 at -inf; NaN stays NaN. Dugas 2000 [19].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Softplus(), (2,)).predict(np.array([-1000.0, 50.0], "float32"))
    array([ 0., 50.], dtype=float32)
    """

    kind = "softplus"

    beta = Argument(positive)
    threshold = Argument(check.number)

    def __init__(self, beta: float = 1.0, threshold: float = 20.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.beta, self.threshold = beta, threshold

    def forward(self, b: Bound) -> list[Call]:
        """y = log(1 + exp(beta x)) / beta"""
        return [activation.softplus_call(b.x, b.y, self.beta, self.threshold)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy / (1 + exp(-beta x))"""
        return [activation.softplus_backward_call(b.dy, b.x, b.dx, self.beta, self.threshold)]


class Mish(FromInput):
    """A smooth rectifier: y = x tanh(log(1 + exp(x))).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 at -inf; NaN stays NaN. Misra 2020 [76].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Mish(), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([  0., 100.], dtype=float32)
    """

    kind = "mish"

    def forward(self, b: Bound) -> list[Call]:
        """y = x tanh(log(1 + exp(x)))"""
        return [activation.mish_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy (t + x (1 - t^2) sigmoid(x)), t = tanh(log(1 + exp(x)))"""
        return [activation.mish_backward_call(b.dy, b.x, b.dx)]


class LogSigmoid(FromInput):
    """The logarithm of the sigmoid: y = -log(1 + exp(-x)).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Without the rounding of a sigmoid to 0 or 1. -inf at -inf; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LogSigmoid(), (2,)).predict(np.array([-1000.0, 1000.0], "float32"))
    array([-1000.,    -0.], dtype=float32)
    """

    kind = "logsigmoid"

    def forward(self, b: Bound) -> list[Call]:
        """y = -log(1 + exp(-x))"""
        return [activation.logsigmoid_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy / (1 + exp(x))"""
        return [activation.logsigmoid_backward_call(b.dy, b.x, b.dx)]
