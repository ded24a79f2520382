"""Layers with frozen parameters: which steps and calls are left, batch norm, dropout, layers of one's own."""

import copy

import numpy as np
import pytest
from parts import LABELS, backward_steps, images, moved, network

import fastconv
from fastconv import SGD, CrossEntropy, Network, layers, losses, sequential, train_step
from fastconv.executor.steps import Backward, Update
from fastconv.layer import Parameter, Spec, State
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, PReLU

SUM = losses.MSE("sum")


def test_the_backward_pass_stops_where_nothing_below_is_trained():
    net = network()
    assert backward_steps(net) == ["fc", "flatten1", "dropout1", "b.norm", "b.conv", "a_norm", "a"]
    net.set_trainable("a*", False)
    assert backward_steps(net) == ["fc", "flatten1", "dropout1", "b.norm", "b.conv"]
    net.set_trainable(["b.*"], False)
    assert backward_steps(net) == backward_steps(net, lean=True) == ["fc"]
    net.set_trainable("a.bias")
    assert backward_steps(net) == ["fc", "flatten1", "dropout1", "b.norm", "b.conv", "a_norm", "a"]
    assert net.trainable == ("a.bias", "fc.weight", "fc.bias")


def test_a_frozen_part_keeps_fewer_values():
    net = network()
    whole = net.memory(64, training=True).values
    net.set_trainable(["a*", "b.*"], False)
    assert net.memory(64, training=True).values < 0.8 * whole


def calls(net):
    """layer -> the number of calls of its backward step."""
    plan = net.executor.bound_plan(4, SUM)
    steps = [(plan.steps[number], made) for number, made in plan.bound]
    return {step.node.name: len(made) for step, made in steps if isinstance(step, Backward)}


LAYERS = {
    "conv": lambda: Conv2D(4, 3, padding=1),
    "rotated": lambda: Conv2D(4, 3, padding=1, rotate=True),
    "depthwise": lambda: layers.DepthwiseConv2D(3, padding=1),
    "transposed": lambda: layers.ConvTranspose2D(4, 3, padding=1),
    "separable": lambda: layers.SeparableConv2D(4, 3, padding=1),
    "prelu": PReLU,
    "linear": lambda: sequential(Flatten(), Linear(20)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_of_a_frozen_parameter_is_not_computed(kind):
    """One call less for each frozen parameter; dx alone is left."""
    net = Network(sequential(Conv2D(4, 3, name="first"), LAYERS[kind](), Flatten(), Linear(2, name="last")), (2, 6, 6))
    own = [name for name in net.parameters if not name.startswith(("first", "last"))]
    layer = own[0].rpartition(".")[0]
    before = calls(net)[layer]
    for i, name in enumerate(own):
        net.set_trainable(name, False)
        assert calls(net)[layer] == before - i - 1
    assert calls(net)[layer] == (2 if kind == "separable" else 1)


def test_a_separable_convolution_that_is_first_needs_no_gradient_between_its_halves_for_the_sums_alone():
    net = Network(layers.SeparableConv2D(4, 3, padding=1, name="s"), (2, 6, 6))
    assert calls(net) == {"s": 4}
    net.set_trainable("s.filters", False)
    assert calls(net) == {"s": 2}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", [True, False])
def test_a_frozen_batch_norm_is_scale_and_shift_by_its_running_statistics(dtype, affine):
    """y = s (x W^T + b - m) + t with s = w / sqrt(v + eps); dW = (s dy)^T x, db = sum s dy; in float64."""
    net = Network(sequential(Linear(3, name="fc"), BatchNorm(affine=affine, name="bn")), (4,), dtype, seed=0)
    rng = np.random.default_rng(0)
    for name in ("bn.running_mean", "bn.running_var", *(("bn.weight", "bn.bias") if affine else ())):
        net.buffers.get(name, net.parameters.get(name))[...] = rng.uniform(0.5, 2, 3)
    net.set_trainable("bn.*", False)
    before = {name: array.copy() for name, array in net.arrays().items()}
    x, targets = images(5, (4,), dtype), np.zeros((5, 3), dtype)
    loss, gradients = net.gradients(x, targets, SUM)
    a = {name: array.astype("float64") for name, array in before.items()}
    scale = a.get("bn.weight", 1) / np.sqrt(a["bn.running_var"] + 1e-5)
    z = x.astype("float64") @ a["fc.weight"].T + a["fc.bias"] - a["bn.running_mean"]
    y = scale * z + a.get("bn.bias", 0)
    dy, rtol = 2 * y * scale, 1e-5 if dtype == "float32" else 1e-12
    assert loss == pytest.approx((y**2).sum(), rel=rtol)
    np.testing.assert_allclose(gradients["fc.weight"], dy.T @ x, rtol=rtol, atol=10 * rtol)
    np.testing.assert_allclose(gradients["fc.bias"], dy.sum(0), rtol=rtol, atol=10 * rtol)
    assert list(gradients) == ["fc.weight", "fc.bias"]
    train_step(net, x, targets, SGD(0.01), SUM)
    assert moved(before, net) == ["fc.weight", "fc.bias"]


def test_a_batch_norm_with_one_trained_parameter_takes_the_statistics_of_the_batch():
    plain, net = network(), network()
    net.set_trainable("*_norm.bias", False)
    before = copy.deepcopy(net).arrays()
    loss, gradients = net.gradients(images(), LABELS, CrossEntropy())
    expected = plain.gradients(images(), LABELS, CrossEntropy())
    assert loss == expected[0]
    assert all(gradients[name].tobytes() == expected[1][name].tobytes() for name in net.trainable)
    assert "a_norm.running_mean" in moved(before, net)


def test_dropout_still_drops():
    net = network()
    net.set_trainable(["a*", "b.*"], False)
    train_step(net, images(), LABELS, SGD(0.1))
    assert net.buffers["dropout1.counter"][1] == 1
    net = Network(sequential(Dropout(0.5, name="drop"), BatchNorm(affine=False, name="bn"), Linear(2)), (4,), seed=0)
    net.set_trainable("*n.*", False)
    with pytest.raises(ValueError, match=r"'drop\.\*' fits none"):
        net.set_trainable("drop.*", False)
    x = images(4, (4,))
    train_step(net, x, [0, 1, 0, 1], SGD(0.1))
    assert net.buffers["drop.counter"][1] == 1
    assert net.buffers["bn.num_batches_tracked"] == 0
    net.set_trainable("bn.running_mean")  # one of its buffers stands for all
    train_step(net, x, [0, 1, 0, 1], SGD(0.1))
    assert net.buffers["bn.num_batches_tracked"] == 1


class Scaled(fastconv.Layer):
    """y = w x, with a backward that knows nothing of frozen parameters."""

    saves = frozenset({"x"})

    def spec(self, x_shape, dtype):
        return Spec(x_shape, {"w": Parameter((1,), lambda *_: 2.0)})

    def forward(self, b):
        return [lambda: np.multiply(b.x, b.params.w, b.y)]

    def backward(self, b):
        def call():
            b.grads.w[0] = (b.dy * b.x).sum()
            if b.dx is not None:
                np.multiply(b.dy, b.params.w, b.dx)

        return [call]


class Louder(Linear):
    """A subclass with a `backward` of its own, which writes every gradient."""

    def backward(self, b):
        def call():
            b.grads.weight[...] = b.dy.T @ b.x
            b.grads.bias[...] = b.dy.sum(0)
            b.dx[...] = b.dy @ b.params.weight

        return [call]


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("own", [Scaled, lambda **names: Louder(4, **names)], ids=["layer", "subclass"])
def test_layers_of_ones_own_may_write_gradients_that_nobody_reads(own, lean):
    def make():
        return Network(sequential(Linear(4, name="a"), own(name="own"), Linear(2, name="b")), (3,), "float64", seed=0)

    plain, net = make(), make()
    net.set_trainable("own.*", False)
    before, x = net.parameters.copy(), images(4, (3,), "float64")
    for one in (plain, net):
        train_step(one, x, [0, 1, 0, 1], SGD(0.1), lean=lean)
    for name in net.parameters:
        expected = before if name.startswith("own") else plain.parameters
        np.testing.assert_array_equal(net.parameters[name], expected[name])
    assert not net.executor.gradients or not net.executor.gradients[next(n for n in before if "own" in n)].any()


class Moving(Scaled):
    """A layer with a buffer, which training changes."""

    def spec(self, x_shape, dtype):
        return super().spec(x_shape, dtype)._replace(state={"steps": State((), lambda rng: 0, "int64")})

    def forward(self, b):
        return [*super().forward(b), *([lambda: np.add(b.state.steps, 1, b.state.steps)] if b.training else [])]


class TwoModes(Moving):
    two_modes = True


def test_buffers_of_frozen_layers_of_ones_own_stay_as_they_are():
    x = images(4, (3,))
    for kind in (Moving, TwoModes):
        net = Network(sequential(kind(name="own"), Linear(2)), (3,), seed=0)
        net.set_trainable("own.*", False)
        train_step(net, x, [0, 1, 0, 1], SGD(0.1))
        assert net.buffers["own.steps"] == 0
    net = Network(sequential(Linear(2), TwoModes(name="own")), (3,), seed=0)
    net.set_trainable("own.*", False)
    train_step(net, x, [0, 1, 0, 1], SGD(0.1))
    assert net.buffers["own.steps"] == 0
    net = Network(sequential(Linear(2), Moving(name="own")), (3,), seed=0)
    net.set_trainable("own.*", False)
    with pytest.raises(TypeError, match=r"own is a Moving, .*: train one of its parameters; or, .* two_modes = True"):
        train_step(net, x, [0, 1, 0, 1], SGD(0.1))


def test_shared_layers_are_frozen_wherever_they_are_used():
    def model(x):
        shared = Linear(3, name="shared")
        return Linear(2, name="fc")(shared(Linear(3, name="first")(shared(x))))

    net = Network(model, (3,), seed=0)
    net.set_trainable("shared.weight", False)
    before = {name: array.copy() for name, array in net.arrays().items()}
    train_step(net, images(4, (3,)), [0, 1, 0, 1], SGD(0.1), lean=True)
    assert moved(before, net) == ["shared.bias", "first.weight", "first.bias", "fc.weight", "fc.bias"]


def test_a_lean_step_updates_neighbours_that_are_trained_together():
    net = Network(sequential(*(Linear(16, name=name) for name in "abcd")), (16,), seed=0)  # without gaps

    def updates():
        return [step.names for step in net.executor.make_plan(4, True, True).steps if isinstance(step, Update)]

    assert updates() == [tuple(net.parameters)]
    net.set_trainable("b.weight", False)
    assert updates() == [("b.bias", "c.weight", "c.bias", "d.weight", "d.bias"), ("a.weight", "a.bias")]


@pytest.mark.parametrize("kind", ["conv", "transposed", "separable", "linear"])
def test_what_frozen_layers_would_read_for_their_weight_gradient_is_not_kept(kind):
    """For the gradient of the images alone, no layer of this chain keeps its input."""
    net = Network(sequential(*(LAYERS[kind]() for _ in range(4))), (4, 8, 8), seed=0)
    steps = net.executor.make_plan(4, True, inputs=True).steps
    assert all(step.x is not None for step in steps if isinstance(step, Backward) and step.node.spec.params)
    net.set_trainable("*", False)
    plan = net.executor.make_plan(4, True, inputs=True)
    assert all(step.x is None for step in plan.steps if isinstance(step, Backward))
    loss, gradients, dx = net.gradients(images(4, (4, 8, 8)), np.zeros((4, *net.output_shape), "f4"), SUM, inputs=True)
    net.set_trainable("*")
    expected = net.gradients(images(4, (4, 8, 8)), np.zeros((4, *net.output_shape), "f4"), SUM, inputs=True)
    assert (loss, dx.tobytes()) == (expected[0], expected[2].tobytes())
    assert len(gradients) == 0
    if kind != "separable":  # which keeps what its filters give
        assert plan.size < net.executor.make_plan(4, True, inputs=True).size


def test_a_subclass_with_a_backward_of_its_own_gets_all_that_it_reads_and_writes():
    class Same(Conv2D):
        pass

    class Own(Conv2D):
        def backward(self, b):
            return super().backward(b)

    class Knowing(Own):
        optional_gradients = frozenset({"bias"})

        def backward(self, b):
            return super().backward(b)

    assert Same.optional_gradients == {"weight", "bias"}
    assert Same.saves_for_gradients == {"x"}
    assert Own.optional_gradients == Own.saves_for_gradients == frozenset()
    assert Knowing.optional_gradients == {"bias"}
    assert Knowing.saves_for_gradients == frozenset()
