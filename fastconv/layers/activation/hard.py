"""The hard sigmoid and hard-swish: straight lines that are near the sigmoid and SiLU.

hard sigmoid   y = c / 6, c = min(max(x + 3, 0), 6)   dx = 0 where x <= -3 or x >= 3, else dy / 6
hard-swish     y = x c / 6                            dx = dy (x / 3 + 1/2) where -3 < x < 3, 0 below, dy above

Howard 2019 [20].
"""

from ...layer import Bound
from ...ops import activation
from ...typing import Call
from .common import FromInput


class HardSigmoid(FromInput):
    """A sigmoid of straight lines: y = min(max(x + 3, 0), 6) / 6.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at -3 and 3 is 0; NaN stays NaN. Howard 2019 [20].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.HardSigmoid(), (2,)).predict(np.array([-1.5, 4.0], "float32"))
    array([0.25, 1.  ], dtype=float32)
    """

    kind = "hardsigmoid"

    def forward(self, b: Bound) -> list[Call]:
        """y = min(max(x + 3, 0), 6) / 6"""
        return [activation.hardsigmoid_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = 0 where x <= -3 or x >= 3, else dy / 6"""
        return [activation.hardsigmoid_backward_call(b.dy, b.x, b.dx)]


class HardSwish(FromInput):
    """Each value times its hard sigmoid: y = x min(max(x + 3, 0), 6) / 6.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope is 0 at -3 and 1 at 3; NaN stays NaN. Howard 2019 [20].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.HardSwish(), (2,)).predict(np.array([-1.5, 4.0], "float32"))
    array([-0.375,  4.   ], dtype=float32)
    """

    kind = "hardswish"

    def forward(self, b: Bound) -> list[Call]:
        """y = x min(max(x + 3, 0), 6) / 6"""
        return [activation.hardswish_call(b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy (x / 3 + 1/2) where -3 < x < 3, 0 below, dy above"""
        return [activation.hardswish_backward_call(b.dy, b.x, b.dx)]
