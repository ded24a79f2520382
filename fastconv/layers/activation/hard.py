"""The hard sigmoid, hard-swish and hard tanh: straight lines that are near the sigmoid, SiLU and tanh.

hard sigmoid   y = c / 6, c = min(max(x + 3, 0), 6)   dx = 0 where x <= -3 or x >= 3, else dy / 6
hard-swish     y = x c / 6                            dx = dy (x / 3 + 1/2) where -3 < x < 3, 0 below, dy above
hard tanh      y = min(max(x, low), high)             dx = 0 where y <= low or y >= high, else dy

Howard 2019 [20], Collobert 2004 [77].
"""

from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...layer import Bound, Spec
from ...ops import activation, check
from ...typing import Call, Shape
from .common import FromInput, FromOutput


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


class Hardtanh(FromOutput):
    """Each value within two bounds: y = min(max(x, min_val), max_val).

    (N, ...) -> (N, ...), the same shape.

    By position: min_val and max_val; the rest by name.

    Parameters
    ----------
    min_val : float, default -1.0
        At most `max_val`; -inf: no lower bound.
    max_val : float, default 1.0
        inf: no upper bound.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at both bounds is 0; NaN stays NaN and lets dy through. Collobert 2004 [77].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Hardtanh(0.0, 6.0), (2,)).predict(np.array([-1.0, 9.0], "float32"))
    array([0., 6.], dtype=float32)
    """

    kind = "hardtanh"

    min_val = Argument(check.number)
    max_val = Argument(check.number)

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.min_val, self.max_val = activation.bounds(min_val, max_val)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        activation.bounds(self.min_val, self.max_val)  # each may have been set alone
        return super().spec(x_shape, dtype)

    def forward(self, b: Bound) -> list[Call]:
        """y = min(max(x, min_val), max_val)"""
        return [activation.hardtanh_call(b.x, b.y, self.min_val, self.max_val)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = 0 where y <= min_val or y >= max_val, else dy"""
        return [activation.hardtanh_backward_call(b.dy, b.y, b.dx, self.min_val, self.max_val)]
