"""Settings that change between steps, beside the numbers that PyTorch gives."""

import numpy as np
import pytest
from optim_reference import Parameter
from optim_rules import (
    change,
    random_arrays,
)

from fastconv.optim import SGD, Adam, AdamW, RMSprop

SCHEDULES = {  # rule, settings, step -> what changes before it, and w after each step as PyTorch 2.13 gives it
    "momentum on": (
        (SGD, {"lr": 0.1}, {2: {"momentum": 0.9}}),
        [0.9, 0.95, 0.75, 0.545, 0.2105, 0.00945],
    ),
    "momentum off and on": (
        (SGD, {"lr": 0.1, "momentum": 0.9}, {2: {"momentum": 0.0}, 4: {"momentum": 0.5}}),
        [0.9, 0.86, 0.66, 0.635, 0.465, 0.48],
    ),
    "nesterov on and off": (
        (SGD, {"lr": 0.1, "momentum": 0.9}, {2: {"nesterov": True}, 4: {"nesterov": False}}),
        [0.9, 0.86, 0.4476, 0.20894, -0.15472, -0.382014],
    ),
    "decay on and off": (
        (SGD, {"lr": 0.1, "momentum": 0.5}, {1: {"weight_decay": 0.5}, 3: {"weight_decay": 0.0, "lr": 0.01}}),
        [0.9, 0.855, 0.58975, 0.5739875, 0.55110625, 0.549665625],
    ),
    "lr 0 and back": (
        (SGD, {"lr": 0.1, "momentum": 0.5}, {1: {"lr": 0.0}, 3: {"lr": 0.2}}),
        [0.9, 0.9, 0.9, 0.65, 0.225, 0.2125],
    ),
    "betas": (
        (Adam, {"lr": 0.1}, {2: {"betas": (0.5, 0.9)}, 4: {"betas": (0.0, 0.99)}}),
        [0.900000001, 0.873366297371, 0.777550441611, 0.712006777171, 0.658563924435, 0.697190144013],
    ),
    "eps and decay": (
        (Adam, {"lr": 0.1}, {1: {"eps": 0.1}, 3: {"weight_decay": 0.5}, 5: {"weight_decay": 0.0}}),
        [0.900000001, 0.876357333161, 0.815170166251, 0.75256672703, 0.679165576326, 0.634455651691],
    ),
    "decoupled decay": (
        (AdamW, {"lr": 0.1}, {1: {"weight_decay": 0.0}, 3: {"weight_decay": 0.5}, 4: {"lr": 0.01}}),
        [0.899000001, 0.872366297371, 0.806555137843, 0.706329707254, 0.695578395646, 0.688040065265],
    ),
    "velocity off and on": (
        (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}, {2: {"momentum": 0.0}, 4: {"momentum": 0.5}}),
        [0.899496228575, 0.853987689992, 0.765992408621, 0.754991429621, 0.676568699224, 0.672146702327],
    ),
    "centered off and on": (
        (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}, {2: {"centered": False}, 4: {"centered": True}}),
        [0.899496228575, 0.853987689992, 0.725556042391, 0.599043990985, 0.430027288481, 0.312515005961],
    ),
    "alpha": (
        (
            RMSprop,
            {"lr": 0.01, "alpha": 0.5},
            {1: {"alpha": 0.9}, 3: {"alpha": 0.99, "eps": 0.1}, 5: {"weight_decay": 0.5}},
        ),
        [0.985857864576, 0.993112626972, 0.971126638817, 0.968640204025, 0.953837362298, 0.959015128798],
    ),
}


@pytest.mark.parametrize(("schedule", "expected"), SCHEDULES.values(), ids=SCHEDULES)
def test_settings_may_change_between_steps(schedule, expected):
    kind, settings, changes = schedule
    w, optimizer, found = np.ones(1), kind(**settings), []
    for i, g in enumerate([1.0, -0.5, 2.0, 0.25, 1.5, -1.0]):
        change(optimizer, changes.get(i, {}))
        optimizer.step({"w": w}, {"w": np.array([g])})
        found.append(w[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("lean", [False, True])
def test_what_a_setting_asks_for_starts_at_zero(lean):
    """RMSprop that begins without a velocity and a mean, as nothing else defines it."""
    optimizer, rng = RMSprop(0.01), np.random.default_rng(0)
    parameters = random_arrays(rng)
    expected = {name: Parameter(w) for name, w in parameters.items()}
    for settings in (
        {},
        {"momentum": 0.9},
        {"centered": True},
        {"momentum": 0.0},
        {"momentum": 0.5, "centered": False},
    ):
        change(optimizer, settings)
        gradients = random_arrays(rng)
        if lean:
            optimizer.begin_step(parameters)
            optimizer.step_part(parameters, 0, gradients.flat)
            optimizer.end_step(parameters)
        else:
            optimizer.step(parameters, gradients)
        for name, w in parameters.items():
            expected[name].step(gradients[name], "RMSprop", optimizer)
            np.testing.assert_allclose(w, expected[name].w, rtol=1e-9)


def test_a_gradient_that_does_not_change_gives_no_nan():
    w, g = {"w": np.ones(100, "float32")}, {"w": np.linspace(0.1, 1, 100, dtype="float32")}
    optimizer = RMSprop(1e-3, alpha=0.9, eps=1e-3, centered=True)
    for _ in range(300):
        optimizer.step(w, g)
    assert np.isfinite(w["w"]).all()
