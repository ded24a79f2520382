"""A border: zeros, or pixels of the image.

y[top + h, left + w] = x[h, w], elsewhere 0 or a pixel of x
dx[h, w] = dy[top + h, left + w], plus dy of each pixel of the border that is (h, w)
"""

from collections.abc import Sequence
from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..ops.extents import pads
from ..ops.pad import Sides, check_border, pad_backward_call, pad_call, padded, sides
from ..typing import Call, Shape
from .common import Parameterless, maps


def border_of(value: Any, name: str) -> Sides:
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

    padding = Argument(border_of)

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


class BorderPad2D(Parameterless):
    """What the borders of pixels share."""

    kind = "pad"
    mode = "replicate"  # of `fastconv.pad`

    padding = Argument(border_of)

    def __init__(self, padding: int | Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        self.padding = padding

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, top + H + bottom, left + W + right)"""
        check_border(maps(x_shape), self.padding, self.mode)
        return Spec(padded(maps(x_shape), self.padding)[1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[top + h, left + w] = x[h, w], elsewhere a pixel of x"""
        return [pad_call(b.x, b.y, self.padding, mode=self.mode)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[h, w] = the sum of dy over the pixels that are (h, w)"""
        return [pad_backward_call(b.dy, b.dx, self.padding, self.mode)]


class ReflectionPad2D(BorderPad2D):
    """A border that mirrors the image: the pixels next to its edge, without those on it.

    (N, C, H, W) -> (N, C, top + H + bottom, left + W + right).

    By position: padding; the rest by name.

    Parameters
    ----------
    padding : int or (left, right, top, bottom), each >= 0, in pixels
        One number for all sides, or one per side; smaller than the image.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Row -1 - i is row i + 1, row H + i is row H - 2 - i; columns alike.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReflectionPad2D((0, 1, 0, 1)), (3, 8, 8)).output_shape
    (3, 9, 9)
    """

    mode = "reflect"

    def __init__(self, padding: int | Sequence[int], *, name: str | None = None) -> None:
        super().__init__(padding, name=name)


class ReplicationPad2D(BorderPad2D):
    """A border that repeats the pixels on the edge of the image.

    (N, C, H, W) -> (N, C, top + H + bottom, left + W + right).

    By position: padding; the rest by name.

    Parameters
    ----------
    padding : int or (left, right, top, bottom), each >= 0, in pixels
        One number for all sides, or one per side.
    name : str, optional
        The name of its nodes, see `Layer`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReplicationPad2D(1), (3, 8, 8)).output_shape
    (3, 10, 10)
    """

    mode = "replicate"

    def __init__(self, padding: int | Sequence[int], *, name: str | None = None) -> None:
        super().__init__(padding, name=name)
