"""Central differences: right to many digits where f is smooth, the mean of both sides at a kink, clear errors."""

import numpy as np
import pytest

from fastconv.differences import central_differences


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (lambda x: x**3 / 3, lambda x: x**2),
        (lambda x: np.maximum(x, 0), lambda x: (x > 0) + 0.0),
        (np.abs, np.sign),
    ],
)
def test_smooth_functions_and_points_beside_a_kink_give_the_derivative(f, derivative):
    x = np.concatenate([np.random.default_rng(0).standard_normal(20), [1e-6, -1e-6, 3e-4, -12.0]])
    dy = np.random.default_rng(1).standard_normal(x.shape)
    np.testing.assert_allclose(central_differences(f, x, dy), dy * derivative(x), rtol=1e-8, atol=1e-10)


def test_at_a_kink_it_is_the_mean_of_both_sides():
    np.testing.assert_allclose(central_differences(lambda x: np.maximum(x, 0), np.zeros(3)), 0.5)
    np.testing.assert_allclose(central_differences(np.abs, np.zeros(3)), 0)


def test_steps_follow_the_size_of_the_values():
    for size in (1e-9, 1.0, 1e9):
        x = size * np.array([1.0, -2.0, 0.5])
        np.testing.assert_allclose(
            central_differences(lambda x, size=size: (x / size) ** 3, x) * size / 3, [1, 4, 0.25]
        )


def test_a_matrix_function_gives_the_gradient_of_its_weighted_sum():
    a = np.random.default_rng(0).standard_normal((3, 4))
    dy = np.random.default_rng(1).standard_normal((3, 2))
    x = np.ones((4, 2))
    np.testing.assert_allclose(central_differences(lambda x: a @ x, x, dy), a.T @ dy)
    assert (x == 1).all()


def test_entries_and_steps_can_be_chosen():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(central_differences(lambda x: x**2, x, entries=[(1, 2), (0, -1)]), [10, 4])
    np.testing.assert_allclose(central_differences(lambda x: x**2, x, step=1e-3), 2 * x, atol=1e-9)
    assert central_differences(lambda x: x**2, x, entries=[]).shape == (0,)


def test_a_function_of_many_x_is_called_twice_with_all_of_them():
    calls = []

    def cubes(many):
        calls.append(len(many))
        return (many**3).sum(axis=2)

    x, dy = np.arange(6.0).reshape(2, 3), np.array([1.0, 10.0])
    found = central_differences(cubes, x, dy, step=1e-4, batched=True)
    np.testing.assert_allclose(found, 3 * x**2 * dy[:, None], atol=1e-6)
    assert calls == [1, 6, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.array(["a"])}, "x must hold real numbers"),
        ({"x": np.array([1.0, np.nan])}, "x must hold finite numbers, got 1 that are not"),
        ({"dy": np.ones(3)}, r"dy must have shape \(2,\)"),
        ({"entries": [(2,)]}, r"entries must be indices of x, of shape \(2,\), got \(2,\)"),
        ({"entries": [(0, 0)]}, "entries must be indices"),
        ({"entries": "ab"}, "entries must be indices"),
        ({"entries": 1}, "entries must be a list of indices"),
        ({"step": 0}, "step must be above 0"),
        ({"step": "small"}, "step must be a number"),
        ({"batched": True}, "batched=True needs a step"),
    ],
)
def test_wrong_arguments_get_one_clear_line(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        central_differences(lambda x: x**2, **{"x": np.ones(2), **arguments})
