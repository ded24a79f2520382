"""Gradients of a prediction (training=False) and of the images, against central differences of the loss itself."""

import copy

import graphs
import numpy as np
import pytest
from graphs import Case
from plans import Weighted

import fastconv
from fastconv import Network, evaluate, layers, losses, models, sequential
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
    with pytest.raises(TypeError, match=r"own is a Counting, whose buffers .* two_modes = True"):
        network.gradients(x, np.ones((1, 3), "float32"), loss, training=False)
    network = Network(sequential(Linear(3), TwoModes(name="own")), (4,), seed=0)
    network.gradients(x, np.ones((1, 3), "float32"), loss, training=False)
    assert network.buffers["own.steps"] == 0
    network.gradients(x, np.ones((1, 3), "float32"), loss)
    assert network.buffers["own.steps"] == 1


def test_every_layer_with_buffers_knows_both_modes():
    nodes = [node for seed in range(len(graphs.LAYERS)) for node in Case(seed).network().nodes]
    with_buffers = {type(node.layer) for node in nodes if node.spec and node.spec.state}
    assert with_buffers == {BatchNorm, Dropout}
    assert all(kind.two_modes for kind in (*with_buffers, layers.MainHead))
