"""What callbacks are told, in which order, and what an interrupt or an error leaves."""

import os
import signal

import numpy as np
import pytest

import fastconv
from fastconv.callbacks import Callback, CSVLog, EarlyStopping, WeightAverage
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Flatten, Linear
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import evaluate, fit, train_step

X = np.random.default_rng(0).standard_normal((20, 1, 3, 3)).astype("float32")
LABELS = np.arange(20) % 2


def network():
    return Network(sequential(Flatten(), BatchNorm(), Linear(2)), (1, 3, 3), seed=0)


class Diary(Callback):
    """Writes down what it is told."""

    def __init__(self, name="", entries=None, last=False):
        self.name, self.entries, self.last = name, [] if entries is None else entries, last

    def __getattribute__(self, name):
        if name.startswith(("on_", "before_", "after_")):
            return lambda run: self.note(name, run)
        return super().__getattribute__(name)

    def note(self, event, run):
        self.entries.append((self.name + event, run.epoch, run.step))


def test_the_order_of_events():
    diary = Diary()
    fit(network(), X, LABELS, batch_size=10, epochs=2, validation=(X, LABELS), callbacks=[diary], progress=False)
    events = ["on_step", "on_step", "before_validation", "after_validation", "on_epoch"]
    assert [entry[0] for entry in diary.entries] == ["on_begin", *events, *events, "on_end"]
    assert [entry[1:] for entry in diary.entries if entry[0] == "on_step"] == [(1, 1), (1, 2), (2, 3), (2, 4)]


def test_callbacks_come_in_their_order_and_the_last_ones_last():
    entries = []
    three = [Diary("c", entries, last=True), Diary("a", entries), Diary("b", entries)]
    fit(network(), X, LABELS, callbacks=three, progress=False)
    assert [entry[0] for entry in entries if "on_epoch" in entry[0]] == ["aon_epoch", "bon_epoch", "con_epoch"]


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run):
        run.stop = run.step == self.step


@pytest.mark.parametrize(("step", "epochs"), [(1, 0), (2, 1), (3, 1), (4, 2)])
def test_a_callback_may_stop_after_any_step(step, epochs):
    net, optimizer = network(), SGD(0.1)
    history = fit(
        net, X, LABELS, batch_size=10, epochs=5, optimizer=optimizer, callbacks=[StopAt(step)], progress=False
    )
    assert len(history) == epochs
    assert optimizer.state()["steps"]["linear1.weight"] == step


class Interrupting(Callback):
    """A real Ctrl-C in the middle of a step: `at` counts batches."""

    def __init__(self, at):
        self.at, self.batches = at, 0

    def on_interrupt(self, run):
        self.state_then = run.state()


def interrupt(net, at):
    """Let the network send SIGINT to this process in its step number `at`."""
    step, count = net.train_batch, iter(range(1, 1000))

    def train_batch(*arguments):
        found = step(*arguments)
        if next(count) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return found

    vars(net)["train_batch"] = train_batch


@pytest.mark.parametrize(
    ("accumulate", "at", "batch"), [(1, 1, 1), (1, 3, 3), (3, 3, 3), (3, 4, 3), (3, 5, 3), (2, 1, 0)]
)
def test_an_interrupt_leaves_the_network_as_after_an_update(accumulate, at, batch):
    """The same bits, also of running statistics, as a training that was stopped there by a callback."""
    net, other, told = network(), network(), Interrupting(at)
    interrupt(net, at)
    with pytest.raises(KeyboardInterrupt):
        fit(net, X, LABELS, batch_size=2, seed=1, accumulate=accumulate, callbacks=[told], progress=False)
    assert told.state_then["batch"] == batch
    if batch:
        stop = StopAt(batch // accumulate)
        fit(other, X, LABELS, batch_size=2, seed=1, accumulate=accumulate, callbacks=[stop], progress=False)
    for name, array in net.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name], err_msg=name)


def test_an_error_still_ends_the_validation_and_the_training():
    diary = Diary()

    def broken(y, classes):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(network(), X, LABELS, validation=(X, LABELS), metrics={"x": broken}, callbacks=[diary], progress=False)
    assert [entry[0] for entry in diary.entries[-2:]] == ["after_validation", "on_end"]


def test_a_validation_is_that_of_evaluate():
    net = network()
    (epoch,) = fit(net, X, LABELS, validation=(X, LABELS), progress=False)
    assert (epoch.validation_loss, epoch.validation_accuracy) == evaluate(net, X, LABELS)
    assert epoch.lr == 0.1


@pytest.mark.parametrize(
    ("callbacks", "says"),
    [
        ([print], "each callback must have the methods of fastconv.callbacks.Callback"),
        (print, "callbacks must be a list of callbacks, .*; a function that takes an Epoch is on_epoch=function"),
        (Callback, r"got the class Callback; write Callback\(\)"),
        ([Callback], r"got the class Callback; write Callback\(\)"),
        (3, "callbacks must be a list"),
        (None, "callbacks must be a list"),
    ],
)
def test_what_is_no_callback(callbacks, says):
    with pytest.raises(TypeError, match=says):
        fit(network(), X, LABELS, callbacks=callbacks, progress=False)


def test_one_callback_needs_no_list():
    diary = Diary()
    fit(network(), X, LABELS, callbacks=diary, progress=False)
    assert diary.entries[0][0] == "on_begin"


@pytest.mark.parametrize("metrics", [["top5"], print, {"x": 1}, {1: print}])
def test_what_are_no_metrics(metrics):
    with pytest.raises(TypeError, match="metrics must be"):
        fit(network(), X, LABELS, metrics=metrics, progress=False)


@pytest.mark.parametrize("event", ["on_interrupt", "on_end"])
def test_a_callback_that_raises_at_the_end_keeps_no_other_from_ending(event):
    from fastconv.callbacks import Callback

    told = []

    class Raises(Callback):
        def on_step(self, run):
            raise KeyboardInterrupt

    def boom(run):
        raise ValueError("boom")

    first, second = Raises(), Callback()
    setattr(first, event, boom)
    setattr(second, event, lambda run: told.append(event))
    network = fastconv.Network(fastconv.layers.Linear(2), (4,), seed=0)
    x = np.eye(4, dtype="float32")
    with pytest.raises(ValueError, match="boom"):
        fastconv.fit(network, x, [0, 1, 0, 1], epochs=1, batch_size=2, progress=False, callbacks=[first, second])
    assert told == [event]


def test_callbacks_see_the_images_of_an_epoch_and_the_loss_of_each_batch():
    class Losses(Callback):
        def __init__(self):
            self.seen = []

        def on_step(self, run):
            assert run.images == 20
            self.seen.append(run.step_loss)

    losses, other, optimizer = Losses(), network(), SGD(0.1)
    fit(network(), X, LABELS, batch_size=10, seed=2, callbacks=[losses], progress=False)
    order = np.random.default_rng(2).permutation(20)
    assert losses.seen == [train_step(other, X[part], LABELS[part], optimizer) for part in (order[:10], order[10:])]


class Breaking(Callback):
    """Raises after the last epoch, or stops in its last step with a NaN that the epoch then finds."""

    def __init__(self, error):
        self.error = error

    def on_step(self, run):
        if self.error is FloatingPointError and run.step == 4:
            run.stop = True
            run.network.parameters["linear1.bias"][0] = np.nan

    def on_epoch(self, run):
        self.weights = run.network.parameters.flat.copy()
        if run.epoch == 2:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, FloatingPointError])
def test_after_an_error_in_the_last_epoch_the_network_keeps_its_own_weights(error):
    net, breaking = network(), Breaking(error)
    callbacks = [WeightAverage(0.9), EarlyStopping(monitor="loss"), breaking]
    with pytest.raises(error):
        fit(net, X, LABELS, batch_size=10, epochs=2, optimizer=SGD(5.0), callbacks=callbacks, progress=False)
    np.testing.assert_array_equal(net.parameters.flat, breaking.weights)


def test_two_means_of_the_weights_are_those_of_two_trainings():
    def trained(*callbacks):
        net, options = network(), {"batch_size": 10, "epochs": 3, "seed": 0, "validation": (X, LABELS)}
        fit(net, X, LABELS, **options, callbacks=callbacks, progress=False)
        return net

    pair, singles = (WeightAverage(0.5), WeightAverage(0.9)), (WeightAverage(0.5), WeightAverage(0.9))
    both = trained(*pair)
    for one, single in zip(pair, singles, strict=True):
        trained(single)
        np.testing.assert_array_equal(one.weights.flat, single.weights.flat)
    np.testing.assert_array_equal(both.parameters.flat, pair[1].weights.flat)


def test_a_callback_is_given_once():
    average = WeightAverage()
    with pytest.raises(ValueError, match=r"callbacks must be different objects, got WeightAverage\(.*\) twice"):
        fit(network(), X, LABELS, callbacks=[average, average], progress=False)


@pytest.mark.parametrize("how", ["a signal", "an error"])
def test_an_interrupt_while_the_weights_are_exchanged_undoes_it(how):
    class Interrupting(Callback):
        def before_validation(self, run):
            if how == "an error":
                raise ZeroDivisionError
            os.kill(os.getpid(), signal.SIGINT)

        def on_step(self, run):
            self.weights = run.network.parameters.flat.copy()

    net, interrupting = network(), Interrupting()
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        fit(net, X, LABELS, validation=(X, LABELS), callbacks=[WeightAverage(0.9), interrupting], progress=False)
    np.testing.assert_array_equal(net.parameters.flat, interrupting.weights)


def test_callbacks_know_how_many_images_an_epoch_has(tmp_path):
    path = tmp_path / "log.csv"
    fit(network(), X, LABELS, batch_size=8, drop_last=True, callbacks=[CSVLog(path)], progress=False)
    names, values = (line.split(",") for line in path.read_text().splitlines())
    row = dict(zip(names, values, strict=True))
    assert float(row["images_per_second"]) == pytest.approx(16 / float(row["seconds"]))


def test_a_metric_cannot_change_the_labels():
    def careless(y, classes):
        classes[:] = 0
        return 1.0

    labels = LABELS.copy()
    with pytest.raises(ValueError, match="read-only"):
        fit(network(), X, LABELS, validation=(X, labels), metrics={"careless": careless}, progress=False)
    np.testing.assert_array_equal(labels, LABELS)
