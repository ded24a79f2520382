"""PReLU: a leaky ReLU whose slope is trained.

y = x where x > 0, else w x    dx = dy where x > 0, else w dy;    dw = sum of dy x where x <= 0     He 2015 [15]
"""

from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...init import constant
from ...layer import Bound, Layer, Parameter, Spec
from ...ops import activation, check
from ...typing import Call, Shape


class PReLU(Layer):
    """Negative values times a trained slope: y = x where x > 0, else weight x.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    shared : bool, default True
        Train one slope for all channels; otherwise one per channel.
    first : float, default 0.25
        The slope before training.
    name : str, optional
        Prefix of the parameter's name, see `Layer`.

    Notes
    -----
    Parameter of the network: weight (1,), or (C,) with ``shared=False``.

    The slope at 0 is the weight; NaN stays NaN. He 2015 [15].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.PReLU(), (2,)).predict(np.array([-1.0, 2.0], "float32"))
    array([-0.25,  2.  ], dtype=float32)
    """

    kind = "prelu"
    saves = frozenset({"x"})
    in_place = True
    optional_gradients = frozenset({"weight"})

    shared = Argument(check.flag)
    first = Argument(check.number)

    def __init__(self, *, shared: bool = True, first: float = 0.25, name: str | None = None) -> None:
        super().__init__(name)
        self.shared, self.first = shared, first

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x, and one weight or one per channel."""
        shape = (1,) if self.shared else x_shape[:1]
        return Spec(x_shape, {"weight": Parameter(shape, constant(self.first))})

    def forward(self, b: Bound) -> list[Call]:
        """y = x where x > 0, else w x"""
        return [activation.prelu_call(b.x, b.params.weight, b.y)]

    def backward(self, b: Bound) -> list[Call]:
        """dw = sum of dy x where x <= 0, then dx = dy where x > 0, else w dy, which may overwrite dy"""
        calls = []
        if b.grads.weight is not None:
            calls.append(activation.prelu_backward_weight_call(b.dy, b.x, b.grads.weight))
        if b.dx is not None:
            calls.append(activation.prelu_backward_call(b.dy, b.x, b.params.weight, b.dx))
        return calls
