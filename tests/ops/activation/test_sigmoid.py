"""exp, and what is built on it, from subnormals to overflow; gradients from the output."""

import numpy as np
import pytest
from activation_cases import TEXTBOOK, all_exponents, every_dtype, logistic, ulps

import fastconv
from fastconv.ops import elementwise


@every_dtype
@pytest.mark.parametrize(
    ("name", "f", "allowed"),
    [("exp", np.exp, 2.5), ("sigmoid", logistic, 2.5), ("tanh", np.tanh, 3), ("elu", np.expm1, 2.5)],
)
def test_every_exponent(name, f, allowed, dtype):
    """exp and what is built on it, from subnormals to overflow: the ulp bound holds for the smallest results too."""
    x = all_exponents(dtype, 8 if dtype == "float32" else 11)
    if name == "elu":
        x = x[~(x > 0)]
    y = np.full_like(x, np.nan)
    elementwise.call(name, x, y, numbers=(1.0, 1.0) if name == "elu" else ())()
    with np.errstate(over="ignore", under="ignore"):
        assert ulps(y, f(x.astype(np.longdouble))).max() <= allowed


@every_dtype
@pytest.mark.parametrize(
    ("name", "f", "allowed"),
    [
        ("selu", TEXTBOOK["selu"][0], 3),
        ("softsign", lambda x: x / (1 + np.abs(x)), 2),
        ("logsigmoid", lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), 2),
    ],
)
def test_every_exponent_of_what_people_call(name, f, allowed, dtype):
    x = all_exponents(dtype, 8 if dtype == "float32" else 11)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        want = f(x.astype(np.longdouble))
    finite = np.isfinite(x)
    assert ulps(getattr(fastconv, name)(x)[finite], want[finite]).max() <= allowed


@every_dtype
def test_exp_around_its_thresholds(dtype):
    info = np.finfo(dtype)
    limits = np.array([info.max, info.tiny, np.longdouble(info.smallest_subnormal) / 2], np.longdouble)
    limits = np.log(limits).astype(dtype)
    steps = np.arange(-50, 51)[:, None]
    x = (limits + steps * np.spacing(limits)).astype(dtype).ravel()
    y = np.full_like(x, np.nan)
    elementwise.call("exp", x, y)()
    with np.errstate(over="ignore", under="ignore"):
        want = np.exp(x.astype(np.longdouble))
        assert ulps(y, want).max() <= 2.5
        np.testing.assert_array_equal(np.isinf(y), np.isinf(want.astype(dtype)))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_gradient_from_the_output(name):
    x, dy = np.random.default_rng(5).standard_normal((2, 4, 5))
    backward = getattr(fastconv, name + "_backward")
    np.testing.assert_array_equal(backward(dy, x), backward(dy, y=getattr(fastconv, name)(x)))
