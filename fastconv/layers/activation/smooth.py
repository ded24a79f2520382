"""Smooth relatives of the rectifier.

gelu       y = x P(X < x), X standard normal     dx = dy (P(X < x) + x p(x)), p the density     Hendrycks 2016 [17]
silu       y = x s, s = 1 / (1 + exp(-x))        dx = dy s (1 + x (1 - s))                      Elfwing 2018 [18]
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation
from ...typing import Call
from ..common import words
from .common import FromInput


class GELU(FromInput):
    """Each value times the probability that a standard normal X is smaller: y = x P(X < x).

    (N, ...) -> (N, ...), the same shape.

    By position: approximate; the rest by name.

    Parameters
    ----------
    approximate : "none" or "tanh", default "none"
        "tanh": y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) instead.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 at -inf; NaN stays NaN. Hendrycks 2016 [17].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GELU("tanh"), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([  0., 100.], dtype=float32)
    """

    kind = "gelu"

    approximate: Argument[str] = Argument(words("none", "tanh"))

    def __init__(self, approximate: str = "none", *, name: str | None = None) -> None:
        super().__init__(name)
        self.approximate = approximate

    def forward(self, b: Bound) -> list[Call]:
        """y = x P(X < x)"""
        return [activation.gelu_call(b.x, b.y, self.approximate)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy (P(X < x) + x p(x))"""
        return [activation.gelu_backward_call(b.dy, b.x, b.dx, self.approximate)]


class SiLU(FromInput):
    """Each value times its sigmoid: y = x / (1 + exp(-x)).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 at -inf; NaN stays NaN. Elfwing 2018 [18].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.SiLU(), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([  0., 100.], dtype=float32)
    """

    kind = "silu"

    def forward(self, b: Bound) -> list[Call]:
        """y = x s, s = 1 / (1 + exp(-x))"""
        return [activation.silu_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy s (1 + x (1 - s))"""
        return [activation.silu_backward_call(b.dy, b.x, b.dx)]
