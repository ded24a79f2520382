"""Rectifiers: straight lines with a kink at 0.

relu         y = max(x, 0)                  dx = 0 where y <= 0, else dy
leaky relu   y = x where x > 0, else a x    dx = dy where x > 0, else a dy
relu6        y = min(max(x, 0), 6)          dx = 0 where y <= 0 or y >= 6, else dy
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation, check
from ...typing import Call
from .common import FromInput, FromOutput


class ReLU(FromOutput):
    """The positive part of each value: y = max(x, 0).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at 0 is 0; NaN stays NaN and lets dy through. Glorot 2011 [13].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReLU(), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([0., 2.], dtype=float32)
    """

    kind = "relu"
    epilogue = "relu"

    def forward(self, b: Bound) -> list[Call]:
        """y = max(x, 0)"""
        return [activation.relu_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = 0 where y <= 0, else dy"""
        return [activation.relu_backward_call(b.dy, b.y, b.dx)]


class LeakyReLU(FromInput):
    """Negative values times a small slope: y = x where x > 0, else negative_slope x.

    (N, ...) -> (N, ...), the same shape.

    By position: negative_slope; the rest by name.

    Parameters
    ----------
    negative_slope : float, default 0.01
        The slope where x is not positive.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at 0 is negative_slope; NaN stays NaN. Maas 2013 [14].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LeakyReLU(0.5), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([-0.5,  2. ], dtype=float32)
    """

    kind = "leaky_relu"

    negative_slope = Argument(check.number)

    def __init__(self, negative_slope: float = 0.01, *, name: str | None = None) -> None:
        super().__init__(name)
        self.negative_slope = negative_slope

    def forward(self, b: Bound) -> list[Call]:
        """y = x where x > 0, else a x"""
        return [activation.leaky_relu_call(b.x, b.y, self.negative_slope)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy where x > 0, else a dy"""
        return [activation.leaky_relu_backward_call(b.dy, b.x, b.dx, self.negative_slope)]


class ReLU6(FromOutput):
    """The positive part of each value, at most 6: y = min(max(x, 0), 6).

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at 0 and 6 is 0; NaN stays NaN and lets dy through. The rectifier of MobileNetV2, Sandler 2018 [50].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReLU6(), (2,)).predict(np.array([-1.0, 9.0], "float32"))
    array([0., 6.], dtype=float32)
    """

    kind = "relu6"
    epilogue = "relu6"

    def forward(self, b: Bound) -> list[Call]:
        """y = min(max(x, 0), 6)"""
        return [activation.relu6_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = 0 where y <= 0 or y >= 6, else dy"""
        return [activation.relu6_backward_call(b.dy, b.y, b.dx)]
