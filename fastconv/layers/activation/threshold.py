"""Values above a threshold.

y = x where x > threshold, else value    dx = dy where x > threshold, else 0
"""

from ...arguments.attributes import Argument
from ...layer import Bound
from ...ops import activation, check
from ...typing import Call
from .common import FromInput


class Threshold(FromInput):
    """Values above a threshold, another value instead of the rest: y = x where x > threshold, else value.

    (N, ...) -> (N, ...), the same shape.

    By position: threshold and value; the rest by name.

    Parameters
    ----------
    threshold : float
        x is kept where it is above.
    value : float
        y elsewhere.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The slope at the threshold is 0; NaN stays NaN and lets dy through.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Threshold(1.0, -7.0), (2,)).predict(np.array([0.5, 2.0], "float32"))
    array([-7.,  2.], dtype=float32)
    """

    kind = "threshold"

    threshold = Argument(check.number)
    value = Argument(check.number)

    def __init__(self, threshold: float, value: float, *, name: str | None = None) -> None:
        super().__init__(name)
        self.threshold, self.value = threshold, value

    def forward(self, b: Bound) -> list[Call]:
        """y = x where x > threshold, else value"""
        return [activation.threshold_call(b.x, b.y, self.threshold, self.value)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy where x > threshold, else 0"""
        return [activation.threshold_backward_call(b.dy, b.x, b.dx, self.threshold)]
