"""What the file of `fastconv train` tells of the command that made it."""

import shlex

import pytest

from fastconv import load
from fastconv.cli import parser


@pytest.fixture
def told(folder, tmp_path):
    words = ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "2", "--batch-size", "50"]
    words += ["--out", str(tmp_path / "a.npz"), "--checkpoint", str(tmp_path / "run.npz"), "--momentum", "0.5"]
    assert parser.main(words) == 0
    return words, load(tmp_path / "a.npz").metadata, load(tmp_path / "run.npz").metadata


def test_the_saved_network_has_the_command_the_data_the_settings_and_the_history(told, folder):
    words, found, _ = told
    assert shlex.split(found["command"]) == ["fastconv", *words]
    assert found["data"] == {"place": str(folder), "images": {"training": 300, "test": 100}}
    settings = found["settings"]
    assert (settings["model"], settings["epochs"], settings["batch-size"], settings["lr"]) == ("nielsen", 2, 50, 0.1)
    assert settings["momentum"] == "0.5"
    assert "clip" not in settings
    assert [row["epoch"] for row in found["history"]] == [1, 2]


def test_the_file_of_the_training_has_the_same(told):
    _, found, run = told
    for name in ("command", "data", "settings", "history", "optimizer", "loss"):
        assert run[name] == found[name]
