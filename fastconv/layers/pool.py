"""Pooling over sliding windows.

max    y = the largest of its window           dx = dy at the first largest, 0 elsewhere (nothing is recomputed)
mean   y = sum x / m                           dx = dy / m at each of the m positions         Zhang 2016, eqs. 6, 32
L_p    y = (sum |x|^p)^(1/p), L2 by default    dx = dy sign(x) (|x| / y)^(p-1); for L2 dy x / y; 0 where y = 0
"""

from ..layer import Array, Layer, Spec
from ..ops import check, geometry, pool
from .common import maps


class Pool(Layer):
    """A window and its steps; `stride` None is the window's own size."""

    kind = "pool"

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, name=None):
        super().__init__(name)
        self.kernel_size = check.pair(kernel_size, "kernel_size", 1)
        self.window = (self.kernel_size, stride, padding, dilation, bool(ceil_mode))

    def geometry(self, x_shape):
        return geometry.pool2d(x_shape, *self.window)

    def spec(self, x_shape, dtype):
        return Spec(self.geometry(maps(x_shape)).y_shape[1:])


class MaxPool2D(Pool):
    """The largest value of each window: (C, H, W) to (C, OH, OW).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.MaxPool2D(2), (6, 24, 24)).output_shape
    (6, 12, 12)
    """

    keeps_order = True

    def spec(self, x_shape, dtype):
        g = self.geometry(maps(x_shape))
        pool.no_window_in_padding(pool.max_tables(g), g)
        y_shape = g.y_shape[1:]
        return Spec(y_shape, saved={"indices": Array(y_shape, "int64")})

    def forward(self, b):
        indices = b.saved.indices if b.training else None
        return [pool.max_pool2d_call(b.x, b.y, indices, self.geometry(b.x_shape))]

    def backward(self, b):
        if b.dx is None:
            return []
        return [pool.max_pool2d_backward_call(b.dy, b.saved.indices, b.dx, self.geometry(b.x_shape))]


class AvgPool2D(Pool):
    """The mean of each window: (C, H, W) to (C, OH, OW); the arguments are those of `avg_pool2d`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AvgPool2D(2), (6, 24, 24)).output_shape
    (6, 12, 12)
    """

    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
        name=None,
    ):
        super().__init__(kernel_size, stride, padding, 1, ceil_mode, name)
        if divisor_override is not None:
            divisor_override = pool.divisor_of(check.integer(divisor_override, "divisor_override", 1))
        self.divisor = (bool(count_include_pad), divisor_override)

    def forward(self, b):
        return [pool.avg_pool2d_call(b.x, b.y, self.geometry(b.x_shape), *self.divisor)]

    def backward(self, b):
        if b.dx is None:
            return []
        return [pool.avg_pool2d_backward_call(b.dy, b.dx, self.geometry(b.x_shape), *self.divisor)]


class LpPool2D(Pool):
    """The L_p norm of each window, L2 by default: (C, H, W) to (C, OH, OW).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LpPool2D(3, stride=2), (6, 24, 24)).output_shape
    (6, 11, 11)
    """

    saves = frozenset({"x", "y"})

    def __init__(self, kernel_size, stride=None, norm_type=2, ceil_mode=False, name=None):
        super().__init__(kernel_size, stride, 0, 1, ceil_mode, name)
        self.norm_type = check.number(norm_type, "norm_type")
        if not self.norm_type > 0:
            raise ValueError(f"norm_type must be > 0, got {norm_type!r}")

    def forward(self, b):
        return [pool.lp_pool2d_call(b.x, b.y, self.geometry(b.x_shape), self.norm_type)]

    def backward(self, b):
        if b.dx is None:
            return []
        g = self.geometry(b.x_shape)
        return [pool.lp_pool2d_backward_call(b.dy, b.x, b.y, b.dx, g, self.norm_type)]
