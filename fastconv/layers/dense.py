"""The dense (fully connected) layer.

y = x W^T + b                                  Zhang 2016, eq. 12, before sigma
dx = dy W,  dW = dy^T x,  db = sum_n dy[n]     eqs. 30, 19, 24
"""

from types import SimpleNamespace

from ..layer import Spec
from ..ops import dense
from .common import WithBias, at_least, features


class Linear(WithBias):
    """A matrix applied to vectors: (I,) to (outputs,). The weight is (outputs, I).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Linear(10), (192,)).output_shape
    (10,)
    """

    fuses = frozenset({"norm", "activation"})
    gradient_by_rows = frozenset({"weight"})
    kind = "linear"

    def __init__(self, outputs, bias=True, init="uniform", bias_init="zeros", name=None):
        if type(bias) is int:
            raise TypeError(
                f"bias must be True or False, got {bias}; the number of inputs is not given, it is that of x"
            )
        super().__init__(bias, init, bias_init, name)
        self.outputs = at_least(outputs, "outputs")

    def spec(self, x_shape, dtype):
        inputs = features(x_shape)
        return Spec((self.outputs,), self.parameters((self.outputs, inputs), inputs, self.outputs, self.outputs))

    def forward(self, b):
        return [dense.linear_call(b.x, b.params.weight, self.bias_of(b.params), b.y, b.activation)]

    def freeze(self, params, norm, x_shape):
        weight, bias = self.folded(params, norm)
        return SimpleNamespace(weight=weight, bias=bias)

    def backward(self, b):
        calls = []
        if self.bias:
            calls.append(dense.linear_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(dense.linear_backward_input_call(b.dy, b.params.weight, b.dx))
        return calls + self.weight_gradient(b)

    def weight_gradient(self, b):
        """In one call; or, with less memory than the whole takes, by rows, each used before the next is made."""
        rows, calls = len(b.grads.weight), []
        if rows == self.outputs:
            return [dense.linear_backward_weight_call(b.dy, b.x, b.grads.weight)]
        for row in range(0, self.outputs, rows):
            part = b.grads.weight[: self.outputs - row]
            calls.append(dense.linear_backward_weight_call(b.dy[:, row : row + rows], b.x, part))
            calls.append(b.update("weight", row, part))
        return calls

    def multiply_adds(self, x_shape, y_shape):
        return x_shape[0] * y_shape[0]


Dense = Linear
