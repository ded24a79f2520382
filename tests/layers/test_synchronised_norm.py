"""Batch norm of a batch in blocks: the statistics and gradients of the whole batch."""

import numpy as np
import pytest
from ranks import together

from fastconv import MSE, Network, layers, sequential
from fastconv.executor import Alone, Blocks
from fastconv.layers.norm.synchronised import joined
from fastconv.ops.norm.moments import batch_moments_call

RNG = np.random.default_rng(0)


def moments_of(x):
    """count, mean and sum of squares of each channel, in float64."""
    values = np.moveaxis(x.astype("float64"), 1, 0).reshape(x.shape[1], -1)
    mean = values.mean(axis=1)
    return np.full(len(mean), values.shape[1]), mean, ((values - mean[:, None]) ** 2).sum(axis=1)


def layouts(x):
    """The array in planar memory, in channels-last memory, and with strides that no kernel reads."""
    yield x
    if x.ndim == 4:
        yield np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        yield np.repeat(x, 2, axis=3)[..., ::2]


@pytest.mark.parametrize("shape", [(5, 3, 4, 6), (1, 20, 7, 7), (9, 33), (1, 5), (2, 17, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_are_those_of_the_definition(each_build, shape, dtype):
    x = (RNG.standard_normal(shape) * 3 + 1000).astype(dtype)
    for seen in layouts(x):
        found = np.full((3, shape[1]), np.nan)
        batch_moments_call(seen, found)()
        count, mean, squares = moments_of(x)
        np.testing.assert_array_equal(found[0], count)
        np.testing.assert_allclose(found[1], mean, rtol=1e-7 if dtype == "float32" else 1e-14)
        np.testing.assert_allclose(found[2], squares, rtol=2e-6 if dtype == "float32" else 1e-12, atol=1e-9)


@pytest.mark.parametrize("cuts", [(3,), (1, 2), (2, 5, 6)])
def test_joined_moments_are_those_of_all_values(cuts):
    x = RNG.standard_normal((8, 4, 3, 3)) * 5 + 100
    parts = np.array([moments_of(part) for part in np.split(x, cuts)])
    for found, expected in zip(joined(parts), moments_of(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def network(kind, dtype="float64"):
    def model(x):
        body = {
            "vectors": [layers.Flatten(), layers.Linear(5), layers.BatchNorm(), layers.ReLU(), layers.Linear(2)],
            "pixels": [layers.Conv2D(18, 3), layers.BatchNorm(), layers.ReLU(), layers.Flatten(), layers.Linear(2)],
            "plain": [layers.BatchNorm(affine=False), layers.Flatten(), layers.Linear(2)],
            "first": [layers.BatchNorm(), layers.Flatten(), layers.Linear(2)],
        }
        if kind == "residual":
            y = sequential(layers.Conv2D(3, 3, padding=1), layers.BatchNorm())(x)
            return sequential(layers.ReLU(), layers.Flatten(), layers.Linear(2))(x + y)
        return sequential(*body[kind])(x)

    return Network(model, (3, 5, 5), dtype, seed=0)


KINDS = ("vectors", "pixels", "plain", "first", "residual")
X, TARGETS = RNG.standard_normal((7, 3, 5, 5)) * 2 + 5, RNG.standard_normal((7, 2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_gradients_and_running_statistics_are_those_of_the_whole_batch(kind, count):
    loss, whole, parts = MSE("mean"), network(kind), network(kind)
    _, expected = whole.gradients(X, TARGETS, loss)
    blocks = Blocks(parts.executor, len(X), loss, Alone(), count)
    blocks.run(X, loss.prepare(TARGETS, TARGETS.shape, "float64"))
    blocks.finish()
    for name, gradient in expected.items():
        np.testing.assert_allclose(blocks.gradients[name], gradient, rtol=1e-9, atol=1e-12, err_msg=name)
    for name, buffer in whole.buffers.items():
        np.testing.assert_allclose(parts.buffers[name], buffer, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("momentum", [0, 0.3, 1])
def test_running_statistics_follow_the_momentum(momentum):
    def model(x):
        return sequential(layers.BatchNorm(momentum=momentum), layers.Flatten(), layers.Linear(2))(x)

    whole, parts = (Network(model, (3, 5, 5), "float64", seed=0) for _ in range(2))
    loss = MSE()
    whole.gradients(X, TARGETS, loss)
    Blocks(parts.executor, 7, loss, Alone(), 3).run(X, TARGETS)
    for name, buffer in whole.buffers.items():
        np.testing.assert_allclose(parts.buffers[name], buffer, rtol=1e-12, err_msg=name)


def test_a_whole_batch_of_one_value_per_channel_is_refused():
    with pytest.raises(ValueError, match="more than one value per channel"):
        Blocks(network("vectors").executor, 1, MSE(), Alone(), 4)


def test_ranks_share_statistics_only_where_that_is_asked_for():
    def work(ranks):
        net = network("pixels")
        blocks = Blocks(net.executor, 7, MSE(), ranks, None)
        blocks.run(X[blocks.first : blocks.stop], TARGETS[blocks.first : blocks.stop])
        blocks.finish()
        return net.buffers["bn1.running_mean"].tobytes(), len(blocks.meetings)

    shared = together(3, work, synchronise=True)
    assert len(set(shared)) == 1
    assert shared[0][1] == 2  # one forward, one backward
    apart = together(3, work)
    assert len(set(apart)) == 3
    assert apart[0][1] == 0
