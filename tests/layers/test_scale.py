"""Scale and shift of channels, fixed and trained: values, gradients, what joins them in a step, what is refused."""

import numpy as np
import pytest

from fastconv import Network, init, layers, losses, sequential
from fastconv.executor.steps import Backward, Forward
from fastconv.layers import Affine, BatchNorm, ChannelScale, Conv2D, Flatten, Linear, ReLU

SHAPES = [(6, 5, 4), (20, 5, 4), (6, 7), (9,)]
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
SUM = losses.MSE("sum")


def images(shape, n=3, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(dtype)


def beside(vector, shape):
    """The vector along the channels of arrays (N, *shape)."""
    return np.reshape(vector, (-1, *(1,) * (len(shape) - 1)))


def tolerance(dtype):
    return 1e-6 if dtype == "float32" else 1e-14


@every_dtype
@every_shape
def test_fixed_numbers_for_each_channel_or_for_all(shape, dtype):
    rng, x = np.random.default_rng(1), images(shape, dtype=dtype)
    scale, shift = rng.normal(size=shape[0]), rng.normal(size=shape[0])
    for a, b in ((scale, shift), (scale, 2.5), (-0.5, shift), (3, -1)):
        network = Network(Affine(a, b), shape, dtype)
        y = x.astype("float64") * beside(a, shape) + beside(b, shape)
        np.testing.assert_allclose(network.predict(x), y, rtol=0, atol=10 * tolerance(dtype))
        _, gradients, dx = network.gradients(x, np.zeros_like(x), SUM, inputs=True)
        np.testing.assert_allclose(dx, 2 * y * beside(a, shape), rtol=0, atol=50 * tolerance(dtype))
        assert not network.parameters
        assert not gradients


@every_dtype
@pytest.mark.parametrize("shape", [(6, 5, 4), (20, 5, 4), (6, 7)], ids=str)
def test_arrays_with_one_number_for_each_channel_give_the_bits_of_vectors(shape, dtype):
    rng, x = np.random.default_rng(2), images(shape, dtype=dtype)
    scale, shift = rng.normal(size=shape[0]), rng.normal(size=shape[0])
    vectors = Network(Affine(scale, shift), shape, dtype)
    arrays = Network(Affine(beside(scale, shape), beside(shift, shape)), shape, dtype)
    np.testing.assert_array_equal(arrays.predict(x), vectors.predict(x))
    found = [network.gradients(x, np.zeros_like(x), SUM, inputs=True)[2] for network in (arrays, vectors)]
    np.testing.assert_array_equal(*found)
    rows = rng.normal(size=shape[1:])  # one number for each value of a channel: not for each channel
    y = x.astype("float64") * beside(scale, shape) + rows
    got = Network(Affine(beside(scale, shape), rows[None]), shape, dtype).predict(x)
    np.testing.assert_allclose(got, y, rtol=0, atol=10 * tolerance(dtype))


def test_exact_where_numpy_is():
    x = np.array([[0.0, 1.5, -3e38, 2e38, np.inf, -np.inf, 1e-42]], "float32")
    for scale, shift in ((1, 0), (2, 0), (-1, 0), (0.5, 0), (1, 0.25)):
        with np.errstate(over="ignore"):
            expected = x * np.float32(scale) + np.float32(shift)
        np.testing.assert_array_equal(Network(Affine(scale, shift), (7,)).predict(x), expected)


@every_dtype
@every_shape
def test_a_trained_factor_for_each_channel(shape, dtype):
    network, x = Network(ChannelScale(name="s"), shape, dtype), images(shape, dtype=dtype)
    assert network.parameters["s.weight"].tolist() == [1] * shape[0]
    w = network.parameters["s.weight"][...] = np.random.default_rng(1).normal(size=shape[0])
    y = x.astype("float64") * beside(w, shape)
    np.testing.assert_allclose(network.predict(x), y, rtol=0, atol=10 * tolerance(dtype))
    _, gradients, dx = network.gradients(x, np.zeros_like(x), SUM, inputs=True)
    np.testing.assert_allclose(dx, 2 * y * beside(w, shape), rtol=0, atol=50 * tolerance(dtype))
    others = tuple(axis for axis in range(x.ndim) if axis != 1)
    np.testing.assert_allclose(gradients["s.weight"], (2 * y * x).sum(others), rtol=100 * tolerance(dtype))


def test_first_values():
    for given, expected in ((1e-6, 1e-6), ("zeros", 0), (init.constant(0.5), 0.5), (np.float32(0.25), 0.25), (3, 3)):
        weight = Network(ChannelScale(given, name="s"), (4,), "float64").parameters["s.weight"]
        np.testing.assert_array_equal(weight, np.full(4, expected))


def steps(network, frozen=False):
    """The nodes of each step of a prediction."""
    plan = network.freeze().make_plan(2) if frozen else network.executor.bound_plan(2)
    return ["+".join(node.name for node in step.fusion.nodes) for step in plan.steps if isinstance(step, Forward)]


FIRST = {
    "conv": (lambda: Conv2D(8, 3, padding=1, name="f"), (3, 6, 5)),
    "conv without bias": (lambda: Conv2D(8, 3, padding=1, bias=False, name="f"), (3, 6, 5)),
    "wide conv": (lambda: Conv2D(40, 3, padding=1, name="f"), (24, 6, 5)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, padding=1, bias=False, name="f"), (8, 6, 5)),
    "linear": (lambda: Linear(8, bias=False, name="f"), (5,)),
}
SCALES = {
    "one number": lambda channels: Affine(0.5, -2.0, name="s"),
    "numbers": lambda channels: Affine(np.linspace(-3, 3, channels), np.arange(channels) / 4, name="s"),
    "trained": lambda channels: ChannelScale(name="s"),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("first", FIRST)
def test_frozen_it_is_part_of_the_weights_before_it(first, scale):
    make, shape = FIRST[first]
    channels = Network(make(), shape).output_shape[0]
    network = Network(sequential(make(), SCALES[scale](channels), ReLU()), shape, seed=3)
    if "s.weight" in network.parameters:
        network.parameters["s.weight"][...] = np.linspace(-1, 2, channels)
    assert steps(network, frozen=True) == ["f+s+relu1"]
    x = images(shape)
    np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=0, atol=2e-5)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("channels", [6, 20], ids=["planar", "channels_last"])
def test_it_adds_and_activates_while_it_stores(channels, scale):
    """ConvNeXt's residual, weight f(x) + x, and the gradients of all, against NumPy's in float64."""

    def model(x):
        return ReLU()(SCALES[scale](channels)(x) + x)

    network, x = Network(model, (channels, 5, 4), seed=0), images((channels, 5, 4))
    if "s.weight" in network.parameters:
        network.parameters["s.weight"][...] = np.linspace(-2, 1, channels)
    assert steps(network) == ["s+add1+relu1"]
    factor = network.parameters.get("s.weight", np.array(getattr(SCALES[scale](channels), "scale", 0)))
    factor, shift = beside(factor, x.shape[1:]), beside(getattr(SCALES[scale](channels), "shift", 0), x.shape[1:])
    y = np.maximum(x.astype("float64") * factor + shift + x, 0)
    np.testing.assert_allclose(network.predict(x), y, rtol=0, atol=1e-5)
    _, gradients, dx = network.gradients(x, np.zeros_like(x), SUM, inputs=True)
    np.testing.assert_allclose(dx, 2 * y * (factor + 1), rtol=0, atol=1e-4)
    for gradient in gradients.values():
        np.testing.assert_allclose(gradient, (2 * y * x).sum((0, 2, 3)), rtol=1e-4, atol=1e-4)


def test_a_frozen_weight_has_no_gradient_and_keeps_no_x():
    network = Network(sequential(Linear(4, name="a"), ChannelScale(name="s"), Linear(2, name="b")), (3,), seed=0)
    network.set_trainable("s.weight", False)
    plan = network.executor.bound_plan(2, SUM)
    (step,) = [step for step in plan.steps if isinstance(step, Backward) and step.node.name == "s"]
    assert step.x is None
    assert list(network.gradients(images((3,)), images((2,)), SUM)[1]) == ["a.weight", "a.bias", "b.weight", "b.bias"]


def test_folding_leaves_a_batch_norm_behind_it_alone():
    network = Network(sequential(Conv2D(8, 3), Affine(2.0), BatchNorm(), Flatten(), Linear(3)), (3, 6, 5), seed=0)
    assert steps(network, frozen=True)[0] == "conv1+affine1"
    x = images((3, 6, 5))
    np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Affine("2"), "scale must be a number, got '2'"),
        (lambda: Affine(None), "scale must be a number, got None"),
        (lambda: Affine(True), "scale must be a number, got True"),
        (lambda: Affine(1.0, np.nan), "shift must be finite, got nan"),
        (lambda: Affine([1.0, np.inf]), r"scale must be finite, got \[1.0, inf\]"),
        (lambda: Affine([]), r"scale must be a number, one for each channel, or an array of 2 or 3 axes, got \[\]"),
        (lambda: Affine(np.ones((1, 1, 1, 2))), "scale must be a number, one for each channel, or an array of 2 or 3"),
        (lambda: Affine([[1.0], [np.nan]]), r"scale must be finite, got \[\[1.0\], \[nan\]\]"),
        (lambda: Affine([[1.0], 2.0]), r"scale must be a number, one for each channel, or an array"),
        (lambda: Affine(1 + 2j), "scale must be a number, got"),
        (lambda: ChannelScale(np.inf), "init must be finite, got inf"),
        (lambda: ChannelScale("one"), "init must be a function or one of"),
        (lambda: ChannelScale(None), "init must be a number, got None"),
    ],
)
def test_wrong_settings(make, says):
    with pytest.raises((TypeError, ValueError), match=f"^{says}"):
        make()


def test_numbers_of_other_channels():
    with pytest.raises(ValueError, match="scale must be a number or one for each channel, got 3 for 4"):
        Network(Affine([1, 2, 3]), (4, 2, 2))
    with pytest.raises(ValueError, match="shift must be a number or one for each channel, got 1 for 4"):
        Network(Affine(shift=[1]), (4,))


def test_an_empty_batch():
    network = Network(sequential(Affine(2.0), ChannelScale()), (3, 2, 2))
    assert network.predict(np.zeros((0, 3, 2, 2), "float32")).shape == (0, 3, 2, 2)
