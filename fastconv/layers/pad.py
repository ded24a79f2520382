"""A border of zeros.

y[top + h, left + w] = x[h, w], 0 elsewhere    dx[h, w] = dy[top + h, left + w]
"""

from collections.abc import Sequence
from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..ops.extents import pads
from ..ops.pad import Sides, pad_backward_call, pad_call, padded, sides
from ..typing import Call, Shape
from .common import Parameterless, maps


def zeros_around(value: Any, name: str) -> Sides:
    """(left, right, top, bottom), checked."""
    if isinstance(value, tuple | list) and len(value) == 2:  # Keras's pairs
        (top, bottom), (left, right) = pads(value, (1, 1), (1, 1), (1, 1), (1, 1))
        rule = f"{name} must be an integer or (left, right, top, bottom), got {value!r}"
        raise TypeError(f"{rule}; write {name}={(left, right, top, bottom)}")
    return sides(value)


class ZeroPad2D(Parameterless):
    """Zeros around each plane.

    (N, C, H, W) -> (N, C, top + H + bottom, left + W + right).

    By position: padding; the rest by name.

    Parameters
    ----------
    padding : int or (left, right, top, bottom), each >= 0, in pixels
        One number for all sides, or one per side.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Dumoulin 2016 [27], section 2.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ZeroPad2D((0, 1, 0, 1)), (3, 8, 8)).output_shape
    (3, 9, 9)
    """

    kind = "pad"

    padding = Argument(zeros_around)

    def __init__(self, padding: int | Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        self.padding = padding

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, top + H + bottom, left + W + right)"""
        return Spec(padded(maps(x_shape), self.padding)[1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[top + h, left + w] = x[h, w], 0 elsewhere"""
        return [pad_call(b.x, b.y, self.padding)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[h, w] = dy[top + h, left + w]"""
        return [pad_backward_call(b.dy, b.dx, self.padding)]
