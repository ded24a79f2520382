"""Files with a row per epoch: what is in them, where a training goes on, and which files stay as they are."""

import csv
import json
import os
import stat

import numpy as np
import pytest

from fastconv.callbacks import Callback, Checkpoint, CSVLog, JSONLog
from fastconv.layers import Linear
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import fit

X, LABELS = np.eye(6, dtype="float32"), np.arange(6) % 2
COLUMNS = [
    "epoch",
    "step",
    "lr",
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "seconds",
    "images_per_second",
    "twice",
    "nothing",
]


def trained(*callbacks, epochs=3, **options):
    metrics = {"twice": lambda y, targets: np.float32(2.5), "nothing": lambda y, targets: float("nan")}
    options = {"validation": (X, LABELS), "metrics": metrics, "optimizer": SGD(0.25)} | options
    net = Network(Linear(2), (6,), seed=0)
    settings = {"epochs": epochs, "batch_size": 4, "seed": 0, "progress": False}
    return fit(net, X, LABELS, callbacks=list(callbacks), **settings, **options)


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def objects(path):
    with open(path) as file:
        return [json.loads(line, parse_constant=pytest.fail) for line in file]


KINDS = {CSVLog: table, JSONLog: objects}
both = pytest.mark.parametrize(("kind", "read"), KINDS.items(), ids=lambda value: value.__name__)


def as_text(value):
    return "" if value is None else repr(value)


@both
def test_a_row_per_epoch_with_all_that_is_known(tmp_path, kind, read):
    history = trained(kind(tmp_path / "log"))
    rows = read(tmp_path / "log")
    assert [list(row) for row in rows] == [COLUMNS] * 3
    for row, epoch in zip(rows, history, strict=True):
        rate = row.pop("images_per_second")
        expected = {name: getattr(epoch, name) for name in COLUMNS[:8] if name not in ("step", "lr")}
        expected |= {"step": 2 * epoch.epoch, "lr": 0.25, "twice": 2.5}
        nothing = row.pop("nothing")
        if kind is CSVLog:
            expected = {name: as_text(value) for name, value in expected.items()}
            assert nothing == "nan"
        else:
            assert nothing is None
        assert row == expected
        assert rate in ("", None) or float(rate) == pytest.approx(6 / epoch.seconds)


@both
def test_what_an_epoch_does_not_have_is_empty(tmp_path, kind, read):
    class NoRate:
        def step(self, parameters, gradients):
            pass

    trained(kind(tmp_path / "log"), validation=None, metrics=None, optimizer=NoRate())
    for row in read(tmp_path / "log"):
        assert list(row) == COLUMNS[:9]
        assert {row[name] for name in ("lr", "validation_loss", "validation_accuracy")} <= {"", None}


@both
def test_a_row_is_in_the_file_when_its_epoch_is_over(tmp_path, kind, read):
    counts = []

    class Look(Callback):
        def on_epoch(self, run):
            counts.append(len(read(tmp_path / "log")))

    trained(kind(tmp_path / "log"), Look())
    assert counts == [1, 2, 3]


@both
def test_the_metric_that_has_the_name_of_a_column_gets_another(tmp_path, kind, read):
    trained(kind(tmp_path / "log"), metrics={"step": lambda y, targets: 0.5})
    row = read(tmp_path / "log")[-1]
    assert (float(row["step"]), float(row["metrics.step"])) == (6, 0.5)


class Broken(Callback):
    """Ctrl-C, after the log has its row and before the checkpoint is written."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch(self, run):
        if run.epoch == self.epoch:
            raise RuntimeError("killed")


def without_time(rows):
    return [{name: value for name, value in row.items() if name not in COLUMNS[7:9]} for row in rows]


@both
@pytest.mark.parametrize("end", ["", "3,6,0.", '{"epoch": 3, "st'], ids=["whole", "broken line", "broken object"])
def test_where_a_training_goes_on_no_epoch_is_there_twice(tmp_path, kind, read, end):
    log, other, file = tmp_path / "log", tmp_path / "other", Checkpoint(tmp_path / "run.npz")
    with pytest.raises(RuntimeError):
        trained(kind(log), Broken(3), file, epochs=5)
    assert len(read(log)) == 3
    with open(log, "a") as handle:
        handle.write(end)
    trained(kind(log), file, epochs=5, resume=file.path)
    trained(kind(other), epochs=5)
    assert [int(row["epoch"]) for row in read(log)] == [1, 2, 3, 4, 5]
    assert without_time(read(log)) == without_time(read(other))


@both
def test_metrics_that_are_new_where_a_training_goes_on_are_new_columns(tmp_path, kind, read):
    log, file = tmp_path / "log", Checkpoint(tmp_path / "run.npz")
    trained(kind(log), file, epochs=2, metrics={"a": lambda y, targets: 1.0})
    trained(kind(log), file, epochs=3, metrics={"b": lambda y, targets: 2.0}, resume=file.path)
    found = [(row.get("a"), row.get("b")) for row in read(log)]
    assert found == ([("1.0", "")] * 2 + [("", "2.0")] if kind is CSVLog else [(1.0, None)] * 2 + [(None, 2.0)])


@both
def test_a_new_training_begins_a_new_file(tmp_path, kind, read):
    log = kind(tmp_path / "log")
    trained(log, epochs=3)
    trained(log, epochs=2)
    assert len(read(log.path)) == 2
    (tmp_path / "empty").write_bytes(b"")
    trained(kind(tmp_path / "empty"), epochs=2)
    assert len(read(tmp_path / "empty")) == 2


OTHERS = [
    b"name,age\nA,3\n",
    b"epoch,step,lr,loss\n1,2\n",
    b"epoch,step,lr,loss\n1,2,3,4,5\n",
    b"epoch,step,lr,loss\nx,2,3,4\n",
    b'[{"epoch": 1}]\n',
    b'{"name": 3}\n',
    b'{"epoch": "1", "step": 3}\n',
    b"a text without a newline",
    b"\xff\xfe\x00",
    b"\x00\n",
]


@both
@pytest.mark.parametrize("content", OTHERS, ids=str)
def test_another_file_stays_as_it_is(tmp_path, kind, read, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"is a file that {kind.__name__} did not write, and stays as it is"):
        trained(kind(path), validation=None, metrics=None)
    assert path.read_bytes() == content


def test_a_log_of_the_other_kind_stays_as_it_is(tmp_path):
    for kind, other in ((CSVLog, JSONLog), (JSONLog, CSVLog)):
        path = tmp_path / kind.__name__
        trained(kind(path))
        content = path.read_bytes()
        with pytest.raises(ValueError, match="stays as it is"):
            trained(other(path))
        assert path.read_bytes() == content


@both
def test_a_path_that_cannot_be_written_is_refused_before_training(tmp_path, kind, read):
    net = Network(Linear(2), (6,), seed=0)
    before = net.parameters.flat.copy()
    os.mkfifo(tmp_path / "pipe")
    cases = [
        (tmp_path, ValueError, "is not a regular file but a folder"),
        (tmp_path / "none" / "log", FileNotFoundError, "there is no folder"),
        (tmp_path / "pipe", ValueError, "is not a regular file but a pipe"),
    ]
    for path, error, says in cases:
        with pytest.raises(error, match=says):
            fit(net, X, LABELS, callbacks=[kind(path)], progress=False)
    assert (net.parameters.flat == before).all()
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


@both
@pytest.mark.parametrize("path", [3, None, "", "a\0b"])
def test_what_is_no_path_is_refused(kind, read, path):
    with pytest.raises((TypeError, ValueError), match=r"^path must be"):
        kind(path)


@both
def test_training_goes_on_when_the_file_can_no_longer_be_written(tmp_path, kind, read):
    folder = tmp_path / "folder"
    folder.mkdir()

    class Remove(Callback):
        def on_epoch(self, run):
            if run.epoch == 1:
                (folder / "log").unlink()
                folder.rmdir()

    with pytest.warns(RuntimeWarning, match="epoch [23] is missing in the log: .*there is no folder"):
        assert len(trained(kind(folder / "log"), Remove())) == 3
