"""Normalisation, z = (x - mean) / sqrt(var + eps).

batch, group, layer   y = z w + b     db = sum dy, dw = sum dy z
                      dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy, means over what shares its statistics
local response        y = x d^-beta   dx = dy d^-beta - 2 alpha beta / size x (sum of dy x d^(-beta-1) of the windows)
"""

from functools import partial
from math import prod

import numpy as np

from .. import init
from ..layer import Array, Layer, Parameter, Spec, State
from ..ops import check, norm
from ..ops.elementwise import positive
from ..ops.norm.local import window_numbers


class Affine(Layer):
    """A layer with a weight and a bias, unless affine=False; its gradient reads x and the saved statistics."""

    saves = frozenset({"x"})
    in_place = True
    kind = "norm"

    def __init__(self, eps, affine, name):
        super().__init__(name)
        self.eps, self.affine = positive(eps, "eps"), check.flag(affine, "affine")
        if self.eps >= 1:
            raise ValueError(f"eps must be below 1, got {eps!r}; the number of channels is not given, it is that of x")

    def parameters(self, shape):
        positive(self.eps, "eps")
        if not self.affine:
            return {}
        return {"weight": Parameter(shape, init.ones), "bias": Parameter(shape, init.zeros)}

    def gradients(self, b):
        """Where dweight and dbias go; without parameters, to nowhere."""
        if self.affine:
            return b.grads.weight, b.grads.bias
        return b.scratch.dweight, b.scratch.dbias

    def scratch(self, shape):
        return {} if self.affine else {"dweight": Array(shape, None, False), "dbias": Array(shape, None, False)}

    def weights(self, b):
        return (b.params.weight, b.params.bias) if self.affine else (None, None)


class BatchNorm(Affine):
    """Each channel with the mean and variance of the batch in training, the running ones in prediction.

    Images (C, H, W) or vectors (C,). Parameters weight and bias, buffers running_mean, running_var and, as in PyTorch,
    num_batches_tracked, which counts the training steps.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.BatchNorm(name="bn1"), (6, 24, 24))
    >>> list(network.parameters), list(network.buffers)
    (['bn1.weight', 'bn1.bias'], ['bn1.running_mean', 'bn1.running_var', 'bn1.num_batches_tracked'])
    """

    fuses = frozenset({"residual", "activation"})
    fused_backward = True
    folds = True
    kind = "bn"

    def __init__(self, eps=1e-5, momentum=0.1, affine=True, name=None):
        super().__init__(eps, affine, name)
        self.momentum = momentum_number(momentum)

    def spec(self, x_shape, dtype):
        momentum_number(self.momentum)
        shape = x_shape[:1]
        state = {
            "running_mean": State(shape, partial(init.zeros, shape=shape)),
            "running_var": State(shape, partial(init.ones, shape=shape)),
            "num_batches_tracked": State((), partial(init.zeros, shape=()), "int64"),
        }
        saved = {"mean": Array((2, *shape), None, False), "invstd": Array(shape, None, False)}  # mean, and its rounding
        return Spec(x_shape, self.parameters(shape), state, saved, self.scratch(shape))

    def forward(self, b):
        saved = (b.saved.mean, b.saved.invstd) if b.training else (None, None)
        running = (b.state.running_mean, b.state.running_var)
        numbers = (self.momentum, self.eps, b.training)
        then = (b.activation, b.residual)
        calls = [norm.batch_norm_call(b.x, b.y, *self.weights(b), *running, *saved, *numbers, *then)]
        if b.training:
            steps = b.state.num_batches_tracked
            calls.append(partial(np.add, steps, 1, steps))
        return calls

    def recompute(self, b):
        numbers = (b.saved.mean, b.saved.invstd, self.eps, b.activation)
        return [norm.batch_norm_recompute_call(b.x, b.y, *self.weights(b), *numbers)]

    def backward(self, b):
        weight, bias = self.weights(b)
        numbers = (weight, b.saved.mean, b.saved.invstd, *self.gradients(b), b.training)
        then = (b.activation, bias, b.y, b.dresidual)
        return [norm.batch_norm_backward_call(b.dy, b.x, b.dx, *numbers, *then)]

    def scale_and_shift(self, params, state):
        """Float64 (scale, shift) of each channel in prediction."""
        scale = 1 / np.sqrt(state.running_var.astype("float64") + self.eps)
        if self.affine:
            scale = scale * params.weight
        shift = -scale * state.running_mean
        return scale, shift + params.bias if self.affine else shift


def momentum_number(momentum):
    """A float from 0 to 1."""
    value = check.number(momentum, "momentum")
    if not 0 <= value <= 1:
        raise ValueError(f"momentum must be from 0 to 1, got {momentum!r}")
    return value


class GroupNorm(Affine):
    """Each group of channels of each sample; the weight and the bias are by channel.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GroupNorm(2), (6, 24, 24)).parameters["norm1.weight"].shape
    (6,)
    """

    def __init__(self, num_groups, eps=1e-5, affine=True, name=None):
        super().__init__(eps, affine, name)
        self.num_groups = check.integer(num_groups, "num_groups", 1)

    def spec(self, x_shape, dtype):
        if x_shape[0] % self.num_groups:
            raise ValueError(f"num_groups must divide the channels, got num_groups={self.num_groups} and {x_shape[0]}")
        saved = {"mean": Array((self.num_groups,)), "invstd": Array((self.num_groups,))}
        return Spec(x_shape, self.parameters(x_shape[:1]), {}, saved, self.scratch(x_shape[:1]))

    def forward(self, b):
        return [norm.group_norm_call(b.x, b.y, *self.weights(b), b.saved.mean, b.saved.invstd, self.eps)]

    def backward(self, b):
        saved, weight = (b.saved.mean, b.saved.invstd), self.weights(b)[0]
        return [norm.group_norm_backward_call(b.dy, b.x, b.dx, weight, *saved, *self.gradients(b))]


class LayerNorm(Affine):
    """Each sample as a whole; the weight and the bias are by element.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LayerNorm(), (120,)).parameters["norm1.weight"].shape
    (120,)
    """

    def __init__(self, eps=1e-5, affine=True, name=None):
        super().__init__(eps, affine, name)

    def spec(self, x_shape, dtype):
        return Spec(
            x_shape, self.parameters(x_shape), {}, {"mean": Array(()), "invstd": Array(())}, self.scratch(x_shape)
        )

    def forward(self, b):
        return [norm.layer_norm_call(b.x, b.y, *self.weights(b), b.saved.mean, b.saved.invstd, self.eps)]

    def backward(self, b):
        saved, weight = (b.saved.mean, b.saved.invstd), self.weights(b)[0]
        return [norm.layer_norm_backward_call(b.dy, b.x, b.dx, weight, *saved, *self.gradients(b))]


class LocalResponseNorm(Layer):
    """Each value by a power of the squares of the channels around it; the arguments of `local_response_norm`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LocalResponseNorm(5), (6, 24, 24)).output_shape
    (6, 24, 24)
    """

    saves = frozenset({"x"})
    kind = "norm"

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0, name=None):
        super().__init__(name)
        self.window = window_numbers(size, alpha, beta, k)

    def spec(self, x_shape, dtype):
        window_numbers(*self.window)
        return Spec(x_shape)

    def forward(self, b):
        return [norm.local_response_norm_call(b.x, b.y, *self.window)]

    def backward(self, b):
        return [] if b.dx is None else [norm.local_response_norm_backward_call(b.dy, b.x, b.dx, *self.window)]

    def multiply_adds(self, x_shape, y_shape):
        return prod(x_shape) * self.window[0]
