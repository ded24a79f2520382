"""The optimizers' rules in plain NumPy, as PyTorch defines them, and the settings under which they are tested."""

import inputs
import numpy as np
import pytest

from fastconv.optim import SGD, Adam, AdamW, RMSprop
from fastconv.parameters import Arrays

SHAPES = {"a.weight": (3, 4), "a.bias": (3,), "b": (2, 1, 2)}


def textbook(w, gradients, lr, momentum=0, weight_decay=0, nesterov=False):
    velocity = None
    for g in gradients:
        g = g + weight_decay * w
        if momentum:
            velocity = g if velocity is None else momentum * velocity + g
            g = g + momentum * velocity if nesterov else velocity
        w = w - lr * g
    return w


def random_arrays(rng):
    arrays = Arrays(SHAPES, "float64")
    for array in arrays.values():
        array[...] = rng.standard_normal(array.shape)
    return arrays


def adam(w, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m, v, (b1, b2) = 0, 0, betas
    for t, g in enumerate(gradients, 1):
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def adamw(w, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam(w, gradients, lr, betas, eps, weight_decay, decoupled=True)


def rmsprop(w, gradients, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    s, a, v = 0, 0, 0
    for g in gradients:
        g = g + weight_decay * w
        s, a = alpha * s + (1 - alpha) * g * g, alpha * a + (1 - alpha) * g
        v = momentum * v + g / (np.sqrt(s - a * a if centered else s) + eps)
        w = w - lr * v
    return w


RULES = {
    "SGD": (SGD, textbook, {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    "SGD plain": (SGD, textbook, {"lr": 0.3}),
    "Adam": (Adam, adam, {"lr": 0.1}),
    "Adam, all": (Adam, adam, {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.01, "weight_decay": 0.2}),
    "AdamW": (AdamW, adamw, {"lr": 0.1}),
    "AdamW, all": (AdamW, adamw, {"lr": 0.1, "betas": (0.0, 0.9), "eps": 0.1, "weight_decay": 0.5}),
    "RMSprop": (RMSprop, rmsprop, {"lr": 0.1}),
    "RMSprop, momentum": (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.5, "momentum": 0.9, "weight_decay": 0.1}),
    "RMSprop, centered": (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.9, "eps": 0.1, "centered": True}),
    "RMSprop, all": (
        RMSprop,
        rmsprop,
        {"lr": 0.1, "alpha": 0.9, "eps": 0.1, "weight_decay": 0.1, "momentum": 0.5, "centered": True},
    ),
}
every_rule = pytest.mark.parametrize("rule", RULES)
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


def steps_of(rng, shape, dtype, count=5):
    return inputs.real(rng, shape, dtype), [inputs.real(rng, shape, dtype) for _ in range(count)]


def change(optimizer, settings):
    for name, value in settings.items():
        setattr(optimizer, name, value)
