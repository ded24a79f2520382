"""Reshape and Permute in networks: NumPy's values in every memory, views where the order allows, errors."""

import numpy as np
import pytest

import fastconv
from fastconv import Network, losses, sequential
from fastconv.executor.steps import Forward
from fastconv.layers import Conv2D, Flatten, Linear, Permute, ReLU, Reshape

SUM = losses.MSE("sum")
every_width = pytest.mark.parametrize("channels", [6, 20], ids=["planar", "channels_last"])


def images(shape, n=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype("float32")


@pytest.mark.parametrize(
    ("x_shape", "given", "y_shape"),
    [
        ((3, 4, 2), (24,), (24,)),
        ((3, 4, 2), -1, (24,)),
        ((3, 4, 2), 24, (24,)),
        ((3, 4, 2), [3, -1], (3, 8)),
        ((24,), (2, -1, 3), (2, 4, 3)),
        ((4, 6), np.array([6, 4]), (6, 4)),
        ((3, 4, 2), (4, 3, 2), (4, 3, 2)),
        ((3, 4, 2), (3, 4, 2), (3, 4, 2)),
    ],
)
def test_shapes_and_values_of_reshape(x_shape, given, y_shape):
    network, x = Network(Reshape(given), x_shape), images(x_shape)
    assert network.output_shape == y_shape
    np.testing.assert_array_equal(network.predict(x), x.reshape(3, *y_shape))
    np.testing.assert_array_equal(network.predict(x[0]), x[0].reshape(y_shape))
    dx = network.gradients(x, np.zeros((3, *y_shape), "float32"), SUM, inputs=True)[2]
    np.testing.assert_array_equal(dx, 2 * x)


@pytest.mark.parametrize(
    ("x_shape", "axes"),
    [((3, 4, 2), (1, 2, 0)), ((3, 4, 2), (2, 1, 0)), ((3, 4, 2), (-1, 0, 1)), ((5, 4), (1, 0)), ((5,), (0,))],
)
def test_shapes_and_values_of_permute(x_shape, axes):
    network, x = Network(Permute(axes), x_shape), images(x_shape)
    expected = np.stack([image.transpose(axes) for image in x])
    np.testing.assert_array_equal(network.predict(x), expected)
    targets, back = images(expected.shape[1:], seed=1), np.mod(axes, len(axes))
    dx = network.gradients(x, targets, SUM, inputs=True)[2]
    np.testing.assert_array_equal(dx, np.stack([t.transpose(np.argsort(back)) for t in 2 * (expected - targets)]))


@every_width
def test_inside_a_network_of_either_memory(channels):
    """Convolution, tokens and back: values and gradients of NumPy's order of axes."""
    first = Conv2D(channels, 3, padding=1, name="c")
    back = [Permute((1, 0)), Reshape((channels, 5, 4)), ReLU(), Conv2D(2, 3, name="d")]
    network = Network(sequential(first, Reshape((channels, -1)), Permute((1, 0)), *back), (3, 5, 4), seed=1)
    plain = Network(sequential(Conv2D(channels, 3, padding=1, name="c"), *back[2:]), (3, 5, 4), seed=1)
    x, targets = images((3, 5, 4)), images((2, 3, 2), seed=1)
    np.testing.assert_allclose(network.predict(x), plain.predict(x), rtol=0, atol=1e-6)
    (_, found, dx), (_, expected, plain_dx) = (n.gradients(x, targets, SUM, inputs=True) for n in (network, plain))
    np.testing.assert_allclose(dx, plain_dx, rtol=1e-4, atol=1e-4)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-4, atol=1e-4)


def test_a_reshape_of_planes_in_order_is_a_view():
    network = Network(sequential(Conv2D(4, 3), Reshape((2, -1)), Flatten(), Linear(3)), (1, 6, 6))
    steps = [step for step in network.executor.bound_plan(2).steps if isinstance(step, Forward)]
    (step,) = [step for step in steps if step.fusion.node.name == "reshape1"]
    assert step.x.start == step.y.start


def test_a_vector_becomes_images_that_are_convolved():
    network = Network(sequential(Linear(20 * 12), Reshape((20, 4, 3)), Conv2D(17, 3, padding=1)), (5,), seed=2)
    x = images((5,))
    p = network.parameters
    maps = (x @ p["linear1.weight"].T + p["linear1.bias"]).reshape(3, 20, 4, 3)
    expected = fastconv.conv2d(maps, p["conv1.weight"], p["conv1.bias"], padding=1)
    np.testing.assert_allclose(network.predict(x), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Reshape(()), r"shape must have 1 to 3 extents, without the batch axis, got \(\)"),
        (lambda: Reshape((1, 2, 3, 4)), r"shape must have 1 to 3 extents, without the batch axis, got \(1, 2, 3, 4\)"),
        (lambda: Reshape((-1, -1)), r"shape must have extents >= 1, and -1 at most once, got \(-1, -1\)"),
        (lambda: Reshape((0, 3)), r"shape must have extents >= 1, and -1 at most once, got \(0, 3\)"),
        (lambda: Reshape((-2, 3)), r"shape must have extents >= 1, and -1 at most once, got \(-2, 3\)"),
        (lambda: Reshape("24"), "shape must be integers, got '24'"),
        (lambda: Reshape(None), "shape must be integers, got None"),
        (lambda: Reshape((2.0, 3)), "each of shape must be an integer, got 2.0"),
        (lambda: Reshape(True), "each of shape must be an integer, got True"),
        (lambda: Permute((0, 2, 3, 1)), r"axes must be 0 to 2 in some order, .*; write Permute\(\(1, 2, 0\)\)"),
        (lambda: Permute((2, 3, 1)), r"axes must be 0 to 2 in some order, .*; write Permute\(\(1, 2, 0\)\)"),
        (lambda: Permute((0, 0, 1)), r"axes must be 0 to 2 in some order, .* got \(0, 0, 1\)$"),
        (lambda: Permute((0, 3)), r"axes must be 0 to 2 in some order, .* got \(0, 3\)$"),
        (lambda: Permute(()), r"axes must be 0 to 2 in some order, .* got \(\)$"),
        (lambda: Permute((0, 1.5)), "each of axes must be an integer, got 1.5"),
    ],
)
def test_wrong_settings(make, says):
    with pytest.raises((TypeError, ValueError), match=f"^{says}"):
        make()


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (Reshape((5, 5)), r"shape \(5, 5\) needs 25 values, got shape \(3, 4, 2\), which has 24"),
        (Reshape((5, -1)), r"shape \(5, -1\) needs a multiple of 5 values, got shape \(3, 4, 2\), which has 24"),
        (Reshape((48, -1)), r"shape \(48, -1\) needs a multiple of 48 values, got shape \(3, 4, 2\), which has 24"),
        (Permute((1, 0)), r"axes must be those of one image, 3 of them, got \(1, 0\) and shape \(3, 4, 2\)"),
    ],
)
def test_shapes_that_do_not_fit(layer, says):
    with pytest.raises(ValueError, match=says):
        Network(layer, (3, 4, 2))


def test_axes_counted_with_the_batch_axis_on_tokens():
    with pytest.raises(ValueError, match=r"got \(0, 2, 1\) and shape \(5, 4\); write Permute\(\(1, 0\)\)"):
        Network(Permute((0, 2, 1)), (5, 4))
