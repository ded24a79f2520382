"""Softmax and its logarithm, over the channels of each pixel, the features of each vector, or another axis.

softmax       y = exp x / sum exp x      dx = y (dy - sum dy y)
log softmax   y = x - log sum exp x      dx = dy - exp(y) sum dy
"""

from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...layer import Bound, Spec
from ...ops import activation
from ...typing import Call, Shape
from ..common import at_least
from .common import FromOutput

FRONT = "from 0 without the batch axis; the last of (tokens, features) is 1"


def from_the_front(value: object, name: str) -> int:
    """The axis; ValueError if it counts from the end, as that of NumPy and PyTorch may."""
    try:
        return at_least(value, name, minimum=0)
    except ValueError as error:
        raise ValueError(f"{error}: it counts {FRONT}") from None


class AlongAxis(FromOutput):
    """A function along one axis of each image."""

    axis = Argument(from_the_front)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        if self.axis >= len(x_shape):
            raise ValueError(f"axis must be one of the axes of {x_shape}, counted from 0, got {self.axis}")
        return Spec(x_shape)


class Softmax(AlongAxis):
    """Probabilities of the channels of each pixel, or of the features of each vector: y = exp x / sum exp x.

    (N, C, H, W) -> (N, C, H, W) or (N, features) -> (N, features).

    All arguments are given by name.

    Parameters
    ----------
    axis : int, default 0
        The axis of one image that the sums are over, counted from 0 without the batch axis: the channels, or the
        features of a vector. That of (tokens, features) is 1.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    One +inf among the values gives 1 there and 0 elsewhere; several +inf, only -inf, or NaN give NaN. Nielsen 2015
    [51], chapter 3.

    No Softmax before the loss `CrossEntropy`, which takes logits: it has the softmax inside. For probabilities, apply
    `fastconv.softmax` to the predictions of a network without it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Softmax(), (2,)).predict(np.array([1.0, 1.0], "float32"))
    array([0.5, 0.5], dtype=float32)
    """

    kind = "softmax"

    def __init__(self, *, axis: int = 0, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = axis

    def forward(self, b: Bound) -> list[Call]:
        """y = exp x / sum exp x"""
        return [activation.softmax_call(b.x, b.y, 1 + self.axis)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = y (dy - sum dy y)"""
        return [activation.softmax_backward_call(b.dy, b.y, b.dx, 1 + self.axis)]


class LogSoftmax(AlongAxis):
    """The logarithm of `Softmax`, without its rounding to 0: y = x - log sum exp x.

    (N, C, H, W) -> (N, C, H, W) or (N, features) -> (N, features).

    All arguments are given by name.

    Parameters
    ----------
    axis : int, default 0
        The axis of one image that the sums are over, counted from 0 without the batch axis: the channels, or the
        features of a vector. That of (tokens, features) is 1.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    One +inf among the values gives 0 there and -inf elsewhere; several +inf, only -inf, or NaN give NaN.

    No LogSoftmax before the loss `CrossEntropy`, which takes logits: it has the softmax inside. For logarithms of
    probabilities, apply `fastconv.log_softmax` to the predictions of a network without it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LogSoftmax(), (2,)).predict(np.array([0.0, -1000.0], "float32"))
    array([    0., -1000.], dtype=float32)
    """

    kind = "log_softmax"

    def __init__(self, *, axis: int = 0, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = axis

    def forward(self, b: Bound) -> list[Call]:
        """y = x - log sum exp x"""
        return [activation.log_softmax_call(b.x, b.y, 1 + self.axis)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy - exp(y) sum dy"""
        return [activation.log_softmax_backward_call(b.dy, b.y, b.dx, 1 + self.axis)]
