"""What a file tells of its training: the history, rounded, and with what it was made."""

import re

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, load, models
from fastconv.callbacks import Checkpoint
from fastconv.callbacks.record import MOST_NUMBERS, record
from fastconv.checkpoint.metadata import MOST_BYTES, written
from fastconv.training import fit
from fastconv.training.epoch import Epoch

X, LABELS = np.random.default_rng(0).random((6, 1, 28, 28)).astype("float32"), np.arange(6) % 2


def trained(tmp_path, **options):
    network = Network(models.lenet5(2), (1, 28, 28), seed=0)
    file = Checkpoint(tmp_path / "run.npz", best=tmp_path / "best.npz", **options)
    history = fit(network, X, LABELS, epochs=3, validation=(X, LABELS), callbacks=[file], progress=False)
    return history, load(tmp_path / "run.npz").metadata, load(tmp_path / "best.npz").metadata


def test_a_file_of_a_training_has_the_history_and_what_it_was_made_with(tmp_path):
    history, told, best = trained(tmp_path)
    assert [row["epoch"] for row in told["history"]] == [1, 2, 3]
    for row, epoch in zip(told["history"], history, strict=True):
        assert row["loss"] == pytest.approx(epoch.loss, rel=1e-5)
        assert row["validation_accuracy"] == pytest.approx(epoch.validation_accuracy, rel=1e-5)
    assert told["optimizer"].startswith("SGD(lr=")
    assert told["loss"].startswith("CrossEntropy(")
    assert told["versions"]["fastconv"] == fastconv.__version__
    assert told["threads"] == fastconv.get_num_threads()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told["date"])
    assert best["history"] == told["history"][: len(best["history"])]


def test_what_is_given_stands_beside_it(tmp_path):
    _, told, best = trained(tmp_path, metadata={"place": "here", "optimizer": "mine"})
    assert (told["place"], told["optimizer"], best["place"]) == ("here", "mine", "here")


@pytest.mark.parametrize(
    ("metadata", "error", "says"),
    [
        (["a"], TypeError, "metadata must be a dict, got"),
        ({"a": {1}}, TypeError, r"metadata\['a'\] must be what JSON can hold"),
    ],
)
def test_metadata_that_no_file_can_hold_is_refused_before_training(metadata, error, says, tmp_path):
    with pytest.raises(error, match=says):
        Checkpoint(tmp_path / "run.npz", metadata=metadata)


@pytest.mark.parametrize("count", [0, 1, 1_000, 12_345])
def test_very_many_epochs_have_room_in_a_file_and_the_last_is_kept(count):
    metrics = {f"metric {k}": 1 / 3 for k in range(10)}
    history = [Epoch(k, 1 / 3, 2 / 3, 1e-9 / 3, None, 0.1234567, 0.1, metrics) for k in range(1, count + 1)]
    told = record(history, object(), layers.Linear(2))
    assert sum(7 + len(row["metrics"]) for row in told["history"]) <= MOST_NUMBERS
    assert len(written(told)) < MOST_BYTES / 2
    assert [row["epoch"] for row in told["history"]][-1:] == [count][:count]
    if count == 1_000:
        assert len(told["history"]) == 1_000
        assert told["history"][0]["loss"] == 0.333333
