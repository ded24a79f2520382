"""Parameters that share memory: refused where they overlap, taken where they only lie side by side."""

import numpy as np
import pytest
from optim_reference import Parameter
from optim_state import RULES, every_rule

from fastconv.optim import SGD, Adam


def test_columns_of_one_matrix_are_parameters_of_their_own():
    optimizer, m = Adam(0.1), np.ones((4, 6))
    even, odd = Parameter(m[:, ::2]), Parameter(m[:, 1::2])
    rng = np.random.default_rng(3)
    for columns in ((0, 1), (1,), (0, 1)):
        g = rng.standard_normal((4, 6))
        optimizer.step({c: m[:, c::2] for c in columns}, {c: g[:, c::2] for c in columns})
        for c in columns:
            (even, odd)[c].step(g[:, c::2], "Adam", optimizer)
    np.testing.assert_allclose(m[:, ::2], even.w, rtol=1e-12)
    np.testing.assert_allclose(m[:, 1::2], odd.w, rtol=1e-12)


OVERLAPPING = {
    "some rows": lambda w: w[1:],
    "some columns": lambda w: w[:, :2],
    "every second row": lambda w: w[::2],
    "another dtype": lambda w: w.view("float32"),
}
WHOLE = {"itself": lambda w: w, "reversed": lambda w: w[::-1, ::-1], "transposed": lambda w: w.T, "flat": np.ravel}


@pytest.mark.parametrize("view", (OVERLAPPING | WHOLE).values(), ids=OVERLAPPING | WHOLE)
def test_a_step_over_parameters_that_share_memory_is_refused(view):
    w = np.ones((4, 3))
    both = {"w": w, "v": view(w)}
    with pytest.raises(ValueError, match=r"w and v are the same memory|shares part of its memory with"):
        SGD(0.1).step(both, {name: np.ones_like(a) for name, a in both.items()})
    assert (w == 1).all()


@pytest.mark.parametrize("view", WHOLE.values(), ids=WHOLE)
def test_an_array_known_already_is_refused_twice(view):
    w, optimizer = np.ones((4, 3)), SGD(0.1)
    optimizer.step({"w": w}, {"w": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="w and v are the same memory; give each array once"):
        optimizer.step({"w": w, "v": view(w)}, {"w": np.ones((4, 3)), "v": np.ones_like(view(w))})
    assert (w == 1).all()


@pytest.mark.parametrize("view", OVERLAPPING.values(), ids=OVERLAPPING)
def test_a_later_step_over_part_of_a_parameter_is_refused(view):
    w, optimizer = np.ones((4, 3)), SGD(0.1, 0.9)
    optimizer.step({"w": w}, {"w": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="v shares part of its memory with w, which this optimizer updates as another"):
        optimizer.step({"v": view(w)}, {"v": np.ones_like(view(w))})
    assert (w == 1).all()


@every_rule
def test_a_gradient_may_share_memory_with_parameters(rule):
    """Every gradient is read before any parameter changes."""
    rng, optimizer = np.random.default_rng(5), RULES[rule]()
    long = rng.standard_normal(9)
    p = {"a": long[:4], "b": long[4:8], "c": rng.standard_normal(4)}
    expected = {name: Parameter(w) for name, w in p.items()}
    gradients = {"a": p["b"], "b": long[1:5], "c": p["c"]}
    for _ in range(3):
        for name, g in {name: g.copy() for name, g in gradients.items()}.items():
            expected[name].step(g, rule, optimizer)
        optimizer.step(p, gradients)
    for name, w in p.items():
        np.testing.assert_allclose(w, expected[name].w, rtol=1e-9, err_msg=name)
