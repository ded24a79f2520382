"""Curves for TensorBoard: what is written by each of the two packages, and where neither is installed."""

import sys
import types

import numpy as np
import pytest

from fastconv.callbacks import Callback, Checkpoint, TensorBoard
from fastconv.callbacks import tensorboard as module
from fastconv.layers import Linear
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import fit

X, LABELS = np.eye(6, dtype="float32"), np.arange(6) % 2


class Notes:
    """A writer that notes what it is told."""

    def __init__(self, folder):
        self.told = []

    def begin(self, step):
        self.told.append(("begin", step))

    def scalar(self, tag, value, step):
        self.told.append((tag, value, step))

    def flush(self):
        self.told.append("flush")

    def close(self):
        self.told.append("close")


@pytest.fixture
def notes(monkeypatch):
    """All writers that are made, in order."""
    made = []
    monkeypatch.setattr(module, "event_writer", lambda: lambda folder: made.append(Notes(folder)) or made[-1])
    return made


def trained(*callbacks, epochs=2, **options):
    net = Network(Linear(2), (6,), seed=0)
    options = {"validation": (X, LABELS), "metrics": {"twice": lambda y, targets: 2.5}} | options
    settings = {"batch_size": 2, "optimizer": SGD(0.25), "seed": 0, "progress": False}
    return fit(net, X, LABELS, epochs=epochs, callbacks=list(callbacks), **settings, **options)


def test_a_point_of_each_curve_per_epoch(tmp_path, notes):
    history = trained(TensorBoard(tmp_path / "run", steps=None))
    told = notes[0].told
    assert told[0] == ("begin", 0)
    assert told[-2:] == ["flush", "close"]
    for epoch in history:
        expected = {
            "time/epoch": epoch.epoch,
            "learning_rate": 0.25,
            "loss/training": epoch.loss,
            "accuracy/training": epoch.accuracy,
            "loss/validation": epoch.validation_loss,
            "accuracy/validation": epoch.validation_accuracy,
            "time/seconds": epoch.seconds,
            "metrics/twice": 2.5,
        }
        found = {each[0]: each[1] for each in told if each[2:] == (3 * epoch.epoch,)}
        found.pop("time/images_per_second", None)
        assert found == expected


def test_the_loss_of_a_batch_every_few_steps(tmp_path, notes):
    board = TensorBoard(tmp_path, steps=3)
    run = types.SimpleNamespace(step=0)
    board.on_begin(run)
    for run.step in range(1, 8):
        run.step_loss = run.step + 0.5
        board.on_step(run)
    assert notes[0].told[1:] == [("loss/step", 3.5, 3), ("loss/step", 6.5, 6)]


def test_what_an_epoch_does_not_have_has_no_curve(tmp_path, notes):
    trained(TensorBoard(tmp_path, steps=None), validation=None, metrics=None)
    tags = {each[0] for each in notes[0].told if len(each) == 3}
    assert not any("validation" in tag or "metrics" in tag for tag in tags)


def test_a_training_that_goes_on_lets_later_points_count_no_more(tmp_path, notes):
    file = Checkpoint(tmp_path / "run.npz")
    trained(TensorBoard(tmp_path), file, epochs=2)
    trained(TensorBoard(tmp_path), file, epochs=3, resume=file.path)
    assert notes[1].told[0] == ("begin", 7)
    assert {each[2] for each in notes[1].told if len(each) == 3} >= {9}


def test_the_file_is_closed_after_an_error(tmp_path, notes):
    class Broken(Callback):
        def on_epoch(self, run):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        trained(TensorBoard(tmp_path), Broken())
    assert notes[0].told[-1] == "close"


def test_a_folder_that_cannot_be_made_is_refused_before_training(tmp_path, notes):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=str(folder)):
            trained(TensorBoard(folder))
    assert notes == []


def test_without_a_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"TensorBoard needs the package tensorboard.*: pip install tensorboard$"):
        TensorBoard(tmp_path)


def test_the_other_package_is_told_the_same(tmp_path, monkeypatch):
    told = []

    class SummaryWriter:
        def __init__(self, logdir, purge_step):
            told.append((logdir, purge_step))

        def add_scalar(self, tag, value, step):
            told.append((tag, value, step))

        def flush(self):
            told.append("flush")

        def close(self):
            told.append("close")

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=SummaryWriter))
    history = trained(TensorBoard(tmp_path))
    assert told[0] == (str(tmp_path), 0)
    assert [each[1:] for each in told if each[0] == "loss/validation"] == [
        (epoch.validation_loss, 3 * epoch.epoch) for epoch in history
    ]
    assert told[-2:] == ["flush", "close"]


@pytest.mark.parametrize(("folder", "steps"), [(3, 100), ("", 100), ("x", 0), ("x", 1.5)])
def test_what_does_not_fit_is_refused(notes, folder, steps):
    with pytest.raises((TypeError, ValueError), match=r"^(path|steps) must be"):
        TensorBoard(folder, steps)


def test_the_package_itself_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    file = Checkpoint(tmp_path / "run.npz")
    trained(TensorBoard(tmp_path / "curves"), Checkpoint(file.path, every=2), epochs=3)
    history = trained(TensorBoard(tmp_path / "curves"), epochs=4, resume=file.path)
    found = EventAccumulator(str(tmp_path / "curves")).Reload()
    assert [(each.step, each.value) for each in found.Scalars("loss/training")] == [
        (3 * epoch.epoch, float(np.float32(epoch.loss))) for epoch in history
    ]
