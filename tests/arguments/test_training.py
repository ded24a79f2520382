"""What people give as a loss, an optimizer or a callback: each error says what to write, and that works."""

from functools import partial

import numpy as np
import pytest

import fastconv
from fastconv import layers, losses
from fastconv.graph import sequential
from fastconv.network import Network
from fastconv.training import evaluate, fit, train_step

X, LABELS = np.ones((6, 4), "float32"), np.arange(6) % 3


def network():
    return Network(layers.Linear(3), (4,), seed=0)


def with_loss(entry, net, loss):
    if entry in ("gradients", "profile"):
        return getattr(net, entry)(X, LABELS, loss)
    if entry == "train_step":
        return train_step(net, X, LABELS, fastconv.SGD(0.1), loss)
    if entry == "evaluate":
        return evaluate(net, X, LABELS, loss)
    return fit(net, X, LABELS, loss=loss, progress=False)


def written(error, mark):
    """The object that the error says to write."""
    return eval(str(error).split(mark)[1].split(" or ")[0], vars(fastconv) | {"fastconv": fastconv})


@pytest.mark.parametrize("entry", ["fit", "train_step", "evaluate", "gradients", "profile"])
@pytest.mark.parametrize(
    ("loss", "right"),
    [
        (losses.CrossEntropy, losses.CrossEntropy()),
        (losses.MSE, losses.MSE("mean")),
        ("cross_entropy", losses.CrossEntropy()),
        ("Sparse_Categorical_CrossEntropy", losses.CrossEntropy()),
        ("mse", losses.MSE("mean")),
        ("mean_squared_error", losses.MSE("mean")),
        ("hinge", losses.CrossEntropy()),
        ("mae", losses.L1()),
        (fastconv.l1_loss, losses.L1()),
        ("SmoothL1Loss", losses.Huber()),
        (losses.Huber, losses.Huber()),
        ("NLLLoss", losses.NLL()),
        (fastconv.cross_entropy, losses.CrossEntropy()),
        (fastconv.mse_loss, losses.MSE("mean")),
        (lambda y, t: 0, losses.CrossEntropy()),
    ],
)
def test_names_classes_and_functions_in_place_of_a_loss(entry, loss, right):
    net = network()
    before = net.parameters.flat.tobytes()
    with pytest.raises(TypeError, match="loss must be a loss object, got ") as caught:
        with_loss(entry, net, loss)
    assert net.parameters.flat.tobytes() == before
    assert written(caught.value, "write loss=") == right
    with_loss(entry, net, right)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ("l1", r"got 'l1'; write loss=fastconv.losses.L1\(\)$"),
        (fastconv.cross_entropy, r"got the function cross_entropy; write loss=fastconv.CrossEntropy\(\)$"),
        (
            lambda y, t: 0,
            r"got the function <lambda>; write loss=fastconv.CrossEntropy\(\) or fastconv.MSE\('mean'\); a",
        ),
        (losses.MSE, r"got the class MSE; write loss=fastconv.MSE\('mean'\)$"),
        ("mse", r"got 'mse'; write loss=fastconv.MSE\('mean'\)$"),
        (type("MSE", (losses.MSE,), {}), r"got the class MSE; write loss=MSE\(\)$"),
    ],
    ids=["l1", "function", "lambda", "class", "name", "own"],
)
def test_a_loss_is_shown_as_people_wrote_it(loss, says):
    with pytest.raises(TypeError, match=rf"^loss must be a loss object, {says}"):
        fit(network(), X, LABELS, loss=loss, progress=False)


def test_an_optimizer_that_is_a_class_is_called_one():
    with pytest.raises(TypeError, match=r", got the class Adam; write optimizer=fastconv.Adam\(\)$"):
        fit(network(), X, LABELS, optimizer=fastconv.Adam, progress=False)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (
            {},
            r"^gradients needs loss; write loss, gradients = network.gradients\(x, labels, fastconv.CrossEntropy\(",
        ),
        ({"criterion": losses.MSE("mean")}, r"^gradients takes no criterion, .*; write loss=MSE\(reduction='mean'\)$"),
        ({"loss": losses.MSE(), "train": False}, r"^gradients takes no train, got train=False; write training=False$"),
        ({"loss": losses.MSE(), "wrt": "x"}, r"; .* with inputs=True that of the images as well$"),
    ],
)
def test_gradients_as_other_libraries_call_them(named, says):
    with pytest.raises(TypeError, match=says):
        network().gradients(X, LABELS, **named)


@pytest.mark.parametrize("word", ["weights", "class_weight"])
def test_weights_of_classes_as_other_libraries_call_them(word):
    with pytest.raises(TypeError, match=rf"takes no {word}, .*; write weight=\[1, 2, 3\]$"):
        losses.CrossEntropy(**{word: [1, 2, 3]})


@pytest.mark.parametrize("loss", [0, losses, object()])
def test_what_is_no_loss_at_all(loss):
    with pytest.raises(TypeError, match=r"such as fastconv.CrossEntropy\(\), got .*, which has no prepare"):
        fit(network(), X, LABELS, loss=loss, progress=False)


class Unhashable(losses.CrossEntropy):
    __hash__ = None


def test_a_loss_that_cannot_be_hashed():
    with pytest.raises(TypeError, match="loss must be hashable"):
        fit(network(), X, LABELS, loss=Unhashable(), progress=False)


@pytest.mark.parametrize(
    ("optimizer", "right"),
    [
        ("adam", fastconv.Adam),
        ("Adam", fastconv.Adam),
        ("SGD", fastconv.SGD),
        ("rmsprop", fastconv.RMSprop),
        ("AdamW", fastconv.AdamW),
        ("lbfgs", fastconv.SGD),
        (fastconv.SGD, fastconv.SGD),
        (fastconv.Adam, fastconv.Adam),
    ],
)
@pytest.mark.parametrize("lean", [False, True])
def test_names_and_classes_in_place_of_an_optimizer(optimizer, right, lean):
    net = network()
    for run in (partial(fit, progress=False), train_step):
        with pytest.raises(TypeError, match="optimizer must be an object with step") as caught:
            run(net, X, LABELS, optimizer=optimizer, lean=lean)
        found = written(caught.value, "write optimizer=")
        assert type(found) is right
        run(net, X, LABELS, optimizer=found, lean=lean)


@pytest.mark.parametrize("optimizer", [0.1, {}, object(), lambda: None, [fastconv.SGD(0.1)]])
def test_what_is_no_optimizer_at_all(optimizer):
    with pytest.raises(TypeError, match=r"such as fastconv.SGD\(lr=0.1\), got"):
        fit(network(), X, LABELS, optimizer=optimizer, progress=False)


def elsewhere(name, step):
    """An optimizer of another library: a class of this name."""
    return type(name, (), {"step": step, "__init__": lambda self: None})()


@pytest.mark.parametrize(
    ("optimizer", "right"),
    [
        (elsewhere("Adam", lambda self, closure=None: None), r"fastconv\.Adam\(\)$"),
        (elsewhere("SGD", lambda self: None), r"fastconv\.SGD\(lr=0\.1\)$"),
        (elsewhere("Lion", lambda self, *, closure: None), r"fastconv\.SGD\(lr=0\.1\) or fastconv\.Adam\(\) or "),
    ],
    ids=["closure", "nothing", "keywords"],
)
@pytest.mark.parametrize("run", [fit, train_step])
def test_an_optimizer_whose_step_takes_other_things_is_refused_before_the_step(run, optimizer, right):
    net = Network(sequential(layers.Linear(3), layers.BatchNorm()), (4,), seed=0)
    before = [array.tobytes() for array in net.arrays().values()]
    with pytest.raises(TypeError, match=rf"step does not take these \(.*; write optimizer={right}"):
        run(net, X, LABELS, optimizer=optimizer)
    assert [array.tobytes() for array in net.arrays().values()] == before


class Loose:
    """Steps of your own may take more than they need."""

    step = staticmethod(lambda *given: given[0].flat.__isub__(0.1 * given[1].flat))


class Partial:
    def __init__(self):
        self.step = partial(fastconv.SGD(0.1).step)


class Keywords:
    def step(self, parameters, gradients, scale=1.0, **more):
        fastconv.SGD(0.1 * scale).step(parameters, gradients)


@pytest.mark.parametrize("kind", [Loose, Partial, Keywords])
def test_a_step_of_your_own_may_be_of_any_kind(kind):
    a, b = network(), network()
    train_step(a, X, LABELS, kind())
    train_step(b, X, LABELS, fastconv.SGD(0.1))
    np.testing.assert_allclose(a.parameters.flat, b.parameters.flat, rtol=1e-6)


class OwnLoss:
    """Half the sum of squares by duck typing; targets are class indices, which it makes vectors itself."""

    def prepare(self, targets, y_shape, dtype):
        assert isinstance(targets, np.ndarray)
        return np.eye(y_shape[1], dtype=dtype)[targets]

    def target_array(self, y_shape, dtype):
        return y_shape, dtype

    def bind(self, y, targets, value, dy):
        return losses.MSE().bind(y, targets, value, dy)


class OwnOptimizer:
    def step(self, parameters, gradients):
        for name, array in parameters.items():
            array -= 0.1 * gradients[name]


def test_losses_and_optimizers_of_your_own_by_their_methods():
    a, b = network(), network()
    quiet = partial(fit, epochs=3, batch_size=4, seed=0, progress=False)
    own = quiet(a, X, LABELS.tolist(), optimizer=OwnOptimizer(), loss=OwnLoss(), validation=[X, LABELS])
    ours = quiet(b, X, LABELS, optimizer=fastconv.SGD(0.1), loss=losses.MSE(), validation=(X, LABELS))
    np.testing.assert_allclose(a.parameters.flat, b.parameters.flat, rtol=1e-6)
    for one, other in zip(own, ours, strict=True):
        np.testing.assert_allclose(one[:5], other[:5], rtol=1e-6)
    assert evaluate(a, X, LABELS, OwnLoss())[1] is not None


def linear(x):
    return layers.Linear(3)(x)


@pytest.mark.parametrize("given", [linear, layers.Linear, layers.Linear(3), Network, "resnet18", None])
def test_what_is_no_network(given):
    for run in (fit, evaluate, partial(train_step, optimizer=fastconv.SGD(0.1))):
        with pytest.raises(TypeError, match=r"network must be a Network, .*got "):
            run(given, X, LABELS)


def test_a_frozen_network_is_evaluated_but_not_trained():
    net = network()
    frozen = net.freeze()
    assert evaluate(frozen, X, LABELS)[0] == pytest.approx(evaluate(net, X, LABELS)[0], rel=1e-5)
    for run in (fit, partial(train_step, optimizer=fastconv.SGD(0.1))):
        with pytest.raises(TypeError, match="got a frozen network: train the network it was made from"):
            run(frozen, X, LABELS)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "BCEWithLogitsLoss", losses.BCEWithLogits])
def test_a_binary_loss_is_known_by_its_other_names(loss):
    with pytest.raises(TypeError, match=r"write loss=fastconv.losses.BCEWithLogits\(\)$"):
        fit(network(), X, LABELS % 2, loss=loss, progress=False)


@pytest.mark.parametrize("seed", ["a", 1.5, -1], ids=str)
def test_a_seed_that_is_none_is_refused_by_its_name(seed):
    says = f"seed must be an integer >= 0 or None, got {seed!r}"
    with pytest.raises((TypeError, ValueError), match=says):
        Network(layers.Linear(3), (4,), seed=seed)
    with pytest.raises((TypeError, ValueError), match=says):
        fit(network(), X, LABELS, seed=seed, progress=False)


def test_an_array_in_place_of_a_number_is_told_by_its_shape():
    for call in (network().freeze, fastconv.Dropout, lambda x: layers.Linear(3, init=x), layers.Conv2D):
        with pytest.raises((TypeError, ValueError), match=r"got an array of shape \(6, 4\)$"):
            call(X) if call is not layers.Conv2D else call(8, 3, bias=X)


def test_what_other_libraries_take_more_of_or_differently():
    with pytest.raises(TypeError, match=r"sizes of the input are not given, .*; write Linear\(10\)"):
        layers.Linear(784, 10)
    net = network()
    result = net.gradients(X, LABELS, losses.CrossEntropy())
    for call in (lambda: fastconv.clip_gradients(result, 1), lambda: fastconv.SGD(0.1).step(net.parameters, result)):
        with pytest.raises(TypeError, match=r"got tuple; network.gradients returns \(loss, gradients\)"):
            call()
