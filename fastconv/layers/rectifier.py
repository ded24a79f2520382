"""Relatives of ReLU, most of them smooth; their gradients read x, that of relu6, 0 where y is 0 or 6, reads y.

prelu          y = x where x > 0, else w x     dx = dy where x > 0, else w dy; dw = sum dy x where x <= 0
the others     y = f(x)                        dx = dy f'(x), as the function in `ops` of that name says
"""

from ..init import constant
from ..layer import Layer, Parameter, Spec
from ..ops import activation, check
from ..ops.elementwise import positive
from .activation import FromOutput


class FromInput(Layer):
    """An activation whose gradient reads x."""

    saves = frozenset({"x"})
    in_place = True

    def spec(self, x_shape, dtype):
        return Spec(x_shape)

    def backward(self, b):
        return [] if b.dx is None else [self.slope(b)]


class PReLU(FromInput):
    """y = x where x > 0, else weight x, with one learned weight, or (shared=False) one for each channel.

    The slope at 0 is the weight; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.PReLU(), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([-0.25,  2.  ], dtype=float32)
    """

    kind = "prelu"

    def __init__(self, shared=True, first=0.25, name=None):
        super().__init__(name)
        self.shared, self.first = check.flag(shared, "shared"), check.number(first, "first")

    def spec(self, x_shape, dtype):
        shape = (1,) if self.shared else x_shape[:1]
        return Spec(x_shape, {"weight": Parameter(shape, constant(self.first))})

    def forward(self, b):
        return [activation.prelu_call(b.x, b.params.weight, b.y)]

    def backward(self, b):
        calls = [activation.prelu_backward_weight_call(b.dy, b.x, b.grads.weight)]
        if b.dx is not None:
            calls.append(activation.prelu_backward_call(b.dy, b.x, b.params.weight, b.dx))
        return calls


class ELU(FromInput):
    """y = x where x > 0, else alpha (exp(x) - 1); the slope at 0 is alpha, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ELU(), (2,)).predict(np.array([-100.0, 2.0], "float32"))
    array([-1.,  2.], dtype=float32)
    """

    kind = "elu"

    def __init__(self, alpha=1.0, name=None):
        super().__init__(name)
        self.alpha = check.number(alpha, "alpha")

    def forward(self, b):
        return [activation.elu_call(b.x, b.y, self.alpha)]

    def slope(self, b):
        return activation.elu_backward_call(b.dy, b.x, b.dx, self.alpha)


class GELU(FromInput):
    """y = x P(X < x), X standard normal; or its form with tanh. 0 at -inf, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GELU("tanh"), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([  0., 100.], dtype=float32)
    """

    kind = "gelu"

    def __init__(self, approximate="none", name=None):
        super().__init__(name)
        self.approximate = check.choice(approximate, "approximate", ("none", "tanh"))

    def forward(self, b):
        return [activation.gelu_call(b.x, b.y, self.approximate)]

    def slope(self, b):
        return activation.gelu_backward_call(b.dy, b.x, b.dx, self.approximate)


class Softplus(FromInput):
    """y = log(1 + exp(beta x)) / beta, and x where beta x > threshold; 0 at -inf, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Softplus(), (2,)).predict(np.array([-1000.0, 50.0], "float32"))
    array([ 0., 50.], dtype=float32)
    """

    kind = "softplus"

    def __init__(self, beta=1.0, threshold=20.0, name=None):
        super().__init__(name)
        self.numbers = (positive(beta, "beta"), check.number(threshold, "threshold"))

    def forward(self, b):
        return [activation.softplus_call(b.x, b.y, *self.numbers)]

    def slope(self, b):
        return activation.softplus_backward_call(b.dy, b.x, b.dx, *self.numbers)


class SiLU(FromInput):
    """y = x / (1 + exp(-x)); 0 at -inf, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.SiLU(), (2,)).predict(np.array([0.0, 100.0], "float32"))
    array([  0., 100.], dtype=float32)
    """

    kind = "silu"

    def forward(self, b):
        return [activation.silu_call(b.x, b.y)]

    def slope(self, b):
        return activation.silu_backward_call(b.dy, b.x, b.dx)


class HardSwish(FromInput):
    """y = x min(max(x + 3, 0), 6) / 6; the slope is 0 at -3 and 1 at 3, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.HardSwish(), (2,)).predict(np.array([-1.5, 4.0], "float32"))
    array([-0.375,  4.   ], dtype=float32)
    """

    kind = "hardswish"

    def forward(self, b):
        return [activation.hardswish_call(b.x, b.y)]

    def slope(self, b):
        return activation.hardswish_backward_call(b.dy, b.x, b.dx)


class HardSigmoid(FromInput):
    """y = min(max(x + 3, 0), 6) / 6; the slope at -3 and 3 is 0, NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.HardSigmoid(), (2,)).predict(np.array([-1.5, 4.0], "float32"))
    array([0.25, 1.  ], dtype=float32)
    """

    kind = "hardsigmoid"

    def forward(self, b):
        return [activation.hardsigmoid_call(b.x, b.y)]

    def slope(self, b):
        return activation.hardsigmoid_backward_call(b.dy, b.x, b.dx)


class ReLU6(FromOutput):
    """y = min(max(x, 0), 6); the slope at 0 and 6 is 0, NaN stays NaN and lets dy through.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ReLU6(), (2,)).predict(np.array([-1.0, 9.0], "float32"))
    array([0., 6.], dtype=float32)
    """

    kind = "relu6"
    epilogue = "relu6"

    def forward(self, b):
        return [activation.relu6_call(b.x, b.y)]

    def backward(self, b):
        return [] if b.dx is None else [activation.relu6_backward_call(b.dy, b.y, b.dx)]
