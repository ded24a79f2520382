"""SGD: the sources' rule, and PyTorch's recurrences in plain NumPy."""

import ctypes
import functools
import signal

import numpy as np
import pytest

from fastconv import optim
from fastconv.memory import Arrays
from fastconv.optim import SGD

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.01},
]
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


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", [dict, lambda arrays: arrays], ids=["dict", "flat"])
def test_four_steps(settings, kind):
    rng = np.random.default_rng(0)
    parameters, steps = random_arrays(rng), [random_arrays(rng) for _ in range(4)]
    expected = {name: textbook(w.copy(), [s[name] for s in steps], 0.3, **settings) for name, w in parameters.items()}
    before = [{name: g.copy() for name, g in s.items()} for s in steps]
    optimizer = SGD(0.3, **settings)
    for gradients in steps:
        optimizer.step(kind(parameters), kind(gradients))
    for name, w in parameters.items():
        np.testing.assert_allclose(w, expected[name], rtol=1e-13, err_msg=name)
    for step, kept in zip(steps, before, strict=True):
        for name, g in kept.items():
            np.testing.assert_array_equal(step[name], g)


def test_equations_65_to_70():
    w, dw = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    SGD(lr=1.0).step({"k": w}, {"k": dw})
    np.testing.assert_array_equal(w, [0.5, -2.25])


def test_the_learning_rate_may_change():
    w, optimizer = {"w": np.zeros(1)}, SGD(1.0)
    for lr in (1.0, 0.5):
        optimizer.lr = lr
        optimizer.step(w, {"w": np.ones(1)})
    assert w["w"] == -1.5


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"lr": -1}, ValueError),
        ({"lr": float("nan")}, ValueError),
        ({"lr": "fast"}, TypeError),
        ({"lr": 1, "momentum": -0.1}, ValueError),
        ({"lr": 1, "weight_decay": -1}, ValueError),
        ({"lr": 1, "nesterov": True}, ValueError),
    ],
)
def test_wrong_settings(settings, error):
    with pytest.raises(error, match=r"lr|momentum|weight_decay"):
        SGD(**settings)


def test_names_shapes_and_dtypes_must_agree():
    optimizer, w = SGD(1.0), {"a": np.zeros(3), "b": np.zeros(2)}
    with pytest.raises(ValueError, match=r"missing \['b'\], unknown \['c'\]"):
        optimizer.step(w, {"a": np.zeros(3), "c": np.zeros(2)})
    for wrong in (np.zeros(4), np.zeros(3, "float32")):
        with pytest.raises(ValueError, match="a: parameter"):
            optimizer.step(w, {"a": wrong, "b": np.zeros(2)})
    assert not w["a"].any()


def test_an_interrupt_waits_for_the_end_of_the_update():
    send = ctypes.CDLL(None)["raise"]  # as the terminal does, without Python looking at it at once
    done = []
    calls = [functools.partial(done.append, n) for n in range(200)]
    calls.insert(3, functools.partial(send, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        optim.uninterrupted(calls)
    assert done == list(range(200))
