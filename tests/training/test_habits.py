"""What people write from habit to train and to evaluate: it works, or the error says what to write, and that works."""

import functools
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv import MSE, SGD, Adam, CrossEntropy, Network, evaluate, fit, layers, losses, sequential, train_step
from fastconv.data import Dataset, Split

X = np.random.default_rng(0).random((12, 1, 4, 4)).astype("float32")
Y = np.arange(12) % 3
TRAIN, TEST = Split(X[:8], Y[:8]), Split(X[8:], Y[8:])
DATA = Dataset(TRAIN, TEST, Path())
quiet_fit = functools.partial(fit, progress=False)


def network():
    return Network(sequential(layers.Flatten(), layers.Linear(3)), (1, 4, 4), seed=0)


def bits(net):
    return net.parameters.flat.tobytes()


# What works.


@pytest.mark.parametrize("pair", [TRAIN, tuple(TRAIN), list(TRAIN)], ids=["split", "tuple", "list"])
def test_a_pair_stands_for_images_and_labels(pair):
    a, b = network(), network()
    quiet_fit(a, pair, epochs=2, seed=0, validation=pair)
    quiet_fit(b, *pair, epochs=2, seed=0, validation=tuple(pair))
    assert bits(a) == bits(b)
    assert evaluate(a, pair) == evaluate(b, *pair)
    assert train_step(a, pair, optimizer=SGD(0.1)) == train_step(b, *pair, SGD(0.1))
    assert bits(a) == bits(b)
    assert evaluate(a.freeze(), pair) == evaluate(b.freeze(), *pair)


def test_a_step_without_an_optimizer_is_that_of_fit():
    a, b = network(), network()
    train_step(a, TRAIN)
    train_step(b, TRAIN, optimizer=SGD(0.1))
    assert bits(a) == bits(b)


class Tensor:
    """What NumPy sees of the arrays of other libraries."""

    def __init__(self, held):
        self.held, self.shape, self.ndim = held, held.shape, held.ndim

    def __len__(self):
        return len(self.held)

    def __getitem__(self, key):
        return Tensor(self.held[key])

    def __array__(self, dtype=None, copy=None):
        return self.held


def test_arrays_of_other_libraries():
    a, b = network(), network()
    quiet_fit(a, Tensor(X), Tensor(Y), seed=0, validation=(Tensor(X), Tensor(Y)))
    quiet_fit(b, X, Y, seed=0, validation=(X, Y))
    assert bits(a) == bits(b)
    assert evaluate(a, (Tensor(X), Tensor(Y))) == evaluate(b, X, Y)
    with pytest.raises(ValueError, match="give the images first, then the labels"):
        quiet_fit(a, Tensor(Y), Tensor(X))
    with pytest.raises(TypeError, match=r"got float64; write numpy.asarray\(images\).astype\('float32'\)$"):
        quiet_fit(a, Tensor(X.astype("float64")), Y)


# What says what to write.

NAMES = vars(fastconv) | {
    **{"numpy": np, "images": X, "labels": Y, "train": TRAIN, "test": TEST, "data": DATA, "pair": TRAIN, "n": 3},
    **{"optimizer": SGD(0.1), "loss": MSE("mean"), "validation": TEST},
}


def followed(error):
    """Runs the line that the error says to write."""
    code = str(error).rpartition("write ")[2].replace("epochs=10", "epochs=1, progress=False")
    return eval(code, NAMES | {"network": network()})


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda net: fit(net, DATA), r"got a Dataset; write fit\(network, data.train, epochs=10, batch_size=50\)$"),
        (lambda net: evaluate(net, DATA), r"got a Dataset; write evaluate\(network, data.test\)$"),
        (
            lambda net: train_step(net, DATA),
            r"a Dataset; write train_step\(network, data.train, optimizer=optimizer\)$",
        ),
        (
            lambda net: fit(net, TRAIN, TEST),
            r"^labels .* got a second pair; write fit\(network, train, validation=test\)$",
        ),
        (lambda net: fit(X, Y), r"^network .* got a ndarray; the network comes first: write fit\(network, images, lab"),
        (lambda net: evaluate(X, Y), r"the network comes first: write evaluate\(network, images, labels\)$"),
        (lambda net: fit(net, X, Y, 10, 32), r"images, labels by position, got also 10, 32; write fit\(network, ima"),
        (lambda net: fit(net, X, Y, 1, 5, SGD(0.1), MSE()), r"got also 1, 5, SGD\(.*; write fit\(network, images, la"),
        (lambda net: fit(net), r"^fit needs images; write fit\(network, images"),
        (
            lambda net: fit(net, X, SGD(0.1)),
            r"^labels must be an array, got the optimizer SGD\(.*optimizer=optimizer\)$",
        ),
        (lambda net: train_step(net, TRAIN, SGD(0.1)), r"train_step\(network, \*pair, optimizer=optimizer\)$"),
        (lambda net: train_step(net, SGD(0.1), X, Y), r"^images must be an array, got the optimizer SGD\(.*; write"),
        (lambda net: train_step(net, X, CrossEntropy(), SGD(0.1)), r"^labels must be an array, got the loss Cross"),
        (lambda net: evaluate(net, TEST, MSE()), r"the loss MSE.*; write evaluate\(network, \*pair, loss=loss\)$"),
        (lambda net: train_step(), r"write train_step\(network, images, labels, optimizer=optimizer\)$"),
    ],
)
def test_arguments_in_another_order(call, says):
    net = network()
    before = bits(net)
    with pytest.raises(TypeError, match=says) as caught:
        call(net)
    assert bits(net) == before
    followed(caught.value)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"lr": 0.1}, r"^fit takes no lr, got lr=0.1; write optimizer=fastconv.SGD\(lr=0.1\)$"),
        ({"learning_rate": 0.2}, r"write optimizer=fastconv.SGD\(lr=0.2\)$"),
        ({"momentum": 0.9}, r"write optimizer=fastconv.SGD\(lr=0.1, momentum=0.9\)$"),
        ({"n_epochs": 3}, r"got n_epochs=3; write epochs=3$"),
        ({"epoch": 3}, r"got epoch=3; write epochs=3$"),
        ({"bs": 3}, r"write batch_size=3$"),
        ({"batchsize": 3}, r"write batch_size=3$"),
        ({"random_state": 1}, r"write seed=1$"),
        ({"criterion": MSE("mean")}, r"write loss=MSE\(reduction='mean'\)$"),
        ({"verbose": 0}, "write progress=True or progress=False$"),
        ({"callback": []}, r"write callbacks=\[\]$"),
        ({"patience": 3}, r"write callbacks=\[fastconv.callbacks.EarlyStopping\(patience=3\)\]$"),
        ({"validation_data": (X, Y)}, r"got validation_data=\.\.\.; .* here: write validation=validation_data$"),
        ({"validation_split": 0.1}, r"write validation=0.1$"),
        ({"shuffle": True}, "fit shuffles the images in each epoch"),
        ({"device": "cuda"}, "networks run on the processor, so leave it out$"),
        ({"n_jobs": 2}, r"write fastconv.set_num_threads\(2\) before it$"),
        ({"scheduler": len}, r"; it is called schedule here: write schedule=scheduler$"),
        ({"freeze": ["conv1"]}, r'write network.set_trainable\("layer1.\*", False\) before it'),
        ({"batch_size": None}, "^batch_size must be an integer, got None; leave it out for 50$"),
        ({"epochs": None}, "^epochs must be an integer, got None; leave it out for 1$"),
        ({"nonsense": 1}, "it takes network, images, labels, epochs, batch_size, optimizer, loss, seed, validation"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_options_by_other_names(named, says):
    net = network()
    before = bits(net)
    with pytest.raises(TypeError, match=says):
        quiet_fit(net, X, Y, **named)
    assert bits(net) == before


def test_images_and_labels_by_other_names():
    with pytest.raises(
        TypeError, match=r"^fit takes no x, .*; .* here: write images=x; takes no y, .*; .* here: write labels=y$"
    ):
        fit(network(), x=X, y=Y)
    with pytest.raises(TypeError, match=r"^evaluate takes no batch_size, .*batches of its own: leave it out$"):
        evaluate(network(), X, Y, batch_size=3)
    with pytest.raises(TypeError, match=r"fit\(network, images, labels, epochs=3\)$"):
        train_step(network(), X, Y, SGD(0.1), epochs=3)


def test_a_type_error_from_inside_is_left_as_it_is():
    def on_epoch(epoch):
        raise TypeError("of my own")

    with pytest.raises(TypeError, match=r"^of my own$"):
        quiet_fit(network(), X, Y, on_epoch=on_epoch)


def test_signatures_are_those_of_the_functions():
    parameters = inspect.signature(fit).parameters
    assert [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == [
        "network",
        "images",
        "labels",
    ]
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for function in (fit, train_step, evaluate):
        described = inspect.getdoc(function).partition("Returns\n")[0]
        for name in inspect.signature(function).parameters:
            assert f"\n{name} : " in described, name


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            "model.npz",
            r"got 'model.npz'; make one of a model, .*, and load the weights of a file .*network.load\(path\)$",
        ),
        (Path("model.npz"), r"load the weights of a file into it, network.load\(path\)$"),
        (Network, r"got the class Network; make one of a model: Network\(model, input_shape\)$"),
        (layers.ReLU, r"got the class ReLU; write Network\(ReLU\(...\), input_shape\)$"),
        (layers.Linear(3), r"make one of a model: Network\(model, input_shape\)$"),
    ],
    ids=["text", "path", "Network", "class", "layer"],
)
def test_what_is_no_network(given, says):
    for run in (fit, train_step, evaluate):
        with pytest.raises(TypeError, match=rf"^network must be a Network.*{says}"):
            run(given, X, Y)


@pytest.mark.parametrize(
    ("optimizer", "says"),
    [
        (0.1, r"got 0.1; write optimizer=fastconv.SGD\(lr=0.1\)$"),
        (MSE("mean"), r"got the loss MSE\(.*; write optimizer=fastconv.SGD\(lr=0.1\), loss=MSE\(reduction='mean'\)$"),
    ],
)
def test_what_is_no_optimizer(optimizer, says):
    with pytest.raises(TypeError, match=says):
        quiet_fit(network(), X, Y, optimizer=optimizer)


def test_an_optimizer_is_no_loss():
    for optimizer in (SGD(0.1), Adam()):
        with pytest.raises(
            TypeError, match=r"^loss must be a loss object, got the optimizer .*; write loss=fastconv.Cr"
        ):
            quiet_fit(network(), X, Y, loss=optimizer)


class Half:
    """A loss without its last method."""

    def prepare(self, targets, y_shape, dtype):
        return targets

    def target_array(self, y_shape, dtype):
        return y_shape, dtype


@pytest.mark.parametrize(("loss", "says"), [(Half(), "which has no bind; "), (lambda y, t: 0, "write loss=fastconv.")])
def test_a_loss_of_your_own_is_told_what_it_needs(loss, says):
    with pytest.raises(TypeError, match=rf"{says}.*a loss of your own has the methods prepare, target_array and bind"):
        quiet_fit(network(), X, Y, loss=loss)
    assert "bind(y, targets, value, dy)" in losses.__doc__


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ([(x, y) for x, y in zip(X, Y, strict=True)], "got a list of pairs"),
        (zip(X, Y, strict=True), "got a zip; if it gives pairs of image and label"),
    ],
    ids=["list", "zip"],
)
def test_pairs_of_image_and_label(images, says):
    with pytest.raises(
        TypeError, match=rf"{says}.* write images, labels = map\(numpy.array, zip\(\*images\)\)$"
    ) as caught:
        quiet_fit(network(), images)
    names = {"numpy": np, "images": zip(X, Y, strict=True)}
    exec(str(caught.value).rpartition("write ")[2], names)
    a, b = network(), network()
    quiet_fit(a, names["images"], names["labels"], seed=0)
    quiet_fit(b, X, Y, seed=0)
    assert bits(a) == bits(b)


class Loader:
    """Batches of images and labels, one after another."""

    def __iter__(self):
        return iter([(X[:6], Y[:6]), (X[6:], Y[6:])])

    def __len__(self):
        return 2


def test_a_loader_of_batches():
    with pytest.raises(TypeError, match=r"got a Loader; if it gives batches, write for images, labels in") as caught:
        quiet_fit(network(), Loader())
    net = network()
    before = bits(net)
    code = str(caught.value).rpartition("write ")[2]
    exec(code, {"network": net, "images": Loader(), "optimizer": SGD(0.1), "train_step": train_step})
    assert bits(net) != before


def test_labels_with_their_axes_in_another_order():
    with pytest.raises(ValueError, match=r"as many as images, got shapes \(3, 12\) and .*; write labels.T$"):
        quiet_fit(network(), X, np.eye(3, dtype="float32")[Y].T, loss=MSE("mean"))
    quiet_fit(network(), X, np.eye(3, dtype="float32")[Y].T.T, loss=MSE("mean"))


def test_vectors_of_more_classes_than_the_network_has():
    with pytest.raises(TypeError, match=r"; these are vectors of 4 classes, which need an output of 4$"):
        quiet_fit(network(), X, np.eye(4)[Y])


@pytest.mark.parametrize("labels", ["cats", b"0101", {1: 2}])
def test_one_thing_in_place_of_labels(labels):
    with pytest.raises(TypeError, match=r"^labels must be an array or a list, as many as images, got a "):
        quiet_fit(network(), X, labels)


def test_a_data_set_is_no_validation():
    with pytest.raises(TypeError, match=r"got a Dataset; write validation=data.test$"):
        quiet_fit(network(), TRAIN, validation=DATA)


# Pixels.


def test_images_up_to_255_are_trained_with_a_warning_that_points_at_the_caller():
    with pytest.warns(
        UserWarning, match=r"^images reach 2\d\d.*: .* from 0 to 1; write images / 255, here and"
    ) as caught:
        quiet_fit(network(), X * 255, Y, epochs=3)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "images",
    [X, X * 16, X * 80, (X * 139).round(), X * 255 - 100, X * 1000],
    ids=["shares", "sixteen", "depth", "counts", "negative", "large"],
)
def test_other_images_are_trained_without_a_warning(images):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet_fit(network(), images, Y, optimizer=SGD(1e-6))


def test_a_network_that_begins_with_batch_norm_takes_pixels_as_they_are():
    net = Network(sequential(layers.BatchNorm(), layers.Flatten(), layers.Linear(3)), (1, 4, 4), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet_fit(net, X * 255, Y)


def test_of_vectors_only_whole_numbers_are_pixels():
    net, rows = Network(layers.Linear(3), (16,), seed=0), (X * 255).reshape(12, 16)
    with pytest.warns(UserWarning, match="write images / 255"):
        quiet_fit(net, rows.round(), Y, optimizer=SGD(1e-6))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet_fit(net, rows, Y, optimizer=SGD(1e-6))


def test_targets_that_are_pixels_are_warned_of_too():
    net = Network(layers.Conv2D(1, 1), (1, 4, 4), seed=0)
    run = functools.partial(quiet_fit, net, X, loss=MSE("mean"), optimizer=SGD(1e-6))
    with pytest.warns(UserWarning, match=r"^labels reach 2\d\d: .*; write labels / 255$"):
        run((X * 255).astype("uint8"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(X * 255)  # depths, say
        quiet_fit(Network(layers.Linear(3), (4,)), X[:, 0, 0], np.full((12, 3), 200), loss=MSE("mean"))
        quiet_fit(Network(layers.Conv2D(99, 1), (1, 4, 4)), X, np.full((12, 4, 4), 98))


# The size of the squared error.


def test_half_the_sum_of_many_squares_is_told_before_the_first_epoch(capsys):
    net = Network(sequential(layers.Flatten(), layers.Linear(200)), (1, 4, 4), seed=0)
    targets = np.zeros((12, 200), "float32")
    fit(net, X, targets, epochs=2, loss=MSE(), optimizer=SGD(1e-4))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "MSE() is half the sum over 200 values per image: 100 times MSE('mean')"
    assert len(lines) == 3
    fit(net, X, targets, epochs=2, loss=MSE("mean"))
    fit(network(), X, Y, epochs=2, loss=MSE())
    assert all(line.startswith("epoch ") for line in capsys.readouterr().err.splitlines())
    quiet_fit(net, X, targets, loss=MSE(), optimizer=SGD(1e-4))
    assert capsys.readouterr().err == ""
