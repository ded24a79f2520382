"""Layers that work otherwise in training: in gradients of a prediction they are undone as they predict."""

import graphs
import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, losses, sequential
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


def test_options_are_given_by_name():
    with pytest.raises(TypeError, match=r"^Dropout takes p .*: options are given by name; write .*seed=3"):
        Dropout(0.5, 3)
    with pytest.raises(TypeError, match=r"^MainHead takes num_classes .*: options are given by name; write .*'name'"):
        MainHead(3, "name")


class Counting(fastconv.Layer):
    """y = x; counts its training steps in a buffer."""

    def spec(self, x_shape, dtype):
        return fastconv.Spec(x_shape, state={"steps": fastconv.layer.State((), lambda rng: 0, "int64")})

    def forward(self, b):
        def call():
            b.y[...] = b.x
            b.state.steps[...] += b.training

        return [call]

    def backward(self, b):
        return [] if b.dx is None else [lambda: b.dx.__setitem__(..., b.dy)]


class TwoModes(Counting):
    two_modes = True


def test_a_layer_with_buffers_of_its_own_must_know_both_modes():
    x, loss = np.ones((1, 4), "float32"), losses.MSE()
    network = Network(sequential(Linear(3), Counting(name="own")), (4,), seed=0)
    with pytest.raises(
        TypeError, match=r"own is a Counting, whose buffers .* two_modes = True, and its backward must give"
    ):
        network.gradients(x, np.ones((1, 3), "float32"), loss, training=False)
    network = Network(sequential(Linear(3), TwoModes(name="own")), (4,), seed=0)
    network.gradients(x, np.ones((1, 3), "float32"), loss, training=False)
    assert network.buffers["own.steps"] == 0
    network.gradients(x, np.ones((1, 3), "float32"), loss)
    assert network.buffers["own.steps"] == 1


def test_every_layer_with_buffers_knows_both_modes():
    nodes = [node for seed in range(len(graphs.LAYERS)) for node in graphs.Case(seed).network().nodes]
    with_buffers = {type(node.layer) for node in nodes if node.spec and node.spec.state}
    assert with_buffers == {BatchNorm, Dropout, layers.StochasticDepth}
    assert all(kind.two_modes for kind in (*with_buffers, layers.MainHead))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("p", 1, r"^p must be in \[0, 1\), got 1$"),
        ("p", -0.1, r"^p must be in \[0, 1\), got -0.1$"),
        ("seed", -1, "^seed must be >= 0, got -1$"),
        ("seed", 2**64, "^seed must be below"),
        ("num_classes", 0, "^num_classes must be >= 1, got 0$"),
    ],
)
def test_arguments_are_checked_when_they_are_set_too(name, value, says):
    layer = MainHead(3) if name == "num_classes" else Dropout(0.5)
    with pytest.raises(ValueError, match=says):
        type(layer)(**{name: value})
    with pytest.raises(ValueError, match=says):
        setattr(layer, name, value)


def test_a_layer_of_your_own_has_one_mode_unless_it_says_so():
    assert not fastconv.Layer.two_modes
    assert "two_modes : bool" in fastconv.Layer.__doc__
