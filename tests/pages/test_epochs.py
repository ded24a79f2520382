"""The history of a training: from a file, from `fit`, from logs; and which epoch is the best."""

import math

import numpy as np
import pytest

from fastconv import Network, fit, layers
from fastconv.callbacks import CSVLog, JSONLog
from fastconv.pages.epochs import Epoch, best, epochs_of, given_epochs

X, LABELS = np.eye(4, dtype="float32"), [0, 1, 0, 1]


@pytest.fixture
def run(tmp_path):
    """What `fit` returned, and the folder with its two logs."""
    logs = [CSVLog(tmp_path / "log.csv"), JSONLog(tmp_path / "log.jsonl")]
    metrics = {"first": lambda y, t: float(y[0, 0])}
    network = Network(layers.Linear(2), (4,), seed=0)
    options = {"metrics": metrics, "validation": (X, LABELS), "callbacks": logs, "progress": False}
    return fit(network, X, LABELS, epochs=3, **options), tmp_path


@pytest.mark.parametrize("source", ["fit", "log.csv", "log.jsonl"])
def test_all_sources_tell_the_same(run, source):
    history, folder = run
    found = given_epochs(history if source == "fit" else folder / source)
    for epoch, expected in zip(found, history, strict=True):
        for field in Epoch._fields:
            assert getattr(epoch, field) == getattr(expected, field), field


STRANGE = (
    None,
    3,
    "epochs",
    ["a"],
    [{}],
    [{"epoch": "x"}],
    [{"epoch": 1, "loss": "much"}],
    [{"epoch": 1e999}],
    {"a": 1},
)


@pytest.mark.parametrize("rows", STRANGE, ids=repr)
def test_what_is_no_history_in_a_strangers_file_is_left_out(rows):
    assert epochs_of(rows) == []


def test_numbers_that_are_not_finite_are_unknown():
    (epoch,) = epochs_of([{"epoch": 1, "loss": math.nan}, {"epoch": 2, "loss": 1, "validation_loss": math.inf}])
    assert (epoch.epoch, epoch.loss, epoch.validation_loss) == (2, 1.0, None)


@pytest.mark.parametrize(
    ("epochs", "number"),
    [
        ([Epoch(1, 3.0, 0.1, 3.0, 0.6), Epoch(2, 2.0, 0.2, 4.0, 0.7), Epoch(3, 1.0, 0.3, 2.0, 0.5)], 2),
        ([Epoch(1, 3.0, None, 3.0), Epoch(2, 2.0, None, 1.0), Epoch(3, 1.0, None, 2.0)], 2),
        ([Epoch(1, 3.0), Epoch(2, 1.0), Epoch(3, 2.0)], 2),
        ([Epoch(1), Epoch(2)], 2),
        ([Epoch(1, 1.0, None, None, 0.5), Epoch(2, 1.0, None, None, 0.5)], 1),
    ],
)
def test_the_best_epoch_is_that_of_the_validation_else_of_the_loss(epochs, number):
    assert best(epochs).epoch == number


@pytest.mark.parametrize(
    ("history", "error", "says"),
    [
        (3, TypeError, "history must be what fit returned, or the path of a log, got"),
        ([3], TypeError, "history must be what fit returned"),
        ("log.txt", ValueError, "history must be a log that ends with .csv or .jsonl, got log.txt"),
        ("missing.csv", OSError, "missing.csv"),
    ],
)
def test_what_is_no_history_is_refused(history, error, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        given_epochs(history)


def test_a_file_that_is_no_log_is_named(tmp_path):
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).write_text("some words\nand more\n")
        with pytest.raises(ValueError, match=f"{name} is no log of a training"):
            given_epochs(tmp_path / name)
