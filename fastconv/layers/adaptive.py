"""Pooling to a wanted size, and over whole maps.

row i of OH reads rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike
mean   dx = sum over the windows of dy / m
max    dx = dy at the first largest of each window
"""

from ..layer import Array, Layer, Spec
from ..ops import check, pool
from .common import maps


class AdaptiveAvgPool2D(Layer):
    """The mean of windows chosen so that the result is (C, *output_size).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveAvgPool2D((7, 5)), (6, 24, 24)).output_shape
    (6, 7, 5)
    """

    kind = "pool"

    def __init__(self, output_size, name=None):
        super().__init__(name)
        self.output_size = check.pair(output_size, "output_size", 1)

    def spec(self, x_shape, dtype):
        return Spec((maps(x_shape)[1], *self.output_size))

    def forward(self, b):
        return [pool.adaptive_avg_pool2d_call(b.x, as_maps(b.y))]

    def backward(self, b):
        return [] if b.dx is None else [pool.adaptive_avg_pool2d_backward_call(as_maps(b.dy), b.dx)]


class AdaptiveMaxPool2D(Layer):
    """The largest value of windows chosen so that the result is (C, *output_size).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveMaxPool2D(7), (6, 24, 24)).output_shape
    (6, 7, 7)
    """

    keeps_order = True
    kind = "pool"

    def __init__(self, output_size, name=None):
        super().__init__(name)
        self.output_size = check.pair(output_size, "output_size", 1)

    def spec(self, x_shape, dtype):
        y_shape = (maps(x_shape)[1], *self.output_size)
        return Spec(y_shape, saved={"indices": Array(y_shape, "int64")})

    def forward(self, b):
        return [pool.adaptive_max_pool2d_call(b.x, as_maps(b.y), b.saved.indices)]

    def backward(self, b):
        if b.dx is None:
            return []
        return [pool.adaptive_max_pool2d_backward_call(as_maps(b.dy), b.saved.indices, b.dx)]


class GlobalAvgPool2D(AdaptiveAvgPool2D):
    """The mean of each map: (C, H, W) to (C,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalAvgPool2D(), (6, 24, 24)).output_shape
    (6,)
    """

    def __init__(self, name=None):
        super().__init__(1, name)

    def spec(self, x_shape, dtype):
        return Spec((maps(x_shape)[1],))


class GlobalMaxPool2D(AdaptiveMaxPool2D):
    """The largest value of each map: (C, H, W) to (C,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalMaxPool2D(), (6, 24, 24)).output_shape
    (6,)
    """

    def __init__(self, name=None):
        super().__init__(1, name)

    def spec(self, x_shape, dtype):
        return super().spec(x_shape, dtype)._replace(y_shape=(maps(x_shape)[1],))


def as_maps(y):
    """(N, C) as (N, C, 1, 1)."""
    return y if y.ndim == 4 else y[:, :, None, None]
