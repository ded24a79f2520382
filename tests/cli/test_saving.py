"""`fastconv train` never loses a network: what cannot be saved is refused, and a good file is not written over."""

import os
import stat
import sys

import numpy as np
import pytest
from commands import failure

from fastconv.cli import parser
from fastconv.training.loop import Epoch


def test_out_that_names_a_folder_is_not_taken_for_a_file(tmp_path, capsys):
    assert "there is no folder" in failure(capsys, "train", "--out", f"{tmp_path}/none/")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_network_that_became_nan_is_not_saved_over_a_good_one(folder, trained, tmp_path, capsys, epochs):
    out = tmp_path / "a.npz"
    out.write_bytes(trained.read_bytes())
    arguments = ["train", "--model", "nielsen", "--data", folder, "--epochs", epochs, "--lr", "1e38", "--out", out]
    assert parser.main(list(map(str, arguments))) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "fastconv: training failed in epoch 1: the loss or the weights became NaN or infinite. "
        "Nothing was saved; try a smaller --lr than 1e+38\n"
    )
    assert "saved" not in printed.out
    assert "test accuracy" not in printed.out
    assert out.read_bytes() == trained.read_bytes()


def test_a_network_whose_last_step_made_it_infinite_is_not_saved(folder, tmp_path, capsys, monkeypatch):
    """The loss of an epoch is that before its steps, so the weights are looked at as well."""

    def fit(network, *_, on_epoch, **__):
        network.parameters.flat[3] = np.inf
        epoch = Epoch(1, 0.5, 0.5, 0.5, 0.5, 0.1)
        assert on_epoch(epoch) is True
        return [epoch]

    monkeypatch.setattr("fastconv.cli.commands.fit", fit)
    parser.main(["train", "--data", str(folder), "--out", str(tmp_path / "a.npz")])
    assert "the weights became NaN or infinite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def refused_before_training(capsys, monkeypatch, out):
    monkeypatch.setattr("fastconv.cli.commands.fit", None)  # what would be called
    line = failure(capsys, "train", "--data", "sample", "--out", out)
    assert line.startswith(f"fastconv: {out}")
    return line.removeprefix(f"fastconv: {out}")


def test_what_cannot_hold_a_network_is_refused_before_training(tmp_path, capsys, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "broken").symlink_to("none/a.npz")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    refused = {
        tmp_path / "pipe": " is not a regular file but a pipe",
        tmp_path / "link": " is not a regular file but a pipe",
        tmp_path / "broken": " is a link to none/a.npz, which does not exist",
        tmp_path / "file" / "a.npz": ": Not a directory",
        tmp_path / "folder": " is not a regular file but a folder",
        tmp_path / "no" / "a.npz": f": No such file or directory: there is no folder {tmp_path / 'no'}",
        tmp_path / ("x" * 300 + ".npz"): ": File name too long",
    }
    if os.geteuid() == 0:
        os.mknod(tmp_path / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        refused[tmp_path / "device"] = " is not a regular file but a device"
    before = sorted(tmp_path.iterdir())
    for out, why in refused.items():
        assert refused_before_training(capsys, monkeypatch, out) == why
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_bytes() == b"old"


def test_safetensors_without_its_library_is_refused_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    why = refused_before_training(capsys, monkeypatch, tmp_path / "a.safetensors")
    assert "pip install 'fastconv[safetensors]'" in why


class SerialisationError(Exception):
    """What safetensors raises for a full disk: no OSError."""


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SerialisationError("No space left on device")]
)
def test_a_disk_that_is_full_at_the_end_of_training(folder, tmp_path, capsys, monkeypatch, error):
    def save(*_):
        raise error

    monkeypatch.setattr("fastconv.network.Network.save", save)
    out = tmp_path / "a.npz"
    line = failure(capsys, "train", "--data", folder, "--epochs", 1, "--out", out)
    assert line == f"fastconv: {out}: the network cannot be saved: No space left on device"
