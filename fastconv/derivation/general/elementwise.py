"""Layers without windows, in float64 NumPy, as their equations say."""

from math import erf, pi, sqrt
from typing import Any

import numpy as np

from ...typing import Array, Shape

__all__ = ["ACTIVATIONS", "batch_norm", "flatten", "linear", "prelu", "same", "zero_pad"]

Params = dict[str, Array]


def same(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """y = x"""
    return x


def flatten(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """The planes one after another, each by rows or by columns."""
    return (x.swapaxes(-1, -2) if layer.order == "column" else x).reshape(shape)


def linear(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """y(i) = sum over j of w(i,j) x(j) + b(i)"""
    y = [sum(w * each for w, each in zip(row, x.tolist(), strict=True)) for row in params["weight"].tolist()]
    result: Array = np.array(y) + params.get("bias", 0.0)
    return result


def batch_norm(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """y_p = w_p (x_p - mean_p) / sqrt(var_p + eps) + b_p, with the running mean and variance."""
    along = (slice(None), *(None,) * (x.ndim - 1))
    z: Array = (x - params["running_mean"][along]) / np.sqrt(params["running_var"][along] + layer.eps)
    if layer.affine:
        z = z * params["weight"][along] + params["bias"][along]
    return z


def zero_pad(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """Zeros around each plane."""
    n = layer.padding
    left, right, top, bottom = (n, n, n, n) if isinstance(n, int) else n
    y = np.zeros(shape)
    y[:, top : shape[1] - bottom, left : shape[2] - right] = x
    return y


def prelu(layer: Any, x: Array, params: Params, shape: Shape) -> Array:
    """y = x where x > 0, else w x"""
    weight = params["weight"]
    return np.where(x > 0, x, weight.reshape(-1, *(1,) * (x.ndim - 1)) * x)


def sigmoid(layer: Any, x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    result: Array = 0.5 * (1 + np.tanh(x / 2))
    return result


def gelu(layer: Any, x: Array) -> Array:
    """x P(X < x), X normal; or its approximation by tanh."""
    if layer.approximate == "tanh":
        near: Array = 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
        return near
    below = np.array([0.5 * (1 + erf(each / sqrt(2))) for each in x.ravel()]).reshape(x.shape)
    result: Array = x * below
    return result


def softplus(layer: Any, x: Array) -> Array:
    """log(1 + exp(beta x)) / beta, and x itself above the threshold."""
    z = layer.beta * x
    curve = np.logaddexp(0, z) / layer.beta
    return np.where(z > layer.threshold, x, curve)


def log_softmax(layer: Any, x: Array) -> Array:
    """x - log sum exp x, over the channels."""
    moved = x - x.max(0)
    result: Array = moved - np.log(np.exp(moved).sum(0))
    return result


def elu(layer: Any, x: Array) -> Array:
    """x where x > 0, else alpha (exp(x) - 1)"""
    return np.where(x > 0, x, layer.alpha * np.expm1(np.minimum(x, 0)))


def selu(layer: Any, x: Array) -> Array:
    """s x where x > 0, else s a (exp(x) - 1)"""
    s, a = 1.0507009873554805, 1.6732632423543772
    return s * np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


def celu(layer: Any, x: Array) -> Array:
    """x where x > 0, else alpha (exp(x / alpha) - 1)"""
    return np.where(x > 0, x, layer.alpha * np.expm1(np.minimum(x, 0) / layer.alpha))


ACTIVATIONS = {  # name of the layer -> (its function, its equation)
    "CELU": (celu, r"{y} = {x} where {x} > 0, else α (exp(\frac{{{x}}}{{α}}) − 1)"),
    "ELU": (elu, "{y} = {x} where {x} > 0, else α (exp({x}) − 1)"),
    "GELU": (gelu, "{y} = {x} · P(X < {x}), X normal"),
    "HardSigmoid": (lambda _, x: np.clip(x + 3, 0, 6) / 6, r"{y} = \frac{{1}}{{6}} min(max({x} + 3, 0), 6)"),
    "HardSwish": (lambda _, x: x * np.clip(x + 3, 0, 6) / 6, r"{y} = {x} · \frac{{1}}{{6}} min(max({x} + 3, 0), 6)"),
    "Hardtanh": (lambda layer, x: np.clip(x, layer.min_val, layer.max_val), "{y} = min(max({x}, low), high)"),
    "LeakyReLU": (
        lambda layer, x: np.where(x > 0, x, layer.negative_slope * x),
        "{y} = {x} where {x} > 0, else a · {x}",
    ),
    "LogSigmoid": (lambda _, x: -np.logaddexp(0, -x), "{y} = −log(1 + exp(−{x}))"),
    "LogSoftmax": (log_softmax, "{y}(i) = {x}(i) − log Σ_j exp({x}(j))"),
    "Mish": (lambda _, x: x * np.tanh(np.logaddexp(0, x)), "{y} = {x} · tanh(log(1 + exp({x})))"),
    "ReLU": (lambda _, x: np.maximum(x, 0), "{y} = max({x}, 0)"),
    "ReLU6": (lambda _, x: np.clip(x, 0, 6), "{y} = min(max({x}, 0), 6)"),
    "SELU": (selu, "{y} = s · {x} where {x} > 0, else s · a (exp({x}) − 1)"),
    "SiLU": (lambda _, x: x * sigmoid(_, x), "{y} = {x} · σ({x})"),
    "Sigmoid": (sigmoid, r"{y} = σ({x}),  σ(x) = \frac{{1}}{{1 + exp(−x)}}"),
    "Softmax": (
        lambda _, x: np.exp(log_softmax(_, x)),
        r"{y}(i) = \frac{{exp({x}(i))}}{{Σ_j exp({x}(j))}}",
    ),
    "Softplus": (softplus, r"{y} = \frac{{1}}{{β}} log(1 + exp(β · {x}))"),
    "Softsign": (lambda _, x: x / (1 + np.abs(x)), r"{y} = \frac{{{x}}}{{1 + |{x}|}}"),
    "Tanh": (lambda _, x: np.tanh(x), "{y} = tanh({x})"),
    "Threshold": (
        lambda layer, x: np.where(x > layer.threshold, x, layer.value),
        "{y} = {x} where {x} > t, else v",
    ),
}
