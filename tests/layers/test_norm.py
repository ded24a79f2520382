"""Normalisation inside networks: running statistics, prediction, both layouts, training."""

import inputs
import numpy as np
import pytest

import fastconv
from fastconv import Network, losses, sequential
from fastconv.layers import (
    GELU,
    BatchNorm,
    Conv2D,
    Flatten,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Linear,
    LocalResponseNorm,
    PReLU,
    ReLU,
)
from fastconv.ops import norm
from fastconv.optim import SGD, Adam

every_width = pytest.mark.parametrize("channels", [6, 20], ids=["planar", "channels_last"])


def images(n, shape=(3, 8, 7), seed=0):
    return inputs.real(np.random.default_rng(seed), (n, *shape), "float32")


def test_names_and_first_values():
    network = Network(BatchNorm(name="bn1"), (3, 4, 4))
    assert {name: a.tolist() for name, a in network.parameters.items()} == {
        "bn1.weight": [1, 1, 1],
        "bn1.bias": [0, 0, 0],
    }
    assert {name: a.tolist() for name, a in network.buffers.items()} == {
        "bn1.running_mean": [0, 0, 0],
        "bn1.running_var": [1, 1, 1],
        "bn1.num_batches_tracked": 0,
    }
    assert network.buffers["bn1.num_batches_tracked"].dtype == "int64"
    assert not Network(BatchNorm(affine=False), (3, 4, 4)).parameters


@every_width
def test_training_updates_the_running_statistics_and_prediction_uses_them(channels):
    network = Network(sequential(Conv2D(channels, 3, name="c"), BatchNorm(name="bn")), (3, 8, 7), seed=1)
    network.parameters["bn.weight"][...], network.parameters["bn.bias"][...] = 2.0, 0.5
    x, targets = images(5), images(5, (channels, 6, 5), seed=1)
    mean, var = np.zeros(channels, "float32"), np.ones(channels, "float32")
    before = network.predict(x)
    z = fastconv.conv2d(x, network.parameters["c.weight"], network.parameters["c.bias"])
    weight, bias = network.parameters["bn.weight"], network.parameters["bn.bias"]
    np.testing.assert_allclose(before, norm.batch_norm(z, mean, var, weight, bias), rtol=0, atol=1e-5)
    assert not network.buffers["bn.running_mean"].any()
    for _ in range(3):
        network.gradients(x, targets, losses.MSE())
        y = norm.batch_norm(z, mean, var, weight, bias, training=True)
    np.testing.assert_allclose(network.buffers["bn.running_mean"], mean, rtol=0, atol=1e-6)
    np.testing.assert_allclose(network.buffers["bn.running_var"], var, rtol=1e-5)
    assert network.buffers["bn.num_batches_tracked"] == 3
    kept = {name: a.copy() for name, a in network.buffers.items()}
    after = network.predict(x)
    np.testing.assert_allclose(after, norm.batch_norm(z, mean, var, weight, bias), rtol=0, atol=1e-5)
    assert np.abs(after - before).max() > 0.01
    assert np.abs(y.mean((0, 2, 3)) - 0.5).max() < 1e-5
    for name, a in network.buffers.items():
        np.testing.assert_array_equal(a, kept[name])


@every_width
def test_gradients_through_the_executor(channels):
    """Convolution, batch norm and ReLU in one arena give what the functions give one after another."""
    network = Network(sequential(Conv2D(channels, 3, name="c"), BatchNorm(name="bn"), ReLU()), (3, 8, 7), seed=2)
    x, targets = images(4), images(4, (channels, 6, 5), seed=3)
    _, gradients = network.gradients(x, targets, losses.MSE())
    p = network.parameters
    z = fastconv.conv2d(x, p["c.weight"], p["c.bias"])
    u, mean, invstd = norm.batch_norm(z, None, None, p["bn.weight"], p["bn.bias"], training=True, return_saved=True)
    y = fastconv.relu(u)
    dy = fastconv.mse_loss_backward(y, targets, "half_sum")
    dz, dweight, dbias = norm.batch_norm_backward(fastconv.relu_backward(dy, y=y), z, mean, invstd, p["bn.weight"])
    dw = fastconv.conv2d_backward_weight(dz, x, p["c.weight"].shape)
    for name, expected in (("bn.weight", dweight), ("bn.bias", dbias), ("c.weight", dw)):
        np.testing.assert_allclose(gradients[name], expected, rtol=0, atol=1e-5 * np.abs(expected).max() + 1e-6)


def test_a_layer_used_twice_shares_parameters_and_statistics():
    layer = BatchNorm(name="bn")
    network = Network(lambda x: layer(layer(x)), (3, 4, 4))
    network.gradients(images(4, (3, 4, 4)), images(4, (3, 4, 4)), losses.MSE())
    assert list(network.buffers) == ["bn.running_mean", "bn.running_var", "bn.num_batches_tracked"]
    assert network.buffers["bn.num_batches_tracked"] == 2  # as PyTorch counts
    assert np.isfinite(network.buffers["bn.running_var"]).all()


def test_one_vector_cannot_train():
    network = Network(sequential(Linear(4), BatchNorm()), (3,))
    x = np.ones((1, 3), "float32")
    with pytest.raises(ValueError, match="more than one value per channel in training"):
        network.gradients(x, np.ones((1, 4), "float32"), losses.MSE())
    assert network.predict(x).shape == (1, 4)


def test_group_and_layer_norm_of_a_network_are_the_functions():
    x = images(3, (20, 5, 4))
    np.testing.assert_allclose(
        Network(GroupNorm(5), (20, 5, 4)).predict(x), fastconv.group_norm(x, 5), rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(
        Network(InstanceNorm(), (20, 5, 4)).predict(x), fastconv.instance_norm(x), rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(
        Network(LayerNorm(), (20, 5, 4)).predict(x), fastconv.layer_norm(x, (20, 5, 4)), rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(
        Network(LocalResponseNorm(3, 0.5), (20, 5, 4)).predict(x),
        fastconv.ops.norm.local_response_norm(x, 3, 0.5),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("make", "shape", "said"),
    [
        (lambda: GroupNorm(4), (6, 3, 3), "num_groups must divide the channels, got num_groups=4 and 6"),
        (lambda: GroupNorm(0), (6, 3, 3), "num_groups must be >= 1"),
        (lambda: InstanceNorm(), (6, 1, 1), r"needs two or more pixels in each channel, got shape \(6, 1, 1\)"),
        (lambda: InstanceNorm(), (6,), r"needs two or more pixels in each channel, got shape \(6,\)"),
        (lambda: BatchNorm(momentum=2), (6,), "momentum must be from 0 to 1"),
        (lambda: BatchNorm(eps=0), (6,), "eps must be > 0"),
        (lambda: LocalResponseNorm(0), (6,), "size must be >= 1"),
        (lambda: GELU("erf"), (6,), "approximate must be one of"),
    ],
)
def test_wrong_settings(make, shape, said):
    with pytest.raises(ValueError, match=said):
        Network(make(), shape)


MODELS = {
    "batch": lambda c: sequential(Conv2D(c, 3), BatchNorm(), ReLU(), Flatten(), Linear(4), BatchNorm()),
    "group": lambda c: sequential(Conv2D(c, 3), GroupNorm(2), PReLU(), LocalResponseNorm(3), Flatten(), Linear(4)),
    "layer": lambda c: sequential(Conv2D(c, 3), LayerNorm(), GELU(), Flatten(), Linear(4), LayerNorm()),
}


@pytest.mark.parametrize("model", MODELS)
@every_width
def test_training_lowers_the_loss_and_has_the_same_bits_for_any_threads(model, channels, all_threads):
    x, classes = images(12), np.arange(12) % 4
    results = []
    for threads in (1, 2):
        all_threads(threads)
        network, rule, values = (
            Network(MODELS[model](channels), (3, 8, 7), seed=4),
            SGD(0.1, 0.9) if channels == 6 else Adam(0.01),
            [],
        )
        for _ in range(8):
            value, gradients = network.gradients(x, classes, losses.CrossEntropy())
            rule.step(network.parameters, gradients)
            values.append(float(value))
        assert values[-1] < 0.7 * values[0]
        results.append((values, network.predict(x).tobytes()))
    assert results[0] == results[1]


def test_statistics_are_saved_with_the_network(tmp_path):
    make = lambda seed: Network(sequential(Linear(4), BatchNorm()), (3,), seed=seed)  # noqa: E731
    one, other = make(1), make(2)
    one.gradients(images(6, (3,)), images(6, (4,)), losses.MSE())
    one.save(tmp_path / "n.safetensors")
    other.load(tmp_path / "n.safetensors")
    np.testing.assert_array_equal(other.buffers["bn1.running_var"], one.buffers["bn1.running_var"])
    x = images(2, (3,), seed=9)
    np.testing.assert_array_equal(other.predict(x), one.predict(x))
