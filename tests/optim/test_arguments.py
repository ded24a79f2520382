"""Bad settings, parameters and gradients are refused with a message that names them."""

import inputs
import numpy as np
import pytest
from optim_rules import (
    RULES,
    every_rule,
)

from fastconv import Network, layers, train_step
from fastconv.optim import SGD, Adam, AdamW, RMSprop
from fastconv.parameters import Arrays


@pytest.mark.parametrize(
    ("kind", "settings", "error", "said"),
    [
        (Adam, {"betas": (0.9, 1.0)}, ValueError, "betas must be from 0 to below 1"),
        (Adam, {"betas": (-0.1, 0.9)}, ValueError, "betas must be from 0"),
        (Adam, {"betas": 0.9}, TypeError, "betas must be a pair"),
        (Adam, {"betas": (0.9, "x")}, TypeError, "betas must be a number"),
        (Adam, {"lr": -1}, ValueError, "lr must be >= 0, got -1"),
        (AdamW, {"eps": -1}, ValueError, "eps must be >= 0"),
        (AdamW, {"weight_decay": float("nan")}, ValueError, "weight_decay must be >= 0, got nan"),
        (RMSprop, {"alpha": 1}, ValueError, "alpha must be below 1"),
        (RMSprop, {"momentum": -1}, ValueError, "momentum must be >= 0"),
    ],
)
def test_wrong_settings_of_the_others(kind, settings, error, said):
    with pytest.raises(error, match=said):
        kind(**settings)


@every_rule
def test_wrong_parameters(rule):
    kind, _, settings = RULES[rule]
    optimizer = kind(**settings)
    with pytest.raises(ValueError, match="w must be writable"):
        optimizer.step({"w": inputs.readonly(np.ones(3))}, {"w": np.ones(3)})
    with pytest.raises(TypeError, match="w must be float32 or float64, got int64"):
        optimizer.step({"w": np.ones(3, int)}, {"w": np.ones(3, int)})


WRONG = {
    "lists": ([np.ones(3)], [np.ones(3)], TypeError, "parameters must be a mapping name -> array, got list"),
    "an array": (np.ones(3), np.ones(3), TypeError, "parameters must be a mapping name -> array, got ndarray"),
    "gradients in a list": ({"w": np.ones(3)}, [np.ones(3)], TypeError, "gradients must be a mapping .* got list"),
    "a list": ({"w": [1.0]}, {"w": np.ones(1)}, TypeError, r"w must be a numpy\.ndarray, got list"),
    "a scalar": ({"w": np.float64(1)}, {"w": np.ones(())}, TypeError, r"w must be a numpy\.ndarray, got float64"),
    "a gradient that is a list": ({"w": np.ones(1)}, {"w": [1.0]}, TypeError, "the gradient of w must be a numpy"),
    "names of several types": (
        {1: np.ones(3), "a": np.ones(3)},
        {},
        ValueError,
        r"gradients must have the names of parameters; missing \[1, 'a'\], unknown \[\]",
    ),
    "half precision": ({"w": np.ones(3, "f2")}, {"w": np.ones(3, "f2")}, TypeError, "w must be float32 or float64"),
    "another byte order": (
        {"w": np.ones(3).astype(inputs.swapped(np.ones(1)).dtype)},
        {"w": np.ones(3).astype(inputs.swapped(np.ones(1)).dtype)},
        TypeError,
        "w must be float32 or float64, got >f8",
    ),
    "an array that overlaps itself": (
        {"w": np.lib.stride_tricks.as_strided(np.ones(5), (3, 3), (8, 8))},
        {"w": np.ones((3, 3))},
        ValueError,
        "w must not overlap itself",
    ),
}


@every_rule
@pytest.mark.parametrize(("parameters", "gradients", "error", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arrays_are_refused(rule, parameters, gradients, error, said):
    kind, _, settings = RULES[rule]
    with pytest.raises(error, match=said):
        kind(**settings).step(parameters, gradients)


@every_rule
def test_one_wrong_parameter_leaves_the_others(rule):
    kind, _, settings = RULES[rule]
    optimizer, w = kind(**settings), np.ones(3)
    for wrong in (inputs.readonly(np.ones(2)), np.ones(2, int)):
        with pytest.raises((ValueError, TypeError), match="v must be"):
            optimizer.step({"w": w, "v": wrong}, {"w": np.ones(3), "v": wrong.copy()})
    assert (w == 1).all()
    assert not optimizer._memory.known


@every_rule
def test_one_vector_of_gradients_must_have_the_same_shapes(rule):
    """Vectors of one size alone do not make gradients those of the parameters."""
    kind, _, settings = RULES[rule]
    for shapes, said in (({"w": (4, 3)}, "must agree"), ({"v": (3, 4)}, "names of parameters")):
        w = Arrays({"w": (3, 4)}, "float64")
        with pytest.raises(ValueError, match=said):
            kind(**settings).step(w, Arrays(shapes, "float64"))


@pytest.mark.parametrize("lean", [False, True])
def test_a_parameter_made_read_only_is_not_updated(lean):
    network = Network(layers.Linear(2), (3,), seed=0)
    weights = network.parameters.flat.copy()
    network.parameters["linear1.bias"].flags.writeable = False
    with pytest.raises(ValueError, match=r"linear1\.bias'\] must be writable"):
        train_step(network, np.ones((2, 3), "float32"), [0, 1], SGD(0.1), lean=lean)
    np.testing.assert_array_equal(network.parameters.flat, weights)
