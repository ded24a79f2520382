"""Gradients of a prediction (training=False) and of the images, against central differences of the loss itself."""

import copy

import numpy as np
import pytest
from graphs import Case
from plans import Weighted

from fastconv import Network, evaluate, layers, losses, models, sequential
from fastconv.executor import rewrites
from fastconv.graph import concat
from fastconv.layers import AvgPool2D, BatchNorm, Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Tanh

# The networks of these graphs are random, and some of them end with probabilities.
pytestmark = pytest.mark.filterwarnings("ignore:the network ends with:UserWarning")
every_graph = pytest.mark.parametrize("seed", range(40))


def bits(arrays):
    return {name: array.tobytes() for name, array in arrays.items()}


def moved(network, x, direction, step):
    """A copy of the network, and images, moved along a direction in all parameters and pixels."""
    other = copy.deepcopy(network)
    for name, array in other.parameters.items():
        array += step * direction[name]
    return other, x + step * direction["x"]


def along(network, x, gradients, dx, loss_of, first=1e-5):
    """The smallest relative error of the slope along some random directions; kinks spoil a few of them."""
    found = []
    for attempt in range(4):
        rng = np.random.default_rng(attempt)
        direction = {name: rng.standard_normal(g.shape) for name, g in {**gradients, "x": dx}.items()}
        step = first / 10**attempt
        ends = [loss_of(*moved(network, x, direction, sign * step)) for sign in (1, -1)]
        products = [(g * direction[name]).ravel() for name, g in {**gradients, "x": dx}.items()]
        size = np.sqrt(sum((p**2).sum() for p in products))
        found.append(abs((ends[0] - ends[1]) / (2 * step) - sum(p.sum() for p in products)) / (size + 1e-3))
    return min(found)


@every_graph
def test_gradients_of_a_prediction_are_those_of_central_differences_of_evaluate(seed):
    case = Case(seed)
    network, x, targets = case.network(), case.images(), case.targets()
    before = bits(network.arrays())
    loss, gradients, dx = network.gradients(x, targets, case.loss, training=False, inputs=True)
    assert bits(network.arrays()) == before
    assert loss == pytest.approx(evaluate(network, x, targets, case.loss)[0], rel=1e-12, abs=1e-12)
    assert dx.shape == x.shape
    assert dx.dtype == x.dtype
    error = along(network, x, gradients, dx, lambda net, x: evaluate(net, x, targets, case.loss)[0])
    assert error < 1e-5


@every_graph
def test_gradients_of_images_in_training_are_those_of_central_differences(seed):
    """The copies of the network draw the same masks, for their counters are the same."""
    case = Case(seed)
    network, x, targets = case.network(), case.images(), case.targets()
    first = copy.deepcopy(network)
    _, gradients, dx = network.gradients(x, targets, case.loss, inputs=True)
    error = along(first, x, gradients, dx, lambda net, x: net.gradients(x, targets, case.loss)[0])
    assert error < 1e-5


@every_graph
@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_of_the_images_leaves_the_others_as_they_are(seed, training):
    """Sums may be made in another order only where the images' gradient adds steps; each parameter keeps its bits."""
    case = Case(seed)
    x, targets = case.images(dtype="float32"), case.targets(dtype="float32")
    plain = case.network("float32").gradients(x, targets, case.loss, training=training)
    more = case.network("float32").gradients(x, targets, case.loss, training=training, inputs=True)
    assert plain[0] == more[0]
    for name, gradient in plain[1].items():
        scale = np.abs(gradient).max(initial=1e-3)
        np.testing.assert_allclose(more[1][name], gradient, rtol=0, atol=1e-3 * scale, err_msg=name)


@every_graph
@pytest.mark.parametrize("training", [True, False])
def test_recomputed_values_give_the_same_bits(seed, training):
    case = Case(seed)
    x, targets = case.images(), case.targets()
    found = [
        case.network(recompute=again).gradients(x, targets, case.loss, training=training, inputs=True)
        for again in (False, True)
    ]
    assert found[0][0] == found[1][0]
    assert bits(found[0][1]) == bits(found[1][1])
    assert found[0][2].tobytes() == found[1][2].tobytes()


@pytest.mark.parametrize("recompute", [False, True])
def test_auxiliary_heads_do_not_count_in_a_prediction(recompute):
    network = Network(models.googlenet(3, aux_logits=True), (3, 32, 32), "float64", seed=0, recompute=recompute)
    rng = np.random.default_rng(0)
    x, targets, loss = rng.standard_normal((2, 3, 32, 32)), np.array([0, 2]), losses.AuxiliaryCrossEntropy()
    for node in network.nodes:
        if isinstance(node.layer, BatchNorm):
            node.layer.momentum = 1.0
    network.gradients(x, targets, loss)  # the running statistics are now those of this batch
    value, gradients, dx = network.gradients(x, targets, loss, training=False, inputs=True)
    assert value == pytest.approx(evaluate(network, x, targets, loss)[0], rel=1e-12)
    assert all(np.isfinite(g).all() for g in gradients.values())
    assert np.abs(gradients["fc.weight"]).max() > 0
    assert all((g == 0).all() for name, g in gradients.items() if name.startswith("aux"))
    assert along(network, x, gradients, dx, lambda net, x: evaluate(net, x, targets, loss)[0], 1e-8) < 1e-4


def shared(x):
    layer, norm = Conv2D(2, 3, padding=1, name="c"), BatchNorm(name="n")
    return sequential(layer, norm, ReLU(), layer, norm, Tanh())(x)


def several_readers(x):
    """The image is read by a convolution, a sum, a concatenation and a pool."""
    y = Conv2D(2, 3, padding=1)(x) + x
    return concat(MaxPool2D(3, 1, 1)(x), x, y, AvgPool2D(3, 1, 1)(x))


MODELS = {
    "the image itself": lambda x: x,
    "twice the image": lambda x: x + x,
    "beside itself": lambda x: concat(x, x),
    "in place": sequential(ReLU(), Dropout(0.5, seed=1), Flatten()),
    "in place, a norm": sequential(Tanh(), BatchNorm(), Tanh()),
    "a view": Flatten(),
    "a norm first": sequential(BatchNorm(), ReLU(), Conv2D(3, 3)),
    "shared layers": shared,
    "several readers": several_readers,
    "1 x 1": sequential(Conv2D(20, 1), ReLU(), Conv2D(4, 1)),
    "strided": sequential(Conv2D(3, 5, stride=2, padding=2), Conv2D(2, 3)),
    "wide": sequential(Conv2D(24, 3, padding=1), BatchNorm(), ReLU(), Conv2D(20, 3, padding=1)),
    "depthwise": sequential(layers.DepthwiseConv2D(3), layers.SeparableConv2D(3, 3)),
    "transposed": layers.ConvTranspose2D(3, 3, stride=2),
    "dense": sequential(Flatten(), Linear(5), ReLU(), Dropout(0.3, seed=2), Linear(3)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_images_where_they_meet_the_network(name, training):
    network = Network(MODELS[name], (2, 7, 6), "float64", seed=0)
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((3, 2, 7, 6)), rng.standard_normal((3, *network.output_shape))
    for buffer in network.buffers.values():
        if buffer.dtype.kind == "f":
            buffer[...] = rng.uniform(0.5, 1.5, buffer.shape)
    first, before = copy.deepcopy(network), bits(network.arrays())
    value, gradients, dx = network.gradients(x, t, Weighted(), training=training, inputs=True)
    if not training:
        assert bits(network.arrays()) == before
        assert value == pytest.approx((network.predict(x) * t).sum(), rel=1e-12)
    loss_of = {
        True: lambda net, x: net.gradients(x, t, Weighted())[0],
        False: lambda net, x: (net.predict(x) * t).sum(),
    }[training]
    assert along(first, x, gradients, dx, loss_of) < 1e-6


WINDOWS = {
    "3 x 3": lambda c: Conv2D(c, 3, padding=1),
    "5 x 5": lambda c: Conv2D(c, 5, padding=2),
    "1 x 1": lambda c: Conv2D(c, 1),
    "strided": lambda c: Conv2D(c, 3, stride=2, padding=1),
    "dilated": lambda c: Conv2D(c, 3, padding=2, dilation=2),
    "groups": lambda c: Conv2D(c, 3, padding=1, groups=2),
    "rotated": lambda c: Conv2D(c, 3, rotate=True),
    "depthwise": lambda c: layers.DepthwiseConv2D(3, padding=1),
    "separable": lambda c: layers.SeparableConv2D(c, 3),
    "transposed": lambda c: layers.ConvTranspose2D(c, 4, stride=2, padding=1),
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("channels", [4, 48])
@pytest.mark.parametrize("training", [True, False])
def test_float32_gradients_of_images_are_those_in_float64(window, channels, training):
    def found(dtype):
        model = sequential(WINDOWS[window](channels), BatchNorm(), Tanh(), WINDOWS[window](channels))
        network, rng = Network(model, (channels, 20, 18), dtype, seed=0), np.random.default_rng(0)
        x = rng.standard_normal((3, channels, 20, 18)).astype(dtype)
        targets = rng.integers(0, network.output_shape[0], (3, *network.output_shape[1:]))
        _, gradients, dx = network.gradients(x, targets, losses.CrossEntropy(), training=training, inputs=True)
        return {"x": dx, **gradients}

    exact = found("float64")
    for name, array in found("float32").items():
        within = 1e-4 * np.abs(exact[name]).max() + 1e-8
        np.testing.assert_allclose(array, exact[name], rtol=0, atol=within, err_msg=name)


@pytest.mark.parametrize("name", rewrites.OPTIONAL)
@pytest.mark.parametrize("training", [True, False])
def test_no_rewrite_changes_the_gradients(name, training):
    for seed in range(0, 40, 4):
        case = Case(seed)

        def found(case=case):
            _, gradients, dx = case.network().gradients(
                case.images(), case.targets(), case.loss, training=training, inputs=True
            )
            return {**gradients, "x": dx}

        expected, before = found(), rewrites.use_rewrite(name, False)
        try:
            plain = found()
        finally:
            rewrites.use_rewrite(name, before)
        largest = max(np.abs(array).max(initial=1e-3) for array in expected.values())
        for key, array in plain.items():
            np.testing.assert_allclose(array, expected[key], rtol=0, atol=1e-9 * largest, err_msg=key)


def test_the_gradient_of_the_images_is_the_callers_own():
    network = Network(Flatten(), (1, 2, 2), seed=0)
    x, t = np.ones((1, 1, 2, 2), "float32"), np.ones((1, 4), "float32")
    dx = network.gradients(x, t, Weighted(), inputs=True)[2]
    network.gradients(x, 2 * t, Weighted(), inputs=True)
    network.predict(x)
    np.testing.assert_array_equal(dx, 1)
    assert dx.flags.c_contiguous
    assert dx.flags.owndata
    wide = Network(Conv2D(20, 3), (20, 5, 5), seed=0)
    dx = wide.gradients(np.ones((2, 20, 5, 5), ">f4"), np.ones((2, 20, 3, 3), "float32"), Weighted(), inputs=True)[2]
    assert dx.flags.c_contiguous
    assert dx.dtype == np.float32


def test_looking_five_times_moves_nothing_and_plans_are_kept():
    network = Network(sequential(Conv2D(4, 3), BatchNorm(), ReLU(), Dropout(), Flatten(), Linear(3)), (1, 6, 6), seed=0)
    x = np.random.default_rng(0).standard_normal((5, 1, 6, 6)).astype("float32")
    before, predicted = bits(network.arrays()), network.predict(x)
    first = network.gradients(x[:1], [0], losses.CrossEntropy(), training=False, inputs=True)
    plans = dict(network.executor.plans)
    for one in x:
        network.gradients(one[None], [0], losses.CrossEntropy(), training=False, inputs=True)
    assert dict(network.executor.plans) == plans
    assert bits(network.arrays()) == before
    np.testing.assert_array_equal(network.predict(x), predicted)
    again = network.gradients(x[:1], [0], losses.CrossEntropy(), training=False, inputs=True)
    assert bits(again[1]) == bits(first[1])


def test_one_image_suffices_for_a_norm_of_vectors_in_a_prediction():
    network = Network(sequential(Linear(3), BatchNorm()), (4,), seed=0)
    x, loss = np.ones((1, 4), "float32"), losses.CrossEntropy()
    with pytest.raises(ValueError, match="more than one value per channel in training"):
        network.gradients(x, [0], loss)
    assert np.isfinite(network.gradients(x, [0], loss, training=False)[0])


def test_one_image_without_a_batch_axis_is_told_how_to_get_one():
    network, x = Network(Linear(3), (4,), seed=0), np.ones(4, "float32")
    with pytest.raises(ValueError, match=r"at least one image, \(N, 4\), got \(4,\); of one image .* x\[None\]"):
        network.gradients(x, [0], losses.CrossEntropy())
    network.gradients(x[None], [0], losses.CrossEntropy())
    with pytest.raises(ValueError, match=r"write|at least one image, \(N, 4\), got \(0, 4\)$"):
        network.gradients(x[None][:0], [], losses.CrossEntropy())
    for option in ("training", "inputs"):
        with pytest.raises(TypeError, match=f"{option} must be True or False, got 'no'"):
            network.gradients(x[None], [0], losses.CrossEntropy(), **{option: "no"})
