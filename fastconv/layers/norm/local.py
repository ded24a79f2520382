"""Local response normalisation: each value divided by a power of the squares of the channels around it.

y = x d^-beta, d = k + alpha / size (sum of x^2 over the window)
dx = dy d^-beta - 2 alpha beta / size x (sum of dy x d^(-beta-1) over the windows that hold x)
"""

from math import prod
from typing import Any

from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...layer import Bound, Spec
from ...ops import check, norm
from ...ops.norm.local import window_numbers
from ...typing import Call, Shape
from ..common import Parameterless


def channels_of_window(value: Any, name: str) -> int:
    """The size of a window in channels, checked."""
    return window_numbers(value, 0.0, 0.0, 0.0)[0]


class LocalResponseNorm(Parameterless):
    """Each value divided by a power of the squares around it: y = x d^-beta, d = k + alpha / size (sum of x^2).

    (N, C, H, W) -> (N, C, H, W) or (N, C) -> (N, C).

    By position: size, alpha, beta and k; the rest by name.

    Parameters
    ----------
    size : int >= 1, in channels
        The window: floor(size / 2) channels before the value's own to floor((size - 1) / 2) after it.
    alpha : float, default 1e-4
        The weight of the mean of the squares.
    beta : float, default 0.75
        The power.
    k : float, default 1.0
        Added to the weighted mean.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Krizhevsky 2012 [42], section 3.3, there without the division by size.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LocalResponseNorm(5), (6, 24, 24)).output_shape
    (6, 24, 24)
    """

    saves = frozenset({"x"})
    kind = "norm"

    size = Argument(channels_of_window)
    alpha = Argument(check.number)
    beta = Argument(check.number)
    k = Argument(check.number)

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, name: str | None = None
    ) -> None:
        super().__init__(name)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    @property
    def window(self) -> tuple[int, float, float, float]:
        """(size, alpha, beta, k)"""
        return self.size, self.alpha, self.beta, self.k

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        return Spec(x_shape)

    def forward(self, b: Bound) -> list[Call]:
        """y = x d^-beta"""
        return [norm.local_response_norm_call(b.x, b.y, *self.window)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy d^-beta - 2 alpha beta / size x (sum of dy x d^(-beta-1) over the windows that hold x)"""
        return [norm.local_response_norm_backward_call(b.dy, b.x, b.dx, *self.window)]

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """C H W size"""
        return prod(x_shape) * self.size
