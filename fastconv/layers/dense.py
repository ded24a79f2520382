"""The dense (fully connected) layer.

y = x W^T + b                                  Zhang 2016 [1], eq. 12, before sigma
dx = dy W,  dW = dy^T x,  db = sum_n dy[n]     eqs. 30, 19, 24
"""

from collections.abc import Set as AbstractSet
from math import prod
from types import SimpleNamespace

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Initialiser, Layer, Norm, Spec
from ..ops import conv, dense, geometry
from ..typing import Array, Call, Shape
from .common import at_least, last_extent
from .weighted import WithBias

MANY, SHORT, WIDE = 256, 1024, 32  # tokens, inputs and outputs from where a convolution is quicker


class Linear(WithBias):
    """A matrix applied to vectors: y = x weight^T + bias. `Dense` is another name of it.

    (N, I) -> (N, outputs) or (N, tokens, I) -> (N, tokens, outputs).

    By position: outputs; the rest by name.

    Parameters
    ----------
    outputs : int >= 1
        The length of the results; I, that of the last axis of x, is not given, the network knows it.
    bias : bool, default True
        Add one trained number per output.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    init : name or function of `fastconv.init`, default "uniform"
        First values of the weight: a name such as "he_normal", or a function.
    bias_init : name or function of `fastconv.init`, default "zeros"
        First values of the bias: a name such as "zeros", or a function.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.

    Notes
    -----
    Parameters of the network: weight (outputs, I), bias (outputs,).

    Zhang 2016 [1], eqs. 12, 19, 24 and 30. Images need `Flatten` before it, or `Reshape`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Linear(10), (192,)).output_shape
    (10,)
    """

    fuses = frozenset({"norm", "activation"})
    gradient_by_rows = frozenset({"weight"})
    optional_gradients = frozenset({"weight", "bias"})
    saves_for_gradients = frozenset({"x"})
    kind = "linear"
    outputs = Argument(at_least)

    def __init__(
        self,
        outputs: int,
        *,
        bias: bool = True,
        activation: str | Layer | None = None,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(bias, activation, init, bias_init, name)
        self.outputs = outputs

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(outputs,) or (tokens, outputs); the weight and perhaps the bias."""
        inputs = last_extent(x_shape)
        params = self.parameters((self.outputs, inputs), inputs, self.outputs, self.outputs)
        return Spec((*x_shape[:-1], self.outputs), params)

    def fuses_at(self, x_shape: Shape) -> AbstractSet[str]:
        """The channels of tokens are the tokens, so that a norm after it cannot be folded into the weight."""
        return self.fuses if len(x_shape) == 1 else self.fuses - {"norm"}

    def forward(self, b: Bound) -> list[Call]:
        """y = f(x W^T + b)"""
        weight, bias = b.params.weight, self.bias_of(b.params)
        if not as_pixels(b.x_shape, len(weight)):
            return [dense.linear_call(b.x, weight, bias, b.y, b.activation)]
        kernels = weight[:, :, None, None]
        g = geometry.conv2d((*b.x_shape[::2], b.x_shape[1], 1), kernels.shape)
        return [conv.conv2d_call(pixels(b.x), kernels, bias, pixels(b.y), g, b.activation)]

    def freeze(self, params: SimpleNamespace, norm: Norm, x_shape: Shape) -> SimpleNamespace:
        """Weight and bias with the scale and shift of `norm`."""
        weight, bias = self.folded(params, norm)
        return SimpleNamespace(weight=weight, bias=bias)

    def backward(self, b: Bound) -> list[Call]:
        """db = sum_n dy[n], dx = dy W, and dW = dy^T x"""
        calls: list[Call] = []
        if self.bias_of(b.grads) is not None:
            calls.append(dense.linear_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(dense.linear_backward_input_call(b.dy, b.params.weight, b.dx))
        return calls if b.grads.weight is None else calls + self.weight_gradient(b)

    def weight_gradient(self, b: Bound) -> list[Call]:
        """dW = dy^T x in one call; or, where b.grads.weight has fewer rows, part by part, each with its update."""
        rows = len(b.grads.weight)
        if rows == self.outputs:
            return [dense.linear_backward_weight_call(b.dy, b.x, b.grads.weight)]
        calls = []
        for row in range(0, self.outputs, rows):
            part = b.grads.weight[: self.outputs - row]
            calls.append(dense.linear_backward_weight_call(b.dy[..., row : row + rows], b.x, part))
            calls.append(b.update("weight", row, part))
        return calls

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """I outputs, for each token"""
        return x_shape[-1] * prod(y_shape)


Dense = Linear


def as_pixels(x_shape: Shape, outputs: int) -> bool:
    """Whether the forward pass of x (N, tokens, I) is quicker as a convolution 1x1: many tokens, short rows."""
    return len(x_shape) == 3 and x_shape[1] >= MANY and x_shape[2] <= SHORT and outputs >= WIDE


def pixels(x: Array) -> Array:
    """A view of tokens (N, tokens, I) as an image of channels-last memory, (N, I, tokens, 1)."""
    return x.transpose(0, 2, 1)[..., None]
