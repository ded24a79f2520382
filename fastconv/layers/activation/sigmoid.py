"""The logistic function and the hyperbolic tangent.

sigmoid   y = 1 / (1 + exp(-x))   dx = dy y (1 - y)     Zhang 2016 [1], eqs. 4 and 37
tanh      y = tanh x              dx = dy (1 - y^2)
"""

from ...layer import Bound
from ...ops import activation
from ...typing import Call
from .common import FromOutput


class Sigmoid(FromOutput):
    """The logistic function of each value: y = 1 / (1 + exp(-x)).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 and 1 at the infinities; NaN stays NaN. Zhang 2016 [1], eqs. 4 and 37.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Sigmoid(), (1,)).predict(np.array([0.0], "float32"))
    array([0.5], dtype=float32)
    """

    kind = "sigmoid"

    def forward(self, b: Bound) -> list[Call]:
        """y = 1 / (1 + exp(-x))"""
        return [activation.sigmoid_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy y (1 - y)"""
        return [activation.sigmoid_backward_call(b.dy, b.y, b.dx)]


class Tanh(FromOutput):
    """The hyperbolic tangent of each value: y = tanh x.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    -1 and 1 at the infinities; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Tanh(), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([0., 1.], dtype=float32)
    """

    kind = "tanh"

    def forward(self, b: Bound) -> list[Call]:
        """y = tanh x"""
        return [activation.tanh_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy (1 - y^2)"""
        return [activation.tanh_backward_call(b.dy, b.y, b.dx)]
