"""The paper's network: every equation from 4 to 70, in order, with its values and a check that passed."""

import numpy as np
import pytest
import reference

import fastconv
from fastconv import Network, losses, models
from fastconv.derivation import derive
from fastconv.derivation.paper import maps


@pytest.fixture(scope="module")
def derivation():
    return derive(seed=3)


def test_every_equation_from_4_to_70_is_there_once_and_in_order(derivation):
    assert [step.number for step in derivation.steps] == list(range(4, 71))
    assert [step.cites for step in derivation.steps] == [f"({number})" for number in range(4, 71)]
    directions = [step.direction for step in derivation.steps]
    assert directions == ["forward"] * 10 + ["backward"] * 51 + ["update"] * 6


def test_each_step_has_an_equation_values_and_a_check_that_passed(derivation):
    assert derivation.passed
    for step in derivation.steps:
        assert step.title, step.number
        assert any(sign in step.equation for sign in "=←"), step.number
        assert np.isfinite(step.values).all()
        assert step.checks, step.number
        assert step.passed, step


def test_each_check_passed_at_a_limit_far_below_its_values(derivation):
    """1e-12 of the largest value for sums; 2e-5 where central differences stand on one side."""
    for step in derivation.steps:
        for check in step.checks:
            largest = max(1e-3, float(np.abs(step.values).max()))
            assert check.limit <= 2e-5 * largest, step.cites
            assert check.difference <= check.limit, step.cites
            assert (check.entries, check.kinks) == (check.size, 0), step.cites


def test_each_first_gradient_is_checked_with_central_differences(derivation):
    numbers = {14, 20, 25, 31, 32, 33, 37, 41, 46, 52, 53, 57, 60}
    found = {s.number for s in derivation.steps if any("central differences" in c.against for c in s.checks)}
    assert found == numbers


def test_the_values_are_those_of_a_float64_network(derivation):
    network = Network(models.zhang2016(), (1, 28, 28), "float64", seed=3)
    x, target = derivation.image[None], np.array([9])
    loss, gradients = network.gradients(x, target, losses.MSE())
    by_number = {step.number: step.values for step in derivation.steps}
    assert derivation.losses[0] == loss == by_number[13]
    np.testing.assert_array_equal(by_number[12], network.predict(x)[0])
    names = {14: "fc.weight", 20: "fc.bias", 33: "conv2.weight", 41: "conv2.bias", 53: "conv1.weight", 60: "conv1.bias"}
    for number, name in names.items():
        np.testing.assert_allclose(by_number[number], gradients[name], rtol=1e-12, atol=1e-16)
    np.testing.assert_array_equal(by_number[69], network.parameters["fc.weight"] - 0.1 * by_number[14])
    assert derivation.losses[1] < derivation.losses[0]


def test_the_image_is_of_the_class_that_was_asked_for():
    sample = fastconv.data.load("sample")
    found = derive(label=3)
    k = int(np.flatnonzero(sample.test.labels == 3)[0])
    np.testing.assert_array_equal(found.image, sample.test.images[k])
    assert found.about["target y"] == "class 3"


def test_a_network_in_float32_is_derived_too_and_stays_as_it_was():
    network = Network(models.zhang2016(), (1, 28, 28), seed=1)
    before = {name: array.copy() for name, array in network.arrays().items()}
    found = derive(network, label=0)
    assert found.passed
    assert found.steps[0].number == 4
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(array, before[name])


RNG = np.random.default_rng(0)
X, D, K = RNG.normal(size=(2, 9, 9)), RNG.normal(size=(3, 5, 5)), RNG.normal(size=(3, 2, 5, 5))


def test_sums_are_true_convolutions():
    expected = [sum(reference.convolve2d(X[p], K[q, p], "valid") for p in range(2)) for q in range(3)]
    np.testing.assert_allclose(maps.sums(X, K), expected, atol=1e-12)
    np.testing.assert_allclose(maps.convolved(X, K).sum(1), expected, atol=1e-12)
    np.testing.assert_allclose(maps.sums(X[None], K)[0], expected, atol=1e-12)
    np.testing.assert_allclose(maps.sums(X, np.stack([K, 2 * K]))[1], 2 * np.array(expected), atol=1e-12)


def test_gradients_of_kernels_are_sums_over_pixels():
    expected = np.zeros((3, 2, 5, 5))
    for q, p, u, v, i, j in np.ndindex(3, 2, 5, 5, 5, 5):
        expected[q, p, u, v] += D[q, i, j] * X[p, i + 4 - u, j + 4 - v]
    np.testing.assert_allclose(maps.kernel_sums(X, D), expected, atol=1e-12)
    np.testing.assert_allclose(maps.rotated_sums(X, D), expected, atol=1e-12)


def test_errors_spread_through_the_kernels():
    expected = np.zeros((2, 9, 9))
    for q, p, u, v, i, j in np.ndindex(3, 2, 5, 5, 5, 5):
        expected[p, i + 4 - u, j + 4 - v] += D[q, i, j] * K[q, p, u, v]
    np.testing.assert_allclose(maps.spread(D, K), expected, atol=1e-12)
    np.testing.assert_allclose(maps.spread_rotated(D, K), expected, atol=1e-12)
    np.testing.assert_allclose(maps.convolved_full(D[:, None], maps.rot180(K)).sum(0), expected, atol=1e-12)


def test_scans_and_pooling():
    S = np.arange(8.0).reshape(2, 2, 2)
    assert maps.column_scan(S).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    np.testing.assert_array_equal(maps.inverse_scan(maps.column_scan(S), S.shape), S)
    np.testing.assert_array_equal(maps.upsampled(S)[0], [[0, 0, 0.25, 0.25]] * 2 + [[0.5, 0.5, 0.75, 0.75]] * 2)
    np.testing.assert_array_equal(maps.mean_of_four(4 * maps.upsampled(S)), S)
