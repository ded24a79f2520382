"""Training: order, seeds, batches, what is reported, and what an interrupt leaves."""

import builtins
import functools
import io
import os
import pickle
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastconv import losses
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU
from fastconv.network import Network
from fastconv.optim import SGD, Adam
from fastconv.training import evaluate, fit, progress, train_step
from fastconv.training.epoch import Epoch


def stripes(n, seed=0):
    """Images with a horizontal or a vertical stripe, and which it is."""
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(0, 0.3, (n, 1, 6, 6)).astype("float32"), rng.integers(0, 2, n)
    for image, label in zip(images, labels, strict=True):
        where = rng.integers(6)
        image[(0, where) if label == 0 else (0, slice(None), where)] += 1
    return images, labels


def network(seed=0, dtype="float32"):
    return Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(2)), (1, 6, 6), dtype, seed=seed)


quiet_fit = functools.partial(fit, progress=False)


def test_a_network_learns():
    net = network()
    history = quiet_fit(net, *stripes(300), epochs=12, batch_size=20, seed=0, validation=stripes(100, seed=1))
    assert [epoch.epoch for epoch in history] == list(range(1, 13))
    assert history[-1].loss < 0.3 * history[0].loss
    assert history[-1].accuracy > 0.95
    assert history[-1].validation_accuracy > 0.9
    loss, accuracy = evaluate(net, *stripes(100, seed=1))
    assert (loss, accuracy) == (history[-1].validation_loss, history[-1].validation_accuracy)


def test_steps_are_those_of_gradients_and_step():
    """Every image once per epoch, in batches of 8 and a last one of 4, in the order of the seed."""
    images, labels = stripes(20)
    a, b, optimizer = network(), network(), SGD(0.3, momentum=0.9)
    quiet_fit(a, images, labels, epochs=2, batch_size=8, optimizer=SGD(0.3, momentum=0.9), seed=5)
    rng = np.random.default_rng(5)
    for _ in range(2):
        order = rng.permutation(20)
        for batch in (order[:8], order[8:16], order[16:]):
            _, gradients = b.gradients(images[batch], labels[batch], losses.CrossEntropy())
            optimizer.step(b.parameters, gradients)
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()


def test_loss_and_accuracy_are_means_over_images():
    images, labels = stripes(50)
    net = network()
    expected = evaluate(net, images, labels)
    (epoch,) = quiet_fit(net, images, labels, batch_size=8, optimizer=SGD(0.0))
    assert epoch.loss == pytest.approx(expected[0], rel=1e-5)
    assert epoch.accuracy == expected[1]


def test_seeds():
    def weights(seed):
        net = network()
        quiet_fit(net, *stripes(40), epochs=2, batch_size=7, seed=seed)
        return net.parameters.flat.tobytes()

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_the_same_bits_on_any_number_of_threads(all_threads):
    results = set()
    for threads in (1, 2, 4):
        all_threads(threads)
        net = Network(sequential(Conv2D(18, 3), ReLU(), Flatten(), Dropout(0.2), Linear(2)), (1, 6, 6), seed=0)
        quiet_fit(net, *stripes(60), epochs=2, batch_size=25, seed=3)
        results.add(net.parameters.flat.tobytes())
    assert len(results) == 1


def test_regression_has_no_accuracy():
    net = Network(sequential(Flatten(), Linear(3)), (1, 6, 6), "float64", seed=0)
    images = np.random.default_rng(0).standard_normal((30, 1, 6, 6))
    targets = images.reshape(30, 36)[:, :3]
    history = quiet_fit(
        net,
        images,
        targets,
        epochs=20,
        batch_size=5,
        optimizer=SGD(0.05),
        loss=losses.MSE(),
        validation=(images, targets),
    )
    assert history[-1].validation_loss < 0.1 * history[0].loss
    assert history[-1].accuracy is None
    assert history[-1].validation_accuracy is None
    assert "accuracy" not in str(history[-1])


def test_class_indices_serve_the_squared_error():
    images, labels = stripes(20)
    a, b = network(), network()
    quiet_fit(a, images, labels, loss=losses.MSE(), seed=0)
    quiet_fit(b, images, np.eye(2, dtype="float32")[labels], loss=losses.MSE(), seed=0)
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()


def test_on_epoch_may_end_training():
    seen = []

    def on_epoch(epoch):
        seen.append(epoch)
        return epoch.epoch == 3

    assert quiet_fit(network(), *stripes(20), epochs=10, on_epoch=on_epoch) == seen
    assert len(seen) == 3


def test_the_accuracy_of_several_heads_is_the_first_ones():
    x = np.eye(4, dtype="float32")
    network = Network(Linear(12, init="zeros"), (4,))
    network.parameters["linear1.weight"][:4] = np.eye(4)  # the main head is right
    network.parameters["linear1.weight"][4:] = 5 * np.eye(4)[[1, 2, 3, 0] * 2]  # the others are wrong, and louder
    (epoch,) = fit(
        network, x, np.arange(4), batch_size=4, optimizer=SGD(0), loss=losses.AuxiliaryCrossEntropy(), progress=False
    )
    assert epoch.accuracy == 1
    assert evaluate(network, x, np.arange(4), losses.AuxiliaryCrossEntropy())[1] == 1


def test_no_epochs():
    net = network()
    before = net.parameters.flat.tobytes()
    assert quiet_fit(net, *stripes(20), epochs=0) == []
    assert net.parameters.flat.tobytes() == before


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"images": np.zeros((0, 1, 6, 6), "float32"), "labels": []}, ValueError, "N >= 1"),
        ({"images": np.zeros((1, 6, 6), "float32")}, ValueError, "images must be"),
        ({"images": np.zeros((4, 1, 6, 6))}, TypeError, "astype"),
        ({"labels": [0, 1]}, ValueError, r"labels must be as many as images, got shapes \(2,\)"),
        ({"labels": 3}, ValueError, "labels must be as many"),
        ({"labels": [0, 1, 2, 0]}, ValueError, "from 0 to 1"),
        ({"epochs": -1}, ValueError, "epochs must be >= 0"),
        ({"batch_size": 0}, ValueError, "batch_size must be >= 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer"),
        ({"lean": "no"}, TypeError, "lean must be True or False, got 'no'"),
        ({"lean": None}, TypeError, "lean must be True or False, got None"),
        ({"seed": "a"}, TypeError, "seed must be an integer >= 0 or None, got 'a'"),
        ({"seed": -1}, ValueError, "seed must be an integer >= 0 or None, got -1"),
        ({"seed": 1.5}, TypeError, "seed must be an integer >= 0 or None, got 1.5"),
        ({"validation": (np.zeros((2, 1, 6, 6), "float32"), [0])}, ValueError, "labels must be as many"),
    ],
)
def test_wrong_arguments_change_nothing(change, error, says):
    net, (images, labels) = network(), stripes(4)
    before = net.parameters.flat.tobytes()
    with pytest.raises(error, match=says):
        quiet_fit(net, **({"images": images, "labels": labels} | change))
    assert net.parameters.flat.tobytes() == before


class Interrupt(SGD):
    """Raises KeyboardInterrupt in place of the third update."""

    def step(self, parameters, gradients):
        self.count = getattr(self, "count", 0) + 1
        if self.count == 3:
            raise KeyboardInterrupt
        super().step(parameters, gradients)


def test_an_interrupt_leaves_whole_steps_and_a_usable_network():
    images, labels = stripes(40)
    a, b = network(), network()
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(a, images, labels, batch_size=10, optimizer=Interrupt(0.1), seed=0)
    order = np.random.default_rng(0).permutation(40)
    for batch in (order[:10], order[10:20]):
        SGD(0.1).step(b.parameters, b.gradients(images[batch], labels[batch], losses.CrossEntropy())[1])
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()
    quiet_fit(a, images, labels)
    assert a.predict(images).shape == (40, 2)


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Standard error says that it is a terminal."""
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    return capsys


def test_the_bar_gives_way_to_a_line(terminal):
    fit(network(), *stripes(20), epochs=2, batch_size=7)
    captured = terminal.readouterr()
    assert captured.out == ""
    assert "epoch 2/2" in captured.err
    assert "/20 " in captured.err
    last = captured.err.splitlines()[-1].rpartition("\r")[2]
    assert last.startswith("epoch 2  loss 0.")
    assert "accuracy" in last


def test_a_terminal_is_known(monkeypatch):
    terminal, end = os.openpty()
    with open(terminal, "w") as held, open(end, "w") as error:
        monkeypatch.setattr(sys, "stderr", error)
        assert progress.on_terminal()
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert not progress.on_terminal()
        assert not held.closed


def test_off_a_terminal_progress_is_lines(capsys):
    fit(network(), *stripes(20), epochs=2, batch_size=7)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\r" not in captured.err
    assert [line.split("  ")[0] for line in captured.err.splitlines()] == ["epoch 1", "epoch 2"]


def test_without_standard_error_nothing_is_shown(monkeypatch, capsys):
    """As in a program without a console; `print` would take standard output in its place."""
    monkeypatch.setattr(sys, "stderr", None)
    assert len(fit(network(), *stripes(20), epochs=2)) == 2
    assert capsys.readouterr().out == ""


def test_training_goes_on_where_nothing_reads_its_lines(monkeypatch):
    """The reader of a pipe is gone, a terminal was closed, or the file was."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as raw:
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, write_through=True))
        assert len(fit(network(), *stripes(20), epochs=2)) == 2
    assert sys.stderr.closed or sys.stderr.close() is None
    assert len(fit(network(), *stripes(20), epochs=2)) == 2


def test_a_line_fits_into_80_columns():
    for loss in (0.12345, 9.99999, 99.12345, 12345.678):
        line = str(Epoch(100, loss, 1.0, loss, 1.0, 1234.56))
        assert len(line) < 80, line
    assert str(Epoch(3, 0.40123, 0.8632, 0.45321, 0.8321, 12.34)) == (
        "epoch 3  loss 0.4012  accuracy 86.32 %  validation 0.4532, 83.21 %  12.3 s"
    )
    assert str(Epoch(3, 12.3456, None, None, None, 0.04)) == "epoch 3  loss 12.346  0.0 s"
    assert str(Epoch(3, 12.3456, None, 2.0, None, 0.04)) == "epoch 3  loss 12.346  validation 2.0000  0.0 s"


@pytest.mark.parametrize("progress", [None, 1, 0, "bar", 2])
def test_progress_is_true_or_false(progress):
    with pytest.raises(TypeError, match="progress must be True or False, got "):
        fit(network(), *stripes(20), progress=progress)


def test_lines_without_tqdm(terminal, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "tqdm":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    fit(network(), *stripes(20), epochs=2, validation=stripes(10))
    first, second = terminal.readouterr().err.splitlines()
    assert first.startswith("epoch 1  loss 0.")
    assert "  validation 0." in second


def test_silence(capsys):
    quiet_fit(network(), *stripes(20))
    assert capsys.readouterr() == ("", "")


def test_a_second_trainer_is_refused():

    net = network()
    with net.training(), ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="another thread"):
        pool.submit(quiet_fit, net, *stripes(20)).result()


# Where training ends.


@pytest.mark.parametrize("value", [True, np.True_], ids=repr)
def test_true_ends_training(value):
    assert len(quiet_fit(network(), *stripes(20), epochs=4, on_epoch=lambda epoch: value)) == 1


@pytest.mark.parametrize(
    "value",
    [None, False, np.False_, 0, 1, 24, 1.0, "True", "", [True], np.array([True, True]), np.array(True), object(), ...],
)
def test_nothing_else_ends_training(value):
    assert len(quiet_fit(network(), *stripes(20), epochs=3, on_epoch=lambda epoch: value)) == 3


@pytest.mark.parametrize("error", [ValueError, StopIteration, KeyboardInterrupt])
def test_an_exception_in_a_callback_reaches_the_caller_after_whole_steps(error):
    a, b = network(), network()

    def on_epoch(epoch):
        if epoch.epoch == 2:
            raise error("mine")

    with pytest.raises(error, match="mine"):
        quiet_fit(a, *stripes(20), epochs=5, batch_size=8, seed=1, on_epoch=on_epoch)
    quiet_fit(b, *stripes(20), epochs=2, batch_size=8, seed=1)
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()
    quiet_fit(a, *stripes(20))


class Stop:
    def __call__(self, epoch):
        return True


ON_EPOCH = [True, [print], "print", Stop, lambda: True, lambda epoch, logs: True]


@pytest.mark.parametrize("on_epoch", ON_EPOCH, ids=["bool", "list", "text", "class", "no argument", "two arguments"])
def test_a_callback_that_cannot_be_called_changes_nothing(on_epoch):
    net = network()
    before = net.parameters.flat.tobytes()
    with pytest.raises(TypeError, match=r"on_epoch must be a function that takes an Epoch(, got| alone)"):
        quiet_fit(net, *stripes(20), on_epoch=on_epoch)
    assert net.parameters.flat.tobytes() == before


@pytest.mark.parametrize("on_epoch", [Stop(), lambda epoch, times=1: True, lambda *parts: True])
def test_whatever_takes_an_epoch_is_a_callback(on_epoch):
    assert len(quiet_fit(network(), *stripes(20), epochs=3, on_epoch=on_epoch)) == 1


# Steps that cannot be finished.


def normed(shape=(5,), seed=0):
    parts = [Dropout(0.2), Linear(8), BatchNorm(name="bn"), ReLU(), Linear(3)]
    if len(shape) == 3:
        parts = [Dropout(0.2), Conv2D(8, shape[1]), BatchNorm(name="bn"), ReLU(), Flatten(), Linear(3)]
    return Network(sequential(*parts), shape, seed=seed)


def everything(net, optimizer):
    kept = [array.tobytes() for mapping in (net.parameters, net.buffers) for array in mapping.values()]
    return kept, pickle.dumps(optimizer)


every_shape = pytest.mark.parametrize("shape", [(5,), (2, 3, 3)], ids=["vectors", "1 x 1 maps"])


@every_shape
@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize(
    ("images", "batch_size", "says"),
    [
        (21, 5, r"batch_size=5 leaves a last batch of 1 of 21 images, which cannot be trained \(pass drop_last=True"),
        (3, 2, "batch_size=2 leaves a last batch of 1 of 3 images"),
        (4, 1, "^bn "),
        (1, 50, "^bn "),
    ],
)
def test_a_last_batch_that_cannot_be_trained_is_refused_before_anything_changes(shape, lean, images, batch_size, says):
    net, optimizer, seen = normed(shape), Adam(0.1), []
    run = functools.partial(quiet_fit, epochs=3, optimizer=optimizer, lean=lean)
    before = everything(net, optimizer)
    x, labels = np.random.default_rng(0).standard_normal((images, *shape)).astype("float32"), np.arange(images) % 3
    with pytest.raises(ValueError, match=says) as caught:
        run(net, x, labels, batch_size=batch_size, on_epoch=seen.append, validation=(x, labels))
    assert "bn (BatchNorm) reading" in str(caught.value)
    assert "give a batch of two or more" in str(caught.value)
    assert everything(net, optimizer) == before
    assert not seen
    if images > batch_size > 1:  # both ways out
        assert len(run(net, x, labels, batch_size=batch_size, drop_last=True)) == 3
        assert len(run(net, x, labels, batch_size=images)) == 3


@every_shape
@pytest.mark.parametrize("entry", ["train_step", "lean train_step", "gradients", "profile"])
def test_one_image_that_cannot_be_trained_changes_nothing(shape, entry):
    net, optimizer = normed(shape), Adam(0.1)
    before = everything(net, optimizer)
    x, labels = np.ones((2, *shape), "float32"), [0, 2]

    def run(n):
        if entry.endswith("train_step"):
            return train_step(net, x[:n], labels[:n], optimizer, lean=entry.startswith("lean"))
        return getattr(net, entry)(x[:n], labels[:n], losses.CrossEntropy())

    with pytest.raises(
        ValueError, match=r"bn \(BatchNorm\) reading .*more than one value .*give a batch of two or more"
    ):
        run(1)
    assert everything(net, optimizer) == before
    run(2)


class Fickle(ReLU):
    """Prepares no training step for batches of 3."""

    def backward(self, b):
        if len(b.dy) == 3:
            raise ValueError("three is a crowd")
        return super().backward(b)


def test_a_layer_of_your_own_is_named_too():
    net, x = Network(sequential(Linear(4), Fickle(name="mine"), Linear(2)), (5,), seed=0), np.ones((13, 5), "float32")
    before = net.parameters.flat.tobytes()
    with pytest.raises(
        ValueError, match=r"last batch of 3 of 13 images.*mine \(Fickle\) reading linear1 \(4,\): three"
    ):
        quiet_fit(net, x, np.arange(13) % 2, batch_size=5)
    assert net.parameters.flat.tobytes() == before


class Misfit(losses.CrossEntropy):
    def bind(self, y, targets, value, dy):
        if len(y) == 3:
            raise ValueError("no loss of three")
        return super().bind(y, targets, value, dy)


def test_a_loss_that_does_not_fit_is_found_before_the_first_step():
    net, x = Network(Linear(2), (5,), seed=0), np.ones((13, 5), "float32")
    before = net.parameters.flat.tobytes()
    with pytest.raises(ValueError, match=r"last batch of 3 of 13 images.*no loss of three"):
        quiet_fit(net, x, np.arange(13) % 2, batch_size=5, loss=Misfit())
    assert net.parameters.flat.tobytes() == before


class Training(losses.CrossEntropy):
    def bind(self, y, targets, value, dy):
        if dy is None:
            raise ValueError("a loss of training alone")
        return super().bind(y, targets, value, dy)


def test_a_loss_that_does_not_fit_the_validation_is_found_before_the_first_step():
    net, (images, labels) = network(), stripes(20)
    before = net.parameters.flat.tobytes()
    with pytest.raises(ValueError, match="a loss of training alone"):
        quiet_fit(net, images, labels, loss=Training(), validation=(images, labels))
    assert net.parameters.flat.tobytes() == before
    quiet_fit(net, images, labels, loss=Training())


def half_way():
    """An optimizer and the network whose lean step it stopped in."""

    class Stopping(Adam):
        def end_step(self, parameters):
            raise InterruptedError

    net, optimizer = normed(), Stopping(0.1)
    with pytest.raises(InterruptedError):
        train_step(net, np.ones((4, 5), "float32"), [0, 1, 2, 0], optimizer, lean=True)
    return net, optimizer


def copied_from_another_network():
    net, other, optimizer = normed(), normed((4,)), Adam(0.1)
    train_step(other, np.ones((4, 4), "float32"), [0, 1, 2, 0], optimizer)
    return net, pickle.loads(pickle.dumps(optimizer))


def part_of_a_parameter():
    net, optimizer = normed(), SGD(0.1, 0.9)
    weight = net.parameters["bn.weight"][:3]
    optimizer.step({"weight": weight}, {"weight": np.zeros(3, "float32")})
    return net, optimizer


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("refusing", [half_way, copied_from_another_network, part_of_a_parameter])
def test_a_step_that_the_optimizer_refuses_leaves_the_statistics_of_batch_norm(refusing, lean):
    net, optimizer = refusing()
    before, x = everything(net, None), np.ones((4, 5), "float32")
    for run in (quiet_fit, train_step):
        with pytest.raises((ValueError, RuntimeError), match=r"half-way|remembers|shares part"):
            run(net, x, [0, 1, 2, 0], optimizer=optimizer, lean=lean)
        assert everything(net, None) == before


@pytest.mark.parametrize("which", [".flat", "['bn.weight']"])
def test_parameters_that_cannot_be_written_are_refused_before_statistics_change(which):
    net, optimizer, x = normed(), Adam(0.1), np.ones((4, 5), "float32")
    before = everything(net, optimizer)
    (net.parameters.flat if which == ".flat" else net.parameters["bn.weight"]).flags.writeable = False
    for run in (lambda: quiet_fit(net, x, [0, 1, 2, 0]), lambda: train_step(net, x, [0, 1, 2, 0], optimizer)):
        with pytest.raises(ValueError, match=re.escape(f"network.parameters{which} must be writable")):
            run()
    assert everything(net, optimizer) == before


def test_a_validation_that_does_not_fit_is_found_before_the_first_step(monkeypatch):
    net, (images, labels) = network(), stripes(20)
    before = net.parameters.flat.tobytes()
    real = net.executor.bound_plan

    def bound_plan(n, loss=None, fused_update=False):
        if loss is None:
            raise MemoryError
        return real(n, loss, fused_update)

    monkeypatch.setattr(net.executor, "bound_plan", bound_plan)
    with pytest.raises(MemoryError):
        quiet_fit(net, images, labels, validation=stripes(300))
    assert net.parameters.flat.tobytes() == before


def test_dropping_the_last_batch():
    """Batches of 8 of 20 images: 16 an epoch, in the order of the seed; loss and accuracy of these."""
    images, labels = stripes(20)
    a, b, optimizer = network(), network(), SGD(0.3)
    history = quiet_fit(a, images, labels, epochs=2, batch_size=8, optimizer=SGD(0.3), seed=5, drop_last=True)
    rng = np.random.default_rng(5)
    for epoch in history:
        order, expected, right = rng.permutation(20), [], 0
        for batch in (order[:8], order[8:16]):
            right += np.count_nonzero(b.predict(images[batch]).argmax(1) == labels[batch])
            expected.append(train_step(b, images[batch], labels[batch], optimizer))
        assert epoch.loss == pytest.approx(np.mean(expected), rel=1e-12)
        assert epoch.accuracy == right / 16
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()
    with pytest.raises(ValueError, match="drop_last=True leaves no batch of batch_size=21: there are only 20 images"):
        quiet_fit(a, images, labels, batch_size=21, drop_last=True)
    with pytest.raises(TypeError, match="drop_last must be True or False, got 1"):
        quiet_fit(a, images, labels, drop_last=1)


def test_the_bar_counts_the_images_that_are_seen(terminal):
    fit(network(), *stripes(20), batch_size=8, drop_last=True)
    assert "/16 " in terminal.readouterr().err


@pytest.mark.parametrize("fused_update", [False, True])
def test_a_batch_is_watched_after_its_update(fused_update):
    """`watch` sees the loss and the output of the step, which are those from before the update."""
    net, (images, labels), seen = network(), stripes(6), []
    before, y = net.parameters.flat.copy(), net.predict(images)

    def watch(loss, given):
        assert (net.parameters.flat != before).any()
        np.testing.assert_array_equal(given, y)
        seen.append(float(loss))

    loss = losses.CrossEntropy()
    targets = loss.prepare(labels, y.shape, y.dtype)
    with net.training():
        assert [net.train_batch(images, targets, loss, SGD(0.1), fused_update, watch)] == seen


def test_memory_is_reserved_before_anything_runs():
    net = network()
    net.reserve(6, losses.CrossEntropy(), fused_update=True)
    arena, before = net.executor.arena, everything(net, None)
    net.reserve(3)
    train_step(net, *stripes(6), SGD(0.0), lean=True)
    assert net.executor.arena is arena
    assert everything(net, None) == before
    with pytest.raises(ValueError, match="is too large"):
        net.reserve(2**62)
    for size in (0, -1, 2.5, "6", True):
        with pytest.raises((TypeError, ValueError), match="batch_size must be"):
            net.reserve(size)


@pytest.mark.parametrize("shape", [(0, 1, 6, 6), (4, 2, 6, 6), (4, 6, 6), (4, 1, 3, 3), (1, 1)])
def test_a_batch_of_another_shape_is_refused_before_anything_changes(shape):
    net, loss = network(), losses.CrossEntropy()
    before = everything(net, None)
    with net.training(), pytest.raises(ValueError, match=r"x must have shape \(N, .*\), N >= 1, got"):
        net.train_batch(np.ones(shape, "float32"), np.zeros(shape[0], "int64"), loss, SGD(0.1))
    assert everything(net, None) == before


def test_a_batch_is_trained_in_any_memory():
    """Images that are read-only, strided or of another dtype give the bits of plain ones."""
    (images, labels), loss = stripes(6), losses.CrossEntropy()
    images, trained = np.asarray(images, "float32"), []
    locked, apart = images.copy(), np.repeat(images, 2, axis=3)[..., ::2]
    locked.setflags(write=False)
    for x in (images, locked, apart, images.astype("float64")):
        net = network()
        with net.training():
            net.train_batch(x, loss.prepare(labels, (6, *net.output_shape), net.dtype), loss, SGD(0.1))
        trained.append(everything(net, None))
    assert trained[1:] == trained[:1] * 3
