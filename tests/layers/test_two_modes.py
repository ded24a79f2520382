"""Layers that work otherwise in training: in gradients of a prediction they are undone as they predict."""

import numpy as np
import pytest

from fastconv import Network, losses, sequential
from fastconv.layers import BatchNorm, Dropout, Linear, MainHead

SUM = losses.MSE("sum")


def test_dropout_is_left_out():
    net = Network(sequential(Dropout(0.9, seed=0), Linear(1, bias=False)), (4,), "float64", seed=0)
    w = net.parameters["linear1.weight"][0]
    value, gradients, dx = net.gradients(np.ones((2, 4)), np.zeros((2, 1)), SUM, training=False, inputs=True)
    assert value == pytest.approx(2 * w.sum() ** 2)
    np.testing.assert_allclose(dx, 2 * w.sum() * np.array([w, w]))
    np.testing.assert_allclose(gradients["linear1.weight"], np.full((1, 4), 4 * w.sum()))
    assert net.buffers["dropout1.counter"][1] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batch_norm_takes_the_running_statistics(dtype):
    """y = scale x + shift, dx = scale dy: the batch's mean and variance have no gradient."""
    net = Network(BatchNorm(), (3, 4, 4), dtype, seed=0)
    rng = np.random.default_rng(0)
    for name, low in (("bn1.running_mean", -1), ("bn1.running_var", 0.5)):
        net.buffers[name][...] = rng.uniform(low, 2, 3)
    net.parameters["bn1.weight"][...] = rng.uniform(0.5, 2, 3)
    x = rng.standard_normal((2, 3, 4, 4)).astype(dtype)
    _, gradients, dx = net.gradients(x, np.zeros_like(x), SUM, training=False, inputs=True)
    y, along = net.predict(x), (slice(None), None, None)
    deviation = np.sqrt(net.buffers["bn1.running_var"] + 1e-5)[along]
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(dx, 2 * y * net.parameters["bn1.weight"][along] / deviation, rtol=rtol, atol=rtol)
    z = (x - net.buffers["bn1.running_mean"][along]) / deviation
    np.testing.assert_allclose(gradients["bn1.weight"], (2 * y * z).sum((0, 2, 3)), rtol=rtol, atol=10 * rtol)
    np.testing.assert_allclose(gradients["bn1.bias"], (2 * y).sum((0, 2, 3)), rtol=rtol, atol=10 * rtol)


def test_the_first_head_alone_has_a_gradient():
    net, x, loss = Network(MainHead(2), (6,), "float64"), np.eye(6)[:2], losses.AuxiliaryCrossEntropy()
    dx = net.gradients(x, [0, 1], loss, training=False, inputs=True)[2]
    np.testing.assert_allclose(dx[:, :2], Network(lambda x: x, (2,), "float64").gradients(
        x[:, :2], [0, 1], losses.CrossEntropy(), inputs=True)[2])  # fmt: skip
    np.testing.assert_array_equal(dx[:, 2:], 0)
    assert (net.gradients(x, [0, 1], loss, inputs=True)[2][:, 2:] != 0).all()


@pytest.mark.parametrize("make", [lambda: Dropout(0.5, 3), lambda: MainHead(3, "name")])
def test_options_are_given_by_name(make):
    with pytest.raises(TypeError):
        make()
