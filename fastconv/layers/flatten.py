"""Planes as one vector.

y = F(x): the planes one after another, each read by rows or, in Zhang 2016 [1], eq. 10, by columns
dx = F^-1(dy)                                                           eqs. 11, 31
"""

from functools import partial
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..typing import Array, Call, Shape
from .common import Parameterless, same_start, words


class Flatten(Parameterless):
    """The planes of each image as one vector, one plane after another.

    (N, C, H, W) -> (N, C H W).

    All arguments are given by name.

    Parameters
    ----------
    order : "row" or "column", default "row"
        Read each plane row by row, or column by column as in Zhang 2016 [1], eq. 10.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    With ``order="row"`` y is a view of x, where x lies in memory as (N, C, H, W). Zhang 2016 [1], eqs. 10, 11 and 31.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[1, 2], [3, 4]]], "float32")
    >>> fastconv.Network(fastconv.layers.Flatten(order="column"), (1, 2, 2)).predict(x)
    array([1., 3., 2., 4.], dtype=float32)
    """

    kind = "flatten"

    order: Argument[str] = Argument(words("row", "column"))

    def __init__(self, *, order: str = "row", name: str | None = None) -> None:
        super().__init__(name)
        self.order = order

    @property
    def in_place(self) -> bool:  # type: ignore[override]  # an attribute of Layer that depends on `order` here
        """With order="row" the elements keep their order in memory."""
        return self.order == "row"

    view = in_place

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C H W,)"""
        return Spec((prod(x_shape),))

    def scanned(self, x: Array) -> Array:
        """A view of the planes whose rows are the runs of the vector: the planes, or their transposes."""
        return x.swapaxes(2, 3) if self.order == "column" and x.ndim == 4 else x

    def forward(self, b: Bound) -> list[Call]:
        """y = F(x)"""
        return move(self.scanned(b.x), b.y)

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = F^-1(dy)"""
        maps = self.scanned(b.dx)
        return [] if same_start(b.dy, b.dx) else [partial(np.copyto, maps, b.dy.reshape(maps.shape))]


def move(x: Array, y: Array) -> list[Call]:
    """Copies the planes to the vectors. Splitting the last axis of y is always a view."""
    return [] if same_start(x, y) else [partial(np.copyto, y.reshape(x.shape), x)]
