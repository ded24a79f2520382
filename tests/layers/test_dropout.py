"""Dropout of whole images: `StochasticDepth`."""

import numpy as np
import pytest

from fastconv import Network, layers, losses, sequential
from fastconv.layers.dropout import draw

SUM = losses.MSE("sum")


def factors(network, x):
    """What each image was multiplied with in a training step: the gradient of sum y^2 is 2 m^2 x."""
    dx = network.gradients(x, np.zeros_like(x), SUM, inputs=True)[2]
    return np.sqrt(dx / (2 * x))


@pytest.mark.parametrize("shape", [(3, 4, 5), (7,)])
@pytest.mark.parametrize("p", [0.0, 0.25, 0.8])
def test_whole_images_are_zero_or_larger(shape, p):
    network = Network(layers.StochasticDepth(p, seed=1), shape, "float64")
    x = np.random.default_rng(0).uniform(1, 2, (500, *shape))
    m = factors(network, x).reshape(500, -1)
    np.testing.assert_allclose(m, np.broadcast_to(m[:, :1], m.shape), rtol=1e-12)
    kept = m[:, 0] > 0
    np.testing.assert_allclose(m[kept], 1 / (1 - p), rtol=1e-12)
    assert abs(kept.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / 500) + 1e-12
    np.testing.assert_array_equal(network.predict(x), x)


def test_each_step_draws_anew_and_a_loaded_network_goes_on(tmp_path):
    x = np.ones((40, 2, 1, 1))
    network, other = (Network(layers.StochasticDepth(0.5, name="d"), (2, 1, 1), "float64", seed=s) for s in (1, 2))
    first, second = factors(network, x), factors(network, x)
    assert (first != second).any()
    assert network.buffers["d.counter"][1] == 2
    network.save(tmp_path / "w.npz")
    other.load(tmp_path / "w.npz")
    np.testing.assert_array_equal(factors(other, x), factors(network, x))


def test_a_skipped_branch_has_no_gradient():
    branch = sequential(layers.Conv2D(2, 1, bias=False, name="c"), layers.StochasticDepth(0.5, seed=0))
    network = Network(lambda x: x + branch(x), (2, 3, 3), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((1, 2, 3, 3))
    found = [np.abs(network.gradients(x, np.zeros_like(x), SUM)[1]["c.weight"]).max() for _ in range(12)]
    assert 0 < sum(value == 0 for value in found) < 12


@pytest.mark.parametrize(
    ("p", "says"), [(1, r"p must be in \[0, 1\), got 1"), ("0.5", "p must be a number, got '0.5'")]
)
def test_the_probability_is_checked(p, says):
    with pytest.raises((TypeError, ValueError), match=says):
        layers.StochasticDepth(p)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7, 3, 5), (6, 8), (9, 1), (5, 2, 4, 4)])
def test_a_part_of_a_batch_has_its_part_of_the_mask(dtype, shape):
    """Beside the whole mask; a number of Philox's counter gives 8 values of float32, 4 of float64."""
    whole, counter = np.empty(shape, dtype), np.array([3, 11], "uint64")
    draw(counter.copy(), whole, 0.4)
    each = int(np.prod(shape[1:]))
    for first in range(1, shape[0]):
        part, own = np.empty((shape[0] - first, *shape[1:]), dtype), counter.copy()
        draw(own, part, 0.4, before=first * each)
        np.testing.assert_array_equal(part, whole[first:])
        assert own[1] == 12
