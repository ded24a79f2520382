"""When files of a training are written, and what is in them."""

import os

import numpy as np
import pytest

from fastconv import checkpoint, load, models
from fastconv.callbacks import Checkpoint, WeightAverage
from fastconv.data import transforms
from fastconv.layers import Linear
from fastconv.losses import MSE
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import fit

X, LABELS = np.eye(6, dtype="float32"), np.arange(6) % 2


def network():
    return Network(Linear(2), (6,), seed=0)


class Counting(Checkpoint):
    """Notes the epochs in which it writes."""

    def write(self, run):
        super().write(run)
        self.__dict__.setdefault("places", []).append((run.epoch, run.step))


@pytest.mark.parametrize(
    ("every", "steps", "epochs", "written"),
    [
        (1, None, 3, [(1, 3), (2, 6), (3, 9)]),
        (2, None, 3, [(2, 6), (3, 9)]),
        (10, None, 2, [(2, 6)]),
        (10, 4, 3, [(2, 4), (3, 8), (3, 9)]),
    ],
)
def test_when_it_writes(tmp_path, every, steps, epochs, written):
    file = Counting(tmp_path / "run.npz", every, steps=steps)
    fit(network(), X, LABELS, epochs=epochs, batch_size=2, callbacks=[file], progress=False)
    assert file.places == written


def test_the_best_network_is_kept(tmp_path):
    """The rate is such that the validation becomes worse; the file has the weights of the best epoch."""
    net, best, weights = network(), tmp_path / "best.npz", []
    history = fit(
        net,
        X,
        LABELS,
        epochs=6,
        batch_size=6,
        optimizer=SGD(1.0),
        validation=(X, 1 - LABELS),
        callbacks=[Checkpoint(tmp_path / "run.npz", best=best)],
        on_epoch=lambda epoch: weights.append(net.parameters.flat.copy()),
        progress=False,
    )
    place = int(np.argmin([epoch.validation_loss for epoch in history]))
    kept = network()
    kept.load(best)
    np.testing.assert_array_equal(kept.parameters.flat, weights[place])
    assert "run" not in checkpoint.metadata(best)


def test_a_file_at_the_end_predicts_as_the_network_and_goes_on_from_the_last_update(tmp_path):
    """The mean of the weights is in the network and in the file; a longer training goes on from the weights."""
    options = {"batch_size": 2, "seed": 0, "progress": False, "validation": (X, LABELS)}
    net, longer, whole = network(), network(), network()
    path, best = tmp_path / "run.npz", tmp_path / "best.npz"
    fit(net, X, LABELS, epochs=2, callbacks=[WeightAverage(0.5), Checkpoint(path, best=best)], **options)
    for file in (path, best):
        found = network()
        found.load(file)
        np.testing.assert_array_equal(found.parameters.flat, net.parameters.flat)
    fit(longer, X, LABELS, epochs=4, callbacks=[WeightAverage(0.5)], resume=path, **options)
    fit(whole, X, LABELS, epochs=4, callbacks=[WeightAverage(0.5)], **options)
    np.testing.assert_array_equal(longer.parameters.flat, whole.parameters.flat)


def test_it_says_how_to_go_on(tmp_path, capsys):
    class Stop(Checkpoint):
        def on_step(self, run):
            raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(network(), X, LABELS, callbacks=[Stop(path)])
    assert f"interrupted in epoch 1: to go on, write fit(..., resume='{path}')" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"path": "run.pth"}, ValueError, r"path must end in .npz or .safetensors"),
        ({"path": "missing/run.npz"}, OSError, "missing"),
        ({"path": 3}, TypeError, "path"),
        ({"path": "run.npz", "every": 0}, ValueError, "every must be >= 1"),
        ({"path": "run.npz", "steps": 0}, ValueError, "steps must be >= 1"),
        ({"path": "run.npz", "best": "run.npz"}, ValueError, "best must be another file than path"),
        ({"path": "run.npz", "monitor": 3}, TypeError, "monitor must be the name"),
        ({"path": "run.npz", "preprocessing": "resize"}, TypeError, "preprocessing must be a list of transforms"),
        ({"path": "run.npz", "preprocessing": transforms.random_flip()}, ValueError, "as random_flip does; write"),
    ],
)
def test_what_is_refused_before_training(tmp_path, monkeypatch, options, error, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        Checkpoint(**options)


def test_a_monitor_that_is_not_there_is_named(tmp_path):
    file = Checkpoint(tmp_path / "run.npz", best=tmp_path / "best.npz", monitor="validation_accuracy")
    with pytest.raises(ValueError, match=r"monitor='validation_accuracy': .* fit needs validation="):
        fit(network(), X, LABELS, callbacks=[file], progress=False)


def test_an_accuracy_that_is_not_there_is_explained(tmp_path):
    file = Checkpoint(tmp_path / "run.npz", best=tmp_path / "best.npz", monitor="accuracy")
    with pytest.raises(ValueError, match=r"monitor='accuracy': .* targets that are no classes have no accuracy"):
        fit(network(), X, np.zeros((len(X), 2), "float32"), loss=MSE(), callbacks=[file], progress=False)


def test_a_second_training_with_the_same_callback_begins_anew(tmp_path):
    file = Checkpoint(tmp_path / "run.npz", best=tmp_path / "best.npz")
    fit(network(), X, LABELS, epochs=20, callbacks=[file], progress=False)
    net = network()
    (epoch,) = fit(net, X, LABELS, callbacks=[file], progress=False)
    kept = network()
    kept.load(file.best)
    assert file.monitor.best == epoch.loss
    np.testing.assert_array_equal(kept.parameters.flat, net.parameters.flat)


@pytest.mark.parametrize("which", ["path", "best"])
def test_a_file_that_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch, which):
    files = {"path": tmp_path / "run.npz", "best": tmp_path / "best.npz"}
    files[which] = tmp_path / "locked" / "run.npz"
    files[which].parent.mkdir()
    writable = os.access
    monkeypatch.setattr(
        os, "access", lambda path, *rest, **more: "locked" not in path and writable(path, *rest, **more)
    )
    net = network()
    before = net.parameters.flat.copy()
    with pytest.raises(PermissionError, match=r"the folder .*locked is read-only: choose another one"):
        fit(net, X, LABELS, callbacks=[Checkpoint(**files)], progress=False)
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize(
    ("classes", "error", "says"),
    [
        (["cat", "dog", "cow"], ValueError, "classes must be 2 names, as many as the network has classes, got 3"),
        ("ab", TypeError, "classes must be a list of names, got 'ab'"),
    ],
)
def test_names_that_do_not_fit_are_refused_before_training(tmp_path, classes, error, says):
    net = network()
    before = net.parameters.flat.copy()
    with pytest.raises(error, match=says):
        fit(net, X, LABELS, callbacks=[Checkpoint(tmp_path / "run.npz", classes=classes)], progress=False)
    np.testing.assert_array_equal(net.parameters.flat, before)


def test_one_transform_needs_no_list(tmp_path):
    path, step = tmp_path / "run.npz", transforms.normalize(0.5, 0.25)
    net = Network(models.lenet5(2), (1, 28, 28), seed=0)
    images = np.zeros((4, 1, 28, 28), "float32")
    fit(net, images, [0, 1, 0, 1], callbacks=[Checkpoint(path, preprocessing=step)], progress=False)
    (found,) = load(path).preprocessing
    assert transforms.described(found) == transforms.described(step)
