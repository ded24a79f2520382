"""Laws of every optimizer: PyTorch's recurrences in plain NumPy, every kind of memory, the same bits."""

import inputs
import numpy as np
import pytest
from optim_rules import (
    RULES,
    every_dtype,
    every_rule,
    random_arrays,
    steps_of,
)

import fastconv
from fastconv.optim import SGD, AdamW, RMSprop, clip_gradients


@every_dtype
@every_rule
@pytest.mark.parametrize("size", [1, 7, 16, 100, 40_003])
def test_every_rule(size, rule, dtype):
    kind, book, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(1), (size,), dtype)
    expected = book(w.astype("float64"), [g.astype("float64") for g in gradients], **settings)
    optimizer = kind(**settings)
    for g in gradients:
        optimizer.step({"w": w}, {"w": g})
    np.testing.assert_allclose(w, expected, rtol=0, atol=3e-5 if dtype == "float32" else 1e-12)


def in_numpy(rule, w, gradients):
    """The same steps in NumPy, each product and sum rounded to the dtype: what SGD was before it was compiled."""
    kind, _, settings = RULES[rule]
    p, real = kind(**settings), w.dtype.type
    decay, lr, w = real(p.weight_decay), p.lr, w.copy()
    s, m, v = (np.zeros_like(w) for _ in range(3))
    for t, g in enumerate(gradients, 1):
        if kind is AdamW:
            w, decay = w * real(1 - lr * p.weight_decay), 0
        g = w * decay + g if decay else g
        if kind is SGD:
            v = v * real(p.momentum) + g
            g = g + v * real(p.momentum) if p.nesterov else v
        elif kind is RMSprop:
            a = real(1 - p.alpha)
            s = s * real(p.alpha) + g * g * a
            m = m + (g - m) * a
            v = v * real(p.momentum) + g / (np.sqrt(s - m * m if p.centered else s) + real(p.eps))
            g = v
        else:
            b1, b2 = p.betas
            m = m + (g - m) * real(1 - b1)
            v = v * real(b2) + g * g * (1 - real(b2))
            g, lr = m / (np.sqrt(v) / real(np.sqrt(1 - b2**t)) + real(p.eps)), p.lr / (1 - b1**t)
        w = w - g * real(lr)
        lr = p.lr
    return w


@every_dtype
@every_rule
def test_every_step_is_rounded_as_in_numpy(rule, dtype):
    """No fused multiply-add: the same bits whatever the processor."""
    kind, _, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(7), (1003,), dtype)
    expected, optimizer = in_numpy(rule, w, gradients), kind(**settings)
    for g in gradients:
        optimizer.step({"w": w}, {"w": g})
    np.testing.assert_array_equal(w, expected)


@every_dtype
@every_rule
@pytest.mark.parametrize("odd", [o for o in inputs.SAME_NUMBERS if o not in (inputs.readonly, inputs.swapped)])
def test_parameters_and_gradients_in_any_memory(odd, rule, dtype):
    kind, _, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(2), (3, 5, 4), dtype, 3)
    strange, one, other = odd(w.copy()), kind(**settings), kind(**settings)
    for g in gradients:
        one.step({"w": w}, {"w": g})
        before = g.copy()
        other.step({"w": strange}, {"w": odd(g)})
        np.testing.assert_array_equal(g, before)
    np.testing.assert_array_equal(strange, w)


@every_rule
def test_one_flat_vector_or_many_arrays(rule):
    kind, _, settings = RULES[rule]
    rng = np.random.default_rng(3)
    flat, gradients = random_arrays(rng), [random_arrays(rng) for _ in range(3)]
    apart, one, other = {name: w.copy() for name, w in flat.items()}, kind(**settings), kind(**settings)
    for g in gradients:
        one.step(flat, g)
        other.step(apart, dict(g))
    for name, w in apart.items():
        assert w.tobytes() == flat[name].tobytes()


@every_dtype
@every_rule
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(rule, dtype):
    kind, _, settings = RULES[rule]
    first, gradients = steps_of(np.random.default_rng(4), (70_001,), dtype, 2)
    results = []
    for threads in (1, 2, 4):
        fastconv.set_num_threads(threads)
        w, optimizer = first.copy(), kind(**settings)
        scaled = {"w": gradients[0].copy()}
        norm = clip_gradients(scaled, 1.0)
        for g in (*gradients, scaled["w"]):
            optimizer.step({"w": w}, {"w": g})
        results.append((w.tobytes(), norm))
    assert results[1:] == results[:1] * 2


@every_rule
def test_memory_belongs_to_the_shape_and_dtype(rule):
    """A parameter of another size under the same name starts anew."""
    kind, _, settings = RULES[rule]
    optimizer, fresh = kind(**settings), kind(**settings)
    optimizer.step({"w": np.ones(3)}, {"w": np.ones(3)})
    a, b = np.ones(4), np.ones(4)
    optimizer.step({"w": a}, {"w": np.full(4, 2.0)})
    fresh.step({"w": b}, {"w": np.full(4, 2.0)})
    np.testing.assert_array_equal(a, b)


@every_rule
def test_empty_parameters(rule):
    """They change nothing for the parameters beside them."""
    kind, _, settings = RULES[rule]
    w, v, alone = np.zeros((0, 3), "float32"), np.ones(3, "float32"), np.ones(3, "float32")
    g, one, other = np.full(3, 2, "float32"), kind(**settings), kind(**settings)
    for _ in range(2):
        one.step({"w": w, "v": v}, {"w": w.copy(), "v": g})
        other.step({"v": alone}, {"v": g})
    np.testing.assert_array_equal(v, alone)
    assert (v != 1).all()
