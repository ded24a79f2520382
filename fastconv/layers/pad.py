"""A border of zeros.

y[top + h, left + w] = x[h, w], 0 elsewhere    dx[h, w] = dy[top + h, left + w]
"""

from ..layer import Layer, Spec
from ..ops.pad import pad_backward_call, pad_call, padded, sides
from .common import maps


class ZeroPad2D(Layer):
    """Zeros around each map: (C, H, W) to (C, top + H + bottom, left + W + right).

    `padding` is one number for all sides, or (left, right, top, bottom).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ZeroPad2D((0, 1, 0, 1)), (3, 8, 8)).output_shape
    (3, 9, 9)
    """

    kind = "pad"

    def __init__(self, padding, name=None):
        super().__init__(name)
        self.padding = sides(padding)

    def spec(self, x_shape, dtype):
        return Spec(padded(maps(x_shape), sides(self.padding))[1:])

    def forward(self, b):
        return [pad_call(b.x, b.y, self.padding)]

    def backward(self, b):
        return [] if b.dx is None else [pad_backward_call(b.dy, b.dx, self.padding)]
