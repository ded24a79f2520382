"""Layers whose attributes are set after a network was built: the change counts at once, or an error names the layer."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import SGD, Layer, Network, fit, layers, losses, sequential, train_step

X = np.random.default_rng(0).standard_normal((4, 4, 8, 8)).astype("float32")

SHAPES = {  # a layer, and attributes with which it would need other memory, or none at all
    "channels": (lambda: layers.Conv2D(4, 3), {"channels": 40}),
    "fewer channels": (lambda: layers.Conv2D(4, 3), {"channels": 2}),
    "kernel": (lambda: layers.Conv2D(4, 3, padding=1), {"kernel_size": (5, 5)}),
    "stride": (lambda: layers.Conv2D(4, 3), {"stride": 2}),
    "groups": (lambda: layers.Conv2D(4, 3), {"groups": 2}),
    "no bias": (lambda: layers.Conv2D(4, 3), {"bias": False}),
    "a bias": (lambda: layers.Conv2D(4, 3, bias=False), {"bias": True}),
    "multiplier": (lambda: layers.DepthwiseConv2D(3), {"multiplier": 3}),
    "separable": (lambda: layers.SeparableConv2D(4, 3), {"channels": 9}),
    "transposed": (lambda: layers.ConvTranspose2D(4, 3), {"channels": 9}),
    "transposed window": (lambda: layers.ConvTranspose2D(4, 3, stride=2), {"padding": 1, "output_padding": 3}),
    "affine": (lambda: layers.BatchNorm(), {"affine": False}),
    "not affine": (lambda: layers.BatchNorm(affine=False), {"affine": True}),
    "groups of channels": (lambda: layers.GroupNorm(4), {"num_groups": 1}),
    "pool": (lambda: layers.MaxPool2D(2), {"stride": 1}),
    "padding of a pool": (lambda: layers.MaxPool2D(2), {"padding": 2}),
    "pool in a word": (lambda: layers.MaxPool2D(3), {"padding": "SAME"}),
    "windows": (lambda: layers.AdaptiveMaxPool2D(2), {"output_size": (4, 4)}),
    "border": (lambda: layers.ZeroPad2D(1), {"padding": (0, 3, 1, 1)}),
    "scale": (lambda: layers.Upsample(2), {"scale_factor": (3, 2)}),
    "scale and rule": (lambda: layers.Upsample(2), {"scale_factor": 1.5, "mode": "bilinear"}),
    "mirrors": (lambda: layers.ReflectionPad2D(1), {"padding": (0, 3, 1, 1)}),
    "slopes": (lambda: layers.PReLU(), {"shared": False}),
}

REFUSED = {  # a layer, an attribute and a value that it never has
    "channels": (lambda: layers.Conv2D(4, 3), "channels", 0),
    "kernel": (lambda: layers.Conv2D(4, 3), "kernel_size", (3, 0)),
    "stride": (lambda: layers.Conv2D(4, 3), "stride", "two"),
    "padding": (lambda: layers.Conv2D(4, 3), "padding", "reflect"),
    "dilation": (lambda: layers.Conv2D(4, 3), "dilation", -1),
    "initialiser": (lambda: layers.Conv2D(4, 3), "init", None),
    "bias": (lambda: layers.Linear(4), "bias", 1),
    "same, transposed": (lambda: layers.ConvTranspose2D(4, 3), "padding", "same"),
    "output padding": (lambda: layers.ConvTranspose2D(4, 3), "output_padding", -1),
    "momentum": (lambda: layers.BatchNorm(), "momentum", 7),
    "eps": (lambda: layers.BatchNorm(), "eps", "small"),
    "no groups": (lambda: layers.GroupNorm(4), "num_groups", 0),
    "negative groups": (lambda: layers.GroupNorm(4), "num_groups", -2),
    "negative size": (lambda: layers.LocalResponseNorm(3), "size", -5),
    "huge size": (lambda: layers.LocalResponseNorm(3), "size", 2**63),
    "negative padding": (lambda: layers.MaxPool2D(2), "padding", -1),
    "border": (lambda: layers.ZeroPad2D(1), "padding", (-1, 3, 1, 1)),
    "scale": (lambda: layers.Upsample(2), "scale_factor", (-2, -2)),
    "mode": (lambda: layers.Upsample(2), "mode", "cubic"),
    "size": (lambda: layers.Upsample(size=2), "size", 0),
    "factor": (lambda: layers.PixelShuffle(2), "upscale_factor", 0),
    "order of channels": (lambda: layers.PixelShuffle(2), "mode", "CDR"),
    "order": (lambda: layers.Flatten(), "order", "diagonal"),
    "slope": (lambda: layers.LeakyReLU(), "negative_slope", "steep"),
    "name": (lambda: layers.ReLU(), "name", 3),
}


def bits(network):
    return {name: array.tobytes() for name, array in network.arrays().items()}


def work(network):
    """Everything that runs, in plans that were made and in new ones."""
    targets = np.zeros((4, *network.output_shape), "float32")
    return {
        "predict": lambda: network.predict(X),
        "another batch": lambda: network.predict(X[:3]),
        "gradients": lambda: network.gradients(X, targets, losses.MSE()),
        "lean": lambda: train_step(network, X, targets, SGD(0.1), losses.MSE(), lean=True),
        "profile": lambda: network.profile(X, targets, losses.MSE(), repeats=1),
        "freeze": network.freeze,
        "copy": lambda: copy.deepcopy(network),
        "pickle": lambda: pickle.dumps(network),
        "plan": network.plan,
        "memory": network.memory,
    }


every_kind = pytest.mark.parametrize("precise", [False, True])


@every_kind
@pytest.mark.parametrize("case", SHAPES)
def test_what_would_need_other_memory_is_refused_before_anything_runs(case, precise):
    make, changes = SHAPES[case]
    layer = make()
    layer.name = "changed"
    network = Network(layer, (4, 8, 8), seed=0, precise=precise)
    runs = work(network)
    for run in runs.values():
        run()
    before = bits(network)
    kept = {name: getattr(layer, name) for name in changes}
    for name, value in changes.items():
        setattr(layer, name, value)
    for run in runs.values():
        with pytest.raises(RuntimeError, match=r"changed \(\w+\) was changed after the network was built: .*set it "):
            run()
    assert bits(network) == before
    for name, value in kept.items():
        setattr(layer, name, value)
    for run in runs.values():
        run()


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_argument_never_is_cannot_be_set_either(case):
    make, name, value = REFUSED[case]
    layer = make()
    network = Network(layer, (4, 8, 8) if case != "bias" else (4,), seed=0)
    before = getattr(layer, name)
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        setattr(layer, name, value)
    assert getattr(layer, name) == before
    network.predict(np.zeros(network.input_shape, "float32"))


NUMBERS = {
    "eps": (lambda: layers.BatchNorm(), lambda: layers.BatchNorm(eps=0.5), "eps"),
    "momentum": (lambda: layers.BatchNorm(), lambda: layers.BatchNorm(momentum=0.5), "momentum"),
    "dropout": (lambda: layers.Dropout(0.5, seed=0), lambda: layers.Dropout(0.1, seed=0), "p"),
    "slope": (lambda: layers.LeakyReLU(), lambda: layers.LeakyReLU(0.5), "negative_slope"),
    "window": (lambda: layers.LocalResponseNorm(3), lambda: layers.LocalResponseNorm(3, 1.0), "alpha"),
    "turned": (lambda: layers.Conv2D(4, 3), lambda: layers.Conv2D(4, 3, rotate=True), "rotate"),
    "padding": (lambda: layers.ZeroPad2D((0, 2, 0, 1)), lambda: layers.ZeroPad2D((2, 0, 1, 0)), "padding"),
    "order": (lambda: layers.Flatten(), lambda: layers.Flatten(order="COLUMN"), "order"),
    "pool": (lambda: layers.MaxPool2D(2, 2), lambda: layers.MaxPool2D(1, 2), "kernel_size"),
}


@every_kind
@pytest.mark.parametrize("case", NUMBERS)
def test_a_number_that_is_set_counts_at_once_and_in_every_plan(case, precise):
    old, new, attribute = NUMBERS[case]
    layer, expected = old(), new()
    network, other = (Network(made, (4, 8, 8), seed=0, precise=precise) for made in (layer, expected))
    targets = np.zeros((4, *network.output_shape), "float32")
    for lean in (False, True, False, True):  # twice: the first time makes room for all plans
        for made in (network, other):
            train_step(made, X, targets, SGD(0.0), losses.MSE(), lean=lean)
            made.predict(X), made.predict(X[:3])
    for name, values in other.buffers.items():
        network.buffers[name] = values
    assert len(network.executor.plans) == 4
    setattr(layer, attribute, getattr(expected, attribute))
    for lean in (False, True):
        steps = [train_step(made, X, targets, SGD(0.1), losses.MSE(), lean=lean) for made in (network, other)]
        assert steps[0] == steps[1]
        for n in (4, 3):
            np.testing.assert_array_equal(network.predict(X[:n]), other.predict(X[:n]))
        assert bits(network) == bits(other)


@pytest.mark.parametrize(("attribute", "value"), [("negative_slope", 0.5), ("name", "other")])
def test_what_is_set_later_does_not_reach_a_frozen_network(attribute, value):
    layer = layers.LeakyReLU()
    frozen = Network(layer, (4, 8, 8)).freeze()
    before = frozen.predict(X)
    setattr(layer, attribute, value)
    np.testing.assert_array_equal(frozen.predict(X), before)
    np.testing.assert_array_equal(frozen.predict(X[:2]), before[:2])  # in a plan made now


def test_a_layer_whose_class_calls_no_init_of_layer_has_no_name_of_its_own():
    class Bare(layers.Tanh):
        def __init__(self, scale):
            self.scale = scale

    network = Network(sequential(layers.Linear(2), Bare(3)), (4,))
    assert [node.name for node in network.nodes] == ["input", "linear1", "tanh1"]
    assert repr(Bare(3)) == "Bare(3)"


@every_kind
def test_the_layers_of_a_network_are_those_it_was_made_of(precise):
    conv, norm = layers.Conv2D(4, 3), layers.BatchNorm()
    network = Network(sequential(conv, norm), (4, 8, 8), precise=precise)
    assert [node.layer for node in network.nodes] == [None, conv, norm]
    assert conv.precise is False


def test_plans_are_kept_while_nothing_changes_and_others_layers_are_made():
    network = Network(layers.LeakyReLU(), (4, 8, 8))
    network.predict(X)
    plan = network.executor.bound_plan(4)
    layers.LeakyReLU().negative_slope = 3  # in no network
    Network(layers.BatchNorm(), (4, 8, 8)).predict(X)
    assert network.executor.bound_plan(4) is plan


def test_a_layer_that_keeps_notes_under_a_name_of_its_own_keeps_its_plans():
    class Noting(layers.Tanh):
        _runs = 0

        def forward(self, b):
            def run():
                self._runs += 1

            return [*super().forward(b), run]

    layer = Noting()
    network = Network(layer, (4, 8, 8))
    plans = [(network.predict(X), network.executor.bound_plan(4))[1] for _ in range(3)]
    assert layer._runs == 3
    assert plans[0] is plans[1] is plans[2]


def test_dropout_may_be_scheduled():
    dropout = layers.Dropout(0.9, seed=0)
    network = Network(sequential(dropout, layers.Flatten(), layers.Linear(2)), (4, 8, 8), seed=0)

    def later(epoch):
        dropout.p = 0.0

    history = fit(
        network, X[:1].repeat(4, 0), [0, 0, 0, 0], epochs=3, optimizer=SGD(0.0), progress=False, on_epoch=later, seed=0
    )
    expected = -np.log(np.exp(network.predict(X[0]))[0] / np.exp(network.predict(X[0])).sum())
    assert history[0].loss != pytest.approx(expected, rel=1e-3)
    assert history[1].loss == history[2].loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("method", ["spec", "forward", "backward"])
def test_a_method_that_a_class_of_ones_own_lacks_is_named(method):
    class Own(layers.Tanh):
        pass

    setattr(Own, method, getattr(Layer, method))
    with pytest.raises(TypeError, match=rf"tanh1 \(Own\) reading linear1 .*must have a method: def {method}\(self, "):
        train_step(Network(sequential(layers.Linear(2), Own()), (4,)), X[0, 0, :2, :4], [0, 1], SGD(0.1))


@pytest.mark.parametrize("made", [None, 3, np.tanh, [3], [np.zeros(3)], [[np.tanh]]])
@pytest.mark.parametrize("method", ["forward", "backward"])
def test_what_is_no_list_of_calls_is_refused_with_the_name_of_the_layer(method, made):
    class Own(layers.Tanh):
        pass

    setattr(Own, method, lambda self, b: made)
    network = Network(sequential(layers.Linear(2), Own(name="own")), (4,))
    before = bits(network)
    for lean in (False, True):
        with pytest.raises(
            TypeError, match=rf"own \(Own\) reading linear1 \(2,\): {method} must return a list of calls"
        ):
            train_step(network, X[0, 0, :2, :4], [0, 1], SGD(0.1), lean=lean)
    assert bits(network) == before


class Older(layers.Conv2D):
    """Accumulates into dx under the names that these things had before."""

    def adds_gradient(self, x_shape, dtype):
        return True

    def backward(self, b):
        self._seen = b.known is b.dx_accumulate and b.known is not None
        return super().backward(b)


def test_older_names_of_a_layers_methods_and_fields_work():
    layer, plain = Older(20, 1), layers.Conv2D(20, 1)
    found = []
    for branch in (layer, plain):

        def model(x, branch=branch):
            x = layers.Conv2D(20, 1)(x)
            return sequential(layers.Flatten(), layers.Linear(2))(x + layers.Sigmoid()(branch(x)))

        network = Network(model, (4, 8, 8), seed=0)
        found.append(network.gradients(X, [0, 1, 1, 0], losses.CrossEntropy())[1])
    assert layer._seen
    np.testing.assert_array_equal(found[0].flat, found[1].flat)


def test_a_value_is_recomputed_by_a_method_of_either_name():
    class Own(layers.Sigmoid):
        saves = frozenset({"x"})

        def backward(self, b):
            return [] if b.dx is None else [lambda: np.copyto(b.dx, b.dy * np.cos(b.x))]

        def forward(self, b):
            return [lambda: np.sin(b.x, b.y)]

    class Now(Own):
        def recompute(self, b):
            return self.forward(b)

    class Before(Own):
        def again(self, b):
            return self.forward(b)

    found = []
    for kind in (Own, Now, Before):
        model = sequential(layers.Linear(4), kind(), layers.Linear(4), layers.Sigmoid(), layers.Linear(2))
        network = Network(model, (3,), seed=0, recompute=True)
        lines = [line.step for line in network.plan(4, training=True).lines]
        assert ("own1 again" in lines or "sigmoid1 again" in lines) == (kind is not Own)
        found.append(network.gradients(np.ones((4, 3), "float32"), [0, 1, 1, 0], losses.CrossEntropy())[1])
    np.testing.assert_array_equal(found[1].flat, found[0].flat)
    np.testing.assert_array_equal(found[2].flat, found[0].flat)
