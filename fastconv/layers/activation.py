"""Activations: each value by itself, or, for softmax, the values along the channels.

sigmoid     y = 1 / (1 + exp(-x))              dx = dy y (1 - y)                Zhang 2016, eqs. 4 and 37
tanh        y = tanh x                         dx = dy (1 - y^2)
relu        y = max(x, 0)                      dx = 0 where y <= 0, else dy
leaky relu  y = x where x > 0, else a x        dx = dy where x > 0, else a dy
softmax     y = exp x / sum exp x              dx = y (dy - sum dy y)
log softmax y = x - log sum exp x              dx = dy - exp(y) sum dy
"""

from ..layer import Layer, Spec
from ..ops import activation, check

CHANNELS = 1  # the axis of (N, C, H, W) and of (N, features) that softmax sums over


class FromOutput(Layer):
    """An activation whose gradient reads y alone, so that y may overwrite x."""

    saves = frozenset({"y"})
    in_place = True

    def spec(self, x_shape, dtype):
        return Spec(x_shape)


class Sigmoid(FromOutput):
    """y = 1 / (1 + exp(-x)); 0 and 1 at the infinities, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Sigmoid(), (1,)).predict(np.array([0.0], "float32"))
    array([0.5], dtype=float32)
    """

    kind = "sigmoid"

    def forward(self, b):
        return [activation.sigmoid_call(b.x, b.y)]

    def backward(self, b):
        return [] if b.dx is None else [activation.sigmoid_backward_call(b.dy, b.y, b.dx)]


class Tanh(FromOutput):
    """y = tanh x; -1 and 1 at the infinities, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Tanh(), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([0., 1.], dtype=float32)
    """

    kind = "tanh"

    def forward(self, b):
        return [activation.tanh_call(b.x, b.y)]

    def backward(self, b):
        return [] if b.dx is None else [activation.tanh_backward_call(b.dy, b.y, b.dx)]


class ReLU(FromOutput):
    """y = max(x, 0); the slope at 0 is 0, NaN stays NaN and lets dy through.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReLU(), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([0., 2.], dtype=float32)
    """

    kind = "relu"
    epilogue = "relu"

    def forward(self, b):
        return [activation.relu_call(b.x, b.y)]

    def backward(self, b):
        return [] if b.dx is None else [activation.relu_backward_call(b.dy, b.y, b.dx)]


class LeakyReLU(Layer):
    """y = x where x > 0, else negative_slope x; the slope at 0 is negative_slope, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LeakyReLU(0.5), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([-0.5,  2. ], dtype=float32)
    """

    saves = frozenset({"x"})
    in_place = True
    kind = "leaky_relu"

    def __init__(self, negative_slope=0.01, name=None):
        super().__init__(name)
        self.negative_slope = check.number(negative_slope, "negative_slope")

    def spec(self, x_shape, dtype):
        return Spec(x_shape)

    def forward(self, b):
        return [activation.leaky_relu_call(b.x, b.y, self.negative_slope)]

    def backward(self, b):
        if b.dx is None:
            return []
        return [activation.leaky_relu_backward_call(b.dy, b.x, b.dx, self.negative_slope)]


class Softmax(FromOutput):
    """y = exp x / sum exp x, over the channels of each pixel or the features of a vector.

    One +inf among them gives 1 there and 0 elsewhere; several +inf, only -inf, or NaN give NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Softmax(), (2,)).predict(np.array([1.0, 1.0], "float32"))
    array([0.5, 0.5], dtype=float32)
    """

    kind = "softmax"

    def forward(self, b):
        return [activation.softmax_call(b.x, b.y, CHANNELS)]

    def backward(self, b):
        return [] if b.dx is None else [activation.softmax_backward_call(b.dy, b.y, b.dx, CHANNELS)]


class LogSoftmax(FromOutput):
    """y = x - log sum exp x, over the channels of each pixel or the features of a vector.

    One +inf among them gives 0 there and -inf elsewhere; several +inf, only -inf, or NaN give NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LogSoftmax(), (2,)).predict(np.array([0.0, -1000.0], "float32"))
    array([    0., -1000.], dtype=float32)
    """

    kind = "log_softmax"

    def forward(self, b):
        return [activation.log_softmax_call(b.x, b.y, CHANNELS)]

    def backward(self, b):
        return [] if b.dx is None else [activation.log_softmax_backward_call(b.dy, b.y, b.dx, CHANNELS)]
