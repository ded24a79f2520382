"""Kernels of the optimizers: each product and sum rounded as in NumPy, whatever the length; nothing else is touched."""

import inputs
import numpy as np
import pytest
from inputs import DTYPES

import fastconv
from fastconv import kernels

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
SIZES = (*range(1, 40), 16383, 16384, 16385, 3 * 16384 + 17)  # around whole vectors and around a job
EDGE = 5  # elements before and behind that must stay
LR, MOMENTUM, DECAY, EPS, BETA1, BETA2 = 0.3, 0.9, 0.1, 1e-3, 0.8, 0.95


def sgd(kernel, w, g, v, nesterov):
    kernel.sgd(w, g, v, LR, MOMENTUM, DECAY, nesterov)


def sgd_in_numpy(real, w, g, v, nesterov):
    g = w * real(DECAY) + g
    v[:] = v * real(MOMENTUM) + g
    w[:] = w - (g + v * real(MOMENTUM) if nesterov else v) * real(LR)


def adam(kernel, w, g, first, second, keep):
    kernel.adam(w, g, first, second, LR, BETA1, BETA2, EPS, DECAY, keep, 0.5, 0.75)


def adam_in_numpy(real, w, g, first, second, keep):
    w[:] = w * real(keep)
    g = w * real(DECAY) + g
    first[:] = first + (g - first) * real(1 - BETA1)
    second[:] = second * real(BETA2) + g * g * (1 - real(BETA2))
    w[:] = w - first / (np.sqrt(second) / real(0.75) + real(EPS)) * real(LR / 0.5)


def rmsprop(kernel, w, g, squares, velocity, mean):
    kernel.rmsprop(w, g, squares, velocity, mean, LR, BETA2, EPS, DECAY, MOMENTUM)


def rmsprop_in_numpy(real, w, g, squares, velocity, mean):
    g = w * real(DECAY) + g
    squares[:] = squares * real(BETA2) + g * g * real(1 - BETA2)
    inside = squares
    if mean is not None:
        mean[:] = mean + (g - mean) * real(1 - BETA2)
        inside = squares - mean * mean
    g = g / (np.sqrt(inside) + real(EPS))
    if velocity is not None:
        velocity[:] = velocity * real(MOMENTUM) + g
        g = velocity
    w[:] = w - g * real(LR)


RULES = {  # the kernel, the same in NumPy, what it keeps (None: absent), the number at its end
    "sgd": (sgd, sgd_in_numpy, "v", (False,)),
    "nesterov": (sgd, sgd_in_numpy, "v", (True,)),
    "adam": (adam, adam_in_numpy, "uv", (1.0,)),
    "adamw": (adam, adam_in_numpy, "uv", (0.97,)),
    "rmsprop": (rmsprop, rmsprop_in_numpy, "s--", ()),
    "rmsprop, momentum": (rmsprop, rmsprop_in_numpy, "sv-", ()),
    "rmsprop, centered": (rmsprop, rmsprop_in_numpy, "s-m", ()),
    "rmsprop, all": (rmsprop, rmsprop_in_numpy, "svm", ()),
}
every_rule = pytest.mark.parametrize("rule", RULES)


def vectors(rng, size, dtype, kept):
    """w, g and what the rule keeps, each inside a longer vector; squares are larger than those of the mean."""
    made = []
    for name in ("w", "g", *kept):
        a = inputs.real(rng, size + 2 * EDGE, dtype)
        made.append({"s": a * a + 20, "u": a, "v": a * a if len(kept) == 2 else a, "-": None}.get(name, a))
    return made


def middle(a):
    return None if a is None else a[EDGE:-EDGE]


def same(one, other):
    return all((a is None and b is None) or a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@every_dtype
@every_rule
def test_every_length_is_rounded_as_in_numpy(rule, dtype):
    compiled, book, kept, numbers = RULES[rule]
    kernel, rng = kernels.load(dtype).optim.updates, np.random.default_rng(1)
    for size in SIZES:
        ours = vectors(rng, size, dtype, kept)
        theirs = [None if a is None else a.copy() for a in ours]
        compiled(kernel, *map(middle, ours), *numbers)
        book(np.dtype(dtype).type, *map(middle, theirs), *numbers)
        assert same(ours, theirs), size


@every_dtype
def test_a_step_without_velocity_is_w_minus_lr_g(dtype):
    """No velocity: w <- w - lr g."""
    w, g = vectors(np.random.default_rng(2), 101, dtype, "")
    right = w - g * np.dtype(dtype).type(LR)
    kernels.load(dtype).optim.updates.sgd(w, g, None, LR, 0.0, 0.0, False)
    np.testing.assert_array_equal(w, right)


@every_dtype
def test_a_variance_is_never_below_zero(dtype):
    """s - a^2 of gradients that do not change goes to 0, and rounding below it; a NaN is still a NaN."""
    g = np.linspace(0.1, 1, 100).astype(dtype)
    w, squares, mean = np.zeros(100, dtype), g * g * np.dtype(dtype).type(0.99), g.copy()
    assert (squares < mean * mean).all()
    squares[7] = np.nan
    kernels.load(dtype).optim.updates.rmsprop(w, g, squares, None, mean, LR, 1.0, EPS, 0.0, 0.0)
    right = np.zeros(100, dtype) - g / np.dtype(dtype).type(EPS) * np.dtype(dtype).type(LR)
    right[7] = np.nan
    np.testing.assert_array_equal(w, right)


@every_dtype
@every_rule
def test_a_nan_stays_where_it_is(rule, dtype):
    compiled, _, kept, numbers = RULES[rule]
    for at in (0, 15, 16, 36):  # in vectors, and behind the last
        ours = vectors(np.random.default_rng(3), 37, dtype, kept)
        ours[1][EDGE + at] = np.nan
        compiled(kernels.load(dtype).optim.updates, *map(middle, ours), *numbers)
        np.testing.assert_array_equal(np.isnan(middle(ours[0])), np.arange(37) == at)


@every_dtype
@every_rule
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(rule, dtype):
    compiled, _, kept, numbers = RULES[rule]
    results = []
    for threads in (1, 2, 3):
        fastconv.set_num_threads(threads)
        ours = vectors(np.random.default_rng(4), SIZES[-1], dtype, kept)
        compiled(kernels.load(dtype).optim.updates, *map(middle, ours), *numbers)
        results.append(ours)
    assert same(results[0], results[1])
    assert same(results[0], results[2])


@every_dtype
def test_the_sum_of_squares_and_the_scaling_are_exact(dtype):
    kernel, rng = kernels.load(dtype).optim.updates, np.random.default_rng(5)
    for size in SIZES:
        g = inputs.whole(rng, size + 2 * EDGE, dtype)
        assert kernel.sum_of_squares(middle(g)) == (middle(g).astype("float64") ** 2).sum()
        right = g.copy()
        middle(right)[:] *= np.dtype(dtype).type(0.7)
        kernel.scale(middle(g), 0.7)
        np.testing.assert_array_equal(g, right)
    assert kernel.sum_of_squares(np.zeros(0, dtype)) == 0
