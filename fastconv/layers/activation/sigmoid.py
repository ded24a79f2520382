"""The logistic function, the hyperbolic tangent and softsign.

sigmoid    y = 1 / (1 + exp(-x))   dx = dy y (1 - y)       Zhang 2016 [1], eqs. 4 and 37
tanh       y = tanh x              dx = dy (1 - y^2)
softsign   y = x / (1 + |x|)       dx = dy / (1 + |x|)^2   Bergstra 2009 [75]
"""

from ...layer import Bound
from ...ops import activation
from ...typing import Call
from .common import FromInput, FromOutput


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


class Softsign(FromInput):
    """A sigmoid without exponentials: y = x / (1 + |x|).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    -1 and 1 at the infinities; NaN stays NaN. Bergstra 2009 [75].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Softsign(), (2,)).predict(np.array([-1.0, 3.0], "float32"))
    array([-0.5 ,  0.75], dtype=float32)
    """

    kind = "softsign"

    def forward(self, b: Bound) -> list[Call]:
        """y = x / (1 + |x|)"""
        return [activation.softsign_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy / (1 + |x|)^2"""
        return [activation.softsign_backward_call(b.dy, b.x, b.dx)]
