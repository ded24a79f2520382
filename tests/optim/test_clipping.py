"""Clipping of gradients by their norm."""

import inputs
import numpy as np
import pytest
from optim_rules import (
    SHAPES,
    every_dtype,
)

from fastconv.optim import clip_gradients
from fastconv.parameters import Arrays


@every_dtype
@pytest.mark.parametrize("kind", [dict, lambda arrays: arrays], ids=["dict", "flat"])
def test_clip_gradients(kind, dtype):
    gradients = Arrays(SHAPES, dtype)
    for g in gradients.values():
        g[...] = np.random.default_rng(5).standard_normal(g.shape)
    gradients = kind(gradients)
    before = {name: g.astype("float64") for name, g in gradients.items()}
    norm = np.sqrt(sum((g**2).sum() for g in before.values()))
    assert clip_gradients(gradients, 2 * norm) == pytest.approx(norm, rel=1e-12)
    for name, g in gradients.items():
        np.testing.assert_array_equal(g, before[name])
    assert clip_gradients(gradients, 0.5) == pytest.approx(norm, rel=1e-12)
    for name, g in gradients.items():
        np.testing.assert_allclose(g, before[name] * 0.5 / (norm + 1e-6), rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("odd", [o for o in inputs.SAME_NUMBERS if o not in (inputs.readonly, inputs.swapped)])
def test_clip_gradients_in_any_memory(odd):
    g = np.random.default_rng(6).standard_normal((3, 5, 4))
    strange = odd(g.copy())
    assert clip_gradients({"a": strange}, 1.0) == clip_gradients({"a": g}, 1.0)
    np.testing.assert_array_equal(strange, g)


def test_clip_gradients_beyond_the_range():
    for big in (1e30, -1e38):  # their squares would overflow in float32
        g = {"a": np.array([big, 0], "float32")}
        assert clip_gradients(g, 1.0) == pytest.approx(abs(big), rel=1e-6)
        np.testing.assert_allclose(g["a"], [np.sign(big), 0], rtol=1e-5)
    g = {"a": np.array([1.0, np.nan])}
    assert np.isnan(clip_gradients(g, 1.0))
    assert np.isnan(g["a"]).all()
    assert clip_gradients({}, 1.0) == 0
    assert clip_gradients({"a": np.zeros(3)}, 1.0) == 0


def test_clip_gradients_refuses():
    with pytest.raises(ValueError, match="max_norm must be >= 0, got -1"):
        clip_gradients({"a": np.ones(3)}, -1)
    with pytest.raises(TypeError, match="max_norm must be a number"):
        clip_gradients({"a": np.ones(3)}, "1")
    with pytest.raises(TypeError, match="a must be float32 or float64, got int64"):
        clip_gradients({"a": np.ones(3, int)}, 1)
    with pytest.raises(TypeError, match="a must be float32 or float64, got list"):
        clip_gradients({"a": [1.0]}, 1)
    with pytest.raises(ValueError, match="a must be writable"):
        clip_gradients({"a": inputs.readonly(np.ones(3))}, 1)


@pytest.mark.parametrize("view", [lambda g: g, lambda g: g[1:], lambda g: g[::-1]])
def test_clip_gradients_refuses_arrays_that_share_memory(view):
    g = np.ones(3)
    with pytest.raises(ValueError, match="a and b share memory; give each array once"):
        clip_gradients({"a": g, "b": view(g)}, 0.1)
    assert (g == 1).all()


@pytest.mark.parametrize("big", [1e-200, 1e-160, 1e160, 1e300])
def test_clip_gradients_whose_squares_float64_cannot_hold(big):
    g = {"a": np.array([3 * big, 0.0]), "b": np.array([[4 * big]])}
    assert clip_gradients(g, 1.0) == pytest.approx(5 * big, rel=1e-14)
    factor = min(1, 1 / (5 * big + 1e-6))
    np.testing.assert_allclose([g["a"][0], g["b"][0, 0]], [3 * big * factor, 4 * big * factor], rtol=1e-14)


def test_clip_gradients_far_beyond_the_limit_in_float32():
    """The factor is below the smallest float32 of full precision."""
    g = {"a": np.full(10_000, 3e38, "float32")}
    assert clip_gradients(g, 1.0) == pytest.approx(3e40, rel=1e-6)
    np.testing.assert_allclose(g["a"], 0.01, rtol=1e-6)


def test_clip_gradients_without_a_limit():
    g = {"a": np.array([1e200, np.inf, np.nan])}
    clip_gradients(g, np.inf)
    np.testing.assert_array_equal(g["a"], [1e200, np.inf, np.nan])
    g = {"a": np.array([np.inf, 1.0])}
    assert clip_gradients(g, np.inf) == np.inf
    np.testing.assert_array_equal(g["a"], [np.inf, 1.0])


@pytest.mark.parametrize(
    ("gradients", "max_norm", "error", "said"),
    [
        ({"a": np.ones(3)}, float("nan"), ValueError, "max_norm must be >= 0, got nan"),
        ({"a": np.ones(3)}, True, TypeError, "max_norm must be a number"),
        ({"a": np.ones(3)}, np.ones(1), TypeError, r"max_norm must be a number, got an array of shape \(1,\)"),
        ([np.ones(3)], 1.0, TypeError, "gradients must be a mapping name -> array, got list"),
    ],
)
def test_clip_gradients_refuses_what_is_no_limit(gradients, max_norm, error, said):
    with pytest.raises(error, match=said):
        clip_gradients(gradients, max_norm)
