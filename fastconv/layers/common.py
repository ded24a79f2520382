"""What several families share."""

from copy import copy

import numpy as np

from .. import init
from ..layer import Layer, Parameter
from ..ops import check


class WithBias(Layer):
    """A layer with a weight and perhaps a bias, one for each output channel."""

    saves = frozenset({"x"})

    def __init__(self, bias, weight_init, bias_init, name):
        super().__init__(name)
        self.bias = check.flag(bias, "bias")
        self.weight_init, self.bias_init = init.named(weight_init), init.named(bias_init, "bias_init")

    def parameters(self, weight_shape, fan_in, fan_out, outputs):
        params = {"weight": Parameter(weight_shape, self.weight_init, fan_in, fan_out)}
        if self.bias:
            params["bias"] = Parameter((outputs,), self.bias_init, fan_in, fan_out)
        return params

    def bias_of(self, arrays):
        return getattr(arrays, "bias", None)

    def folded(self, params, norm, axis=0):
        """Weight and bias of scale (f(x)) + shift, norm = (scale, shift); the weight's channels lie along `axis`."""
        if norm is None:
            return params.weight.copy(), self.copied_bias(params)
        scale, shift = norm
        bias = self.bias_of(params)
        along = (slice(None), *(np.newaxis,) * (params.weight.ndim - 1 - axis))
        weight = (params.weight * scale[along]).astype(params.weight.dtype)
        return weight, (shift if bias is None else bias * scale + shift).astype(weight.dtype)

    def copied_bias(self, params):
        bias = self.bias_of(params)
        return None if bias is None else bias.copy()


class Convolution(WithBias):
    """A layer whose windows slide over maps; `precise` is as in `conv2d`."""

    convolution = True

    def __init__(self, bias, weight_init, bias_init, name, precise):
        super().__init__(bias, weight_init, bias_init, name)
        self.precise = check.flag(precise, "precise")

    def made_precise(self):
        layer = copy(self)
        vars(layer)["precise"] = True  # no change of the network's layer
        return layer


def maps(x_shape):
    """(1, C, H, W) of a sample; ValueError for a vector."""
    if len(x_shape) != 3:
        raise ValueError(f"needs images (C, H, W), got shape {x_shape}")
    return (1, *x_shape)


def features(x_shape):
    """The length of a vector sample; ValueError for images."""
    if len(x_shape) != 1:
        raise ValueError(f"needs vectors (features,), got shape {x_shape}; put Flatten() before it")
    return x_shape[0]


def at_least(value, name, minimum=1):
    return check.integer(value, name, minimum)


def same_start(x, y):
    """Whether the executor has put both into the same memory."""
    return x.__array_interface__["data"][0] == y.__array_interface__["data"][0]
