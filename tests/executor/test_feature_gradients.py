"""`network.feature_gradients`: the gradient of any node, for a gradient of the output, as in a prediction."""

import numpy as np
import pytest
from graphs import Case
from naive import Naive

from fastconv import CrossEntropy, Layer, Network, Parameter, Spec, init, layers, models, sequential


def close(found, expected, name):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(initial=1), err_msg=name)


@pytest.mark.parametrize("seed", range(40))
def test_the_gradient_of_every_node_is_that_of_the_graph_undone_node_by_node(seed):
    case = Case(seed)
    net, x = case.network(), case.images()
    naive = Naive(net)
    dy = np.random.default_rng(seed).standard_normal(naive.forward(x, undone=True).shape)
    naive.backward(dy)
    names = [node.name for node in net.nodes]
    together = net.feature_gradients(x, names, dy)
    for node in net.nodes:
        close(together[node.name], naive.d[node.index], node.name)
        alone = net.feature_gradients(x, node.name, dy, batch_size=1)
        close(alone, together[node.name], node.name)


class Shift(Layer):
    """y = x + shift, one number for each value of an image: of one image, the gradient of the shift is that of y."""

    kind = "shift"

    def spec(self, x_shape, dtype):
        return Spec(x_shape, params={"shift": Parameter(x_shape, init.zeros)})

    def forward(self, b):
        return [lambda: np.add(b.x, b.params.shift, out=b.y)]

    def backward(self, b):
        def call():
            if b.grads.shift is not None:
                b.grads.shift[...] = b.dy.sum(0)
            if b.dx is not None:
                b.dx[...] = b.dy

        return [call]


def test_it_is_the_gradient_of_a_parameter_that_is_added_to_the_node():
    parts = [layers.Conv2D(4, 3, padding=1), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2)]
    model = sequential(*parts, Shift(name="shift"), layers.Conv2D(3, 3), layers.Flatten(), layers.Linear(5))
    net = Network(model, (2, 8, 8), "float64", seed=1)
    x = np.random.default_rng(0).standard_normal((1, 2, 8, 8))
    y = net.predict(x)
    _, gradients = net.gradients(x, [3], CrossEntropy(), training=False)
    dy = np.exp(y) / np.exp(y).sum() - np.eye(5)[[3]]
    for name in ("shift", "pool1"):
        close(net.feature_gradients(x, name, dy)[0], gradients["shift.shift"], name)


def test_the_output_has_the_given_gradient_and_the_input_that_of_the_images():
    net = Network(models.resnet20(), (3, 8, 8), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((3, 3, 8, 8))
    y = net.predict(x)
    dy = (np.exp(y) / np.exp(y).sum(1, keepdims=True) - np.eye(10)[[1, 2, 3]]) / 3
    assert (net.feature_gradients(x, net.nodes[-1].name, dy) == dy).all()
    _, _, dx = net.gradients(x, [1, 2, 3], CrossEntropy(), training=False, inputs=True)
    close(net.feature_gradients(x, "input", dy), dx, "input")


def test_nothing_of_the_network_changes():
    net = Network(models.resnet20(), (3, 8, 8), seed=0)
    net.set_trainable("conv1.*", False)
    x, dy = np.ones((2, 3, 8, 8), "float32"), np.ones((2, 10), "float32")
    before, y = {name: array.copy() for name, array in net.arrays().items()}, net.predict(x)
    net.feature_gradients(x, "relu1", dy)
    assert all((array == before[name]).all() for name, array in net.arrays().items())
    assert (net.predict(x) == y).all()
    assert "conv1.weight" not in net.trainable


def test_one_image_gives_one_gradient_and_none_gives_none():
    net = Network(sequential(layers.Conv2D(4, 3), layers.Flatten(), layers.Linear(3)), (1, 5, 5), seed=0)
    x, dy = np.ones((1, 5, 5), "float32"), np.float32([1, 0, 2])
    assert (net.feature_gradients(x, "conv1", dy) == net.feature_gradients(x[None], "conv1", dy[None])[0]).all()
    assert net.feature_gradients(x[None][:0], "conv1", dy[None][:0]).shape == (0, 4, 3, 3)


@pytest.mark.parametrize(
    ("name", "dy", "message"),
    [
        ("relu7", np.zeros((2, 3), "f"), "name must be that of a node, got 'relu7'"),
        ("conv1", np.zeros((2, 4), "f"), r"dy must have shape \(N, 3\)"),
        ("conv1", np.zeros((1, 3), "f"), r"dy must have one row for each of the 2 images, got shape \(1, 3\)"),
        ("conv1", np.zeros((2, 3)), "dy must be float32"),
    ],
)
def test_bad_arguments_are_named(name, dy, message):
    net = Network(sequential(layers.Conv2D(4, 3), layers.Flatten(), layers.Linear(3)), (1, 5, 5), seed=0)
    with pytest.raises((TypeError, ValueError), match=message):
        net.feature_gradients(np.zeros((2, 1, 5, 5), "f"), name, dy)
