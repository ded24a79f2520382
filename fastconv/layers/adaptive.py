"""Pooling to a wanted size, and over whole planes.

row i of OH reads rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike
mean   y = sum x / m                  dx = sum over the windows of dy / m
max    y = the largest of its window  dx = dy at the first largest of each window
"""

from typing import Any

from numpy.typing import DTypeLike, NDArray

from ..arguments.attributes import Argument
from ..layer import Array, Bound, Spec
from ..ops import pool
from ..ops.extents import steps
from ..typing import Call, Pair, Shape
from .common import Parameterless, maps


class AdaptiveAvgPool2D(Parameterless):
    """The mean of windows that are chosen so that the result has a given size.

    (N, C, H, W) -> (N, C, OH, OW).

    By position: output_size; the rest by name.

    Parameters
    ----------
    output_size : int or (OH, OW), >= 1, in pixels
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Row i of the result is the mean of the rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveAvgPool2D((7, 5)), (6, 24, 24)).output_shape
    (6, 7, 5)
    """

    kind = "pool"

    output_size = Argument(steps)

    def __init__(self, output_size: Pair, *, name: str | None = None) -> None:
        super().__init__(name)
        self.output_size = output_size

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, OH, OW)"""
        return Spec((maps(x_shape)[1], *self.output_size))

    def forward(self, b: Bound) -> list[Call]:
        """y = sum x / m"""
        return [pool.adaptive_avg_pool2d_call(b.x, as_maps(b.y))]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = sum over the windows of dy / m"""
        return [pool.adaptive_avg_pool2d_backward_call(as_maps(b.dy), b.dx)]


class AdaptiveMaxPool2D(Parameterless):
    """The largest value of windows that are chosen so that the result has a given size.

    (N, C, H, W) -> (N, C, OH, OW).

    By position: output_size; the rest by name.

    Parameters
    ----------
    output_size : int or (OH, OW), >= 1, in pixels
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Row i of the result reads the rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveMaxPool2D(7), (6, 24, 24)).output_shape
    (6, 7, 7)
    """

    keeps_order = True
    kind = "pool"

    output_size = Argument(steps)

    def __init__(self, output_size: Pair, *, name: str | None = None) -> None:
        super().__init__(name)
        self.output_size = output_size

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, OH, OW); saved: where each maximum is."""
        y_shape = (maps(x_shape)[1], *self.output_size)
        return Spec(y_shape, saved={"indices": Array(y_shape, "int64")})

    def forward(self, b: Bound) -> list[Call]:
        """y = the largest of its window"""
        return [pool.adaptive_max_pool2d_call(b.x, as_maps(b.y), b.saved.indices)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy at the first largest of each window, 0 elsewhere"""
        return [pool.adaptive_max_pool2d_backward_call(as_maps(b.dy), b.saved.indices, b.dx)]


class GlobalAvgPool2D(AdaptiveAvgPool2D):
    """The mean of each plane.

    (N, C, H, W) -> (N, C).

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Lin 2014 [31].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalAvgPool2D(), (6, 24, 24)).output_shape
    (6,)
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(1, name=name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C,)"""
        return Spec((maps(x_shape)[1],))


class GlobalMaxPool2D(AdaptiveMaxPool2D):
    """The largest value of each plane.

    (N, C, H, W) -> (N, C).

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalMaxPool2D(), (6, 24, 24)).output_shape
    (6,)
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(1, name=name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C,); saved: where each maximum is."""
        return super().spec(x_shape, dtype)._replace(y_shape=(maps(x_shape)[1],))


def as_maps(y: NDArray[Any]) -> NDArray[Any]:
    """(N, C) as (N, C, 1, 1)."""
    return y if y.ndim == 4 else y[:, :, None, None]
