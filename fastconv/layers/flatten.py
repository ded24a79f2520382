"""Maps as one vector.

f = F(x): the maps one after another, each scanned by rows or, in the sources, by columns     Zhang 2016, eq. 10
dx = F^-1(df)                                                                                 eqs. 11, 31
"""

from functools import partial
from math import prod

import numpy as np

from ..layer import Layer, Spec
from ..ops import check
from .common import same_start


class Flatten(Layer):
    """(C, H, W) to (C H W,); ``order="column"`` scans each map down its columns, as the sources do.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[[1, 2], [3, 4]]], "float32")
    >>> fastconv.Network(fastconv.layers.Flatten(order="column"), (1, 2, 2)).predict(x)
    array([1., 3., 2., 4.], dtype=float32)
    """

    kind = "flatten"

    def __init__(self, order="row", name=None):
        super().__init__(name)
        self.order = check.choice(order, "order", ("row", "column"))

    @property
    def in_place(self):
        """With order="row" the elements keep their order in memory."""
        return self.order == "row"

    view = in_place

    def spec(self, x_shape, dtype):
        check.choice(self.order, "order", ("row", "column"))
        return Spec((prod(x_shape),))

    def scanned(self, x):
        return x.swapaxes(2, 3) if self.order == "column" and x.ndim == 4 else x

    def forward(self, b):
        return move(self.scanned(b.x), b.y)

    def backward(self, b):
        if b.dx is None:
            return []
        maps = self.scanned(b.dx)
        return [] if same_start(b.dy, b.dx) else [partial(np.copyto, maps, b.dy.reshape(maps.shape))]


def move(x, y):
    """The maps to the vectors; splitting the last axis of y is always a view."""
    return [] if same_start(x, y) else [partial(np.copyto, y.reshape(x.shape), x)]
