"""Larger maps by repetition.

y[h, w] = x[floor(h / sh), floor(w / sw)]    dx[h, w] = sum of dy over the sh x sw block of (h, w)
"""

from ..layer import Layer, Spec
from ..ops import check
from ..ops.upsample import scaled, upsample_nearest2d_backward_call, upsample_nearest2d_call
from .common import maps


class Upsample(Layer):
    """Each value repeated in a block: (C, H, W) to (C, sh H, sw W); `scale_factor` is sh = sw, or a pair.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Upsample(2), (3, 8, 8)).output_shape
    (3, 16, 16)
    """

    kind = "upsample"

    def __init__(self, scale_factor, name=None):
        super().__init__(name)
        self.scale = check.pair(scale_factor, "scale_factor", 1)

    def spec(self, x_shape, dtype):
        return Spec(scaled(maps(x_shape), self.scale)[1:])

    def forward(self, b):
        return [upsample_nearest2d_call(b.x, b.y, self.scale)]

    def backward(self, b):
        return [] if b.dx is None else [upsample_nearest2d_backward_call(b.dy, b.dx, self.scale)]
