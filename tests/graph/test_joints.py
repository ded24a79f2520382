"""How nodes are joined and taken apart; errors name the nodes and what to write."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import Network, concat, gradcheck, layers, losses, split


def gated(x):
    """A squeeze-and-excitation block, and channels in another order."""
    gate = layers.Sigmoid()(layers.Conv2D(6, 1)(layers.AdaptiveAvgPool2D(1)(x)))
    left, middle, right = split(x * gate, [1, 2, 3])
    return concat(right, middle + x[:2], left * left)


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((2, 6, 4, 5))


def test_products_and_slices_are_those_of_arrays(x):
    network = Network(gated, (6, 4, 5), "float64", seed=0)
    weight, bias = network.parameters["conv1.weight"], network.parameters["conv1.bias"]
    squeezed = np.einsum("kc,nc->nk", weight[:, :, 0, 0], x.mean((2, 3))) + bias
    z = x / (1 + np.exp(-squeezed))[:, :, None, None]
    expected = np.concatenate([z[:, 3:], z[:, 1:3] + x[:, :2], z[:, :1] ** 2], axis=1)
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(network.freeze().predict(x), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 4, 5), (1, 1, 1)])
def test_gradients_are_those_of_central_differences(x, shape):
    def model(node):
        factor = layers.AdaptiveAvgPool2D(shape[1:])(node)[: shape[0]]
        return layers.Tanh()(factor) * node

    network, rng = Network(model, (6, 4, 5), "float64", seed=0), np.random.default_rng(1)
    dy, direction = rng.standard_normal((2, *x.shape))
    dx = network.feature_gradients(x, "input", dy)
    up, down = ((dy * network.predict(x + e * direction)).sum() for e in (1e-5, -1e-5))
    assert (dx * direction).sum() == pytest.approx((up - down) / 2e-5, rel=1e-7)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda x: x * 2, lambda x: x * 2),
        (lambda x: 0.5 * x, lambda x: 0.5 * x),
        (lambda x: x / 4, lambda x: x / 4),
        (lambda x: x + 1, lambda x: x + 1),
        (lambda x: 1 + x, lambda x: 1 + x),
        (lambda x: x - 3, lambda x: x - 3),
        (lambda x: 1 - x, lambda x: 1 - x),
        (lambda x: -x, lambda x: -x),
        (lambda x: x - layers.Tanh()(x), lambda x: x - np.tanh(x)),
        (lambda x: sum([x, x]) * np.float32(0.5), lambda x: x),
    ],
)
def test_numbers_and_differences(x, model, expected):
    network = Network(model, (6, 4, 5), "float64")
    np.testing.assert_allclose(network.predict(x), expected(x), rtol=1e-15, atol=1e-15)


def test_channels_that_nobody_reads_have_gradient_zero(x):
    network = Network(lambda node: node[1:3] + node[2:4], (6, 4, 5), "float64")
    dy = np.random.default_rng(1).standard_normal((2, 2, 4, 5))
    dx = network.feature_gradients(x, "input", dy)
    expected = np.zeros_like(x)
    expected[:, 1:3] += dy
    expected[:, 2:4] += dy
    np.testing.assert_array_equal(dx, expected)


def test_copies_and_pickles_keep_joints(x):
    network = Network(gated, (6, 4, 5), "float64", seed=0)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), copy.copy(network)):
        assert other.predict(x).tobytes() == network.predict(x).tobytes()
        assert [node.name for node in other.nodes] == [node.name for node in network.nodes]


def test_split_into_parts_of_one_size():
    shapes = []

    def model(node):
        shapes.extend(part.shape for part in split(node, 4))
        return node

    Network(model, (10, 2, 2))
    assert shapes == [(4, 2, 2), (4, 2, 2), (2, 2, 2)]


def refused(model, shape=(6, 4, 5)):
    with pytest.raises((TypeError, ValueError)) as error:
        Network(model, shape)
    return str(error.value)


def test_what_does_not_fit_is_refused():
    assert "arrays are split by numpy.split" in refused(lambda x: split(np.zeros(3), 1))
    assert "sizes must sum to the 6 channels of input (6, 4, 5), got [1, 2]" in refused(lambda x: split(x, [1, 2])[0])
    assert "sizes must be >= 1" in refused(lambda x: split(x, 0)[0])
    assert "write x[2:3]" in refused(lambda x: x[2])
    assert "by its channels alone" in refused(lambda x: x[:, 1])
    assert "by its channels alone" in refused(lambda x: x[::2])
    assert "has no channels" in refused(lambda x: x[4:2])
    pooled = layers.MaxPool2D(2)
    assert "a * b must have one shape, or one of them (C, 1, 1)" in refused(lambda x: x * pooled(x))
    assert "one number per channel write fastconv.Affine" in refused(lambda x: x * "2")
    assert "one number per channel write fastconv.Affine" in refused(lambda x: [1, 2] + x)
    assert "a @ b must have the shapes (M, K) and (K, N)" in refused(lambda x: x @ x)
    assert "write fastconv.Linear(10)(x)" in refused(lambda x: x @ np.eye(5))
    assert "write a * b" in refused(lambda x: np.multiply(x, x))
    other = {}
    Network(lambda x: other.setdefault("node", x), (6, 4, 5))
    assert "two different networks" in refused(lambda x: x * other["node"])


def test_plans_and_summaries_name_joints():
    network = Network(gated, (6, 4, 5), seed=0)
    rows = {row.name: row.kind for row in network.summary().rows}
    assert rows["multiply1"] == "multiply"
    assert rows["slice1"] == "slice"
    assert "multiply1" in [line.step for line in network.plan(2).lines]
    steps = [line.step for line in network.plan(2, training=True).lines]
    assert {"multiply1", "d sigmoid1, a factor", "d slice1", "zeros of d slice1"} & {*steps} >= {
        "multiply1",
        "d slice1",
    }


def attention(x):
    """Rows of each channel look at each other; the second factor is used twice."""
    k = layers.Conv2D(6, 1)(x)
    scores = layers.Softmax(axis=2)(layers.Conv2D(6, 1)(x) @ layers.Permute((0, 2, 1))(k))
    return scores @ k


@pytest.mark.parametrize("channels_last", [False, True])
def test_products_of_matrices(channels_last):
    network = Network(attention, (20, 4, 5) if channels_last else (6, 4, 5), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((3, *network.input_shape))
    q, k, y = network.features(x, ["conv2", "conv1", "matmul2"]).values()
    scores = np.exp(q @ k.swapaxes(2, 3))
    np.testing.assert_allclose(y, scores / scores.sum(3, keepdims=True) @ k, rtol=0, atol=1e-12)
    assert network.predict(x)[1].tobytes() == network.predict(x[1]).tobytes()
    np.testing.assert_allclose(network.freeze().predict(x), y, rtol=0, atol=1e-12)
    assert gradcheck(network, x, np.zeros_like(y), losses.MSE()).passed


def test_what_reports_say_of_products_of_matrices():
    network = Network(attention, (6, 4, 5), seed=0)
    rows = {row.name: row for row in network.summary().rows}
    assert (rows["matmul1"].kind, rows["matmul1"].multiply_adds) == ("matmul", 6 * 4 * 4 * 5)
    steps = [line.step for line in network.plan(2, training=True).lines]
    assert {"matmul1", "d conv1, a factor", "d conv2, a factor", "d softmax1, a factor"} <= {*steps}
    profile = {row.step: row.multiply_adds for row in network.profile(np.ones((2, 6, 4, 5), "float32")).rows}
    assert profile["matmul2"] == 2 * 6 * 4 * 5 * 4
