"""Gradient descent: the rule of Zhang 2016 (eqs. 65 to 70), momentum, Nesterov's momentum, weight decay."""

import numpy as np
import pytest
from optim_rules import (
    random_arrays,
    textbook,
)

from fastconv.optim import SGD

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.01},
]


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
    wrong = list(settings)[-1]
    with pytest.raises(error, match=rf"^{wrong} (must be|needs) "):
        SGD(**settings)


def test_names_shapes_and_dtypes_must_agree():
    optimizer, w = SGD(1.0), {"a": np.zeros(3), "b": np.zeros(2)}
    with pytest.raises(ValueError, match=r"missing \['b'\], unknown \['c'\]"):
        optimizer.step(w, {"a": np.zeros(3), "c": np.zeros(2)})
    for wrong in (np.zeros(4), np.zeros(3, "float32")):
        with pytest.raises(ValueError, match="a: parameter"):
            optimizer.step(w, {"a": wrong, "b": np.zeros(2)})
    assert not w["a"].any()
