"""`fastconv train` never loses a network: what cannot be saved is refused, and a good file is not written over."""

import os
import re
import stat
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from commands import failure

from fastconv import checkpoint
from fastconv.cli import parser
from fastconv.cli.finished import Finished
from fastconv.network import Network
from fastconv.training.epoch import Epoch


def test_out_that_names_a_folder_is_not_taken_for_a_file(tmp_path, capsys):
    assert "there is no folder" in failure(capsys, "train", "--out", f"{tmp_path}/none/")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_network_that_became_nan_is_not_saved_over_a_good_one(folder, trained, tmp_path, capsys, epochs):
    out = tmp_path / "a.npz"
    out.write_bytes(trained.read_bytes())
    arguments = ["train", "--model", "nielsen", "--data", folder, "--epochs", epochs, "--lr", "1e38"]
    assert parser.main([*map(str, arguments), "--out", str(out), "--overwrite"]) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "fastconv: training failed in epoch 1: the loss or the weights became NaN or infinite. "
        "Nothing was saved; try --lr 0.1, not 1e+38\n"
    )
    assert "saved" not in printed.out
    assert "test accuracy" not in printed.out
    assert out.read_bytes() == trained.read_bytes()


def test_a_network_whose_last_step_made_it_infinite_is_not_saved(folder, tmp_path, capsys, monkeypatch):
    """The loss of an epoch is that before its steps, so the weights are looked at as well."""
    batch, seen = Network.train_batch, []

    def train_batch(self, *arguments):
        found = batch(self, *arguments)
        seen.append(1)
        if len(seen) == 30:
            self.parameters.flat[3] = np.inf
        return found

    monkeypatch.setattr(Network, "train_batch", train_batch)
    parser.main(["train", "--data", str(folder), "--out", str(tmp_path / "a.npz")])
    line = capsys.readouterr().err
    assert "the weights became NaN or infinite" in line
    assert "try --lr 0.1, not 1\n" in line
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_fit_refuses_is_one_line(folder, tmp_path, capsys, monkeypatch):
    def fit(*_, callbacks, **__):
        callbacks[-1].on_epoch(SimpleNamespace(history=[Epoch(1, 0.5, 0.5, 0.5, 0.5, 0.1)], state=dict))
        raise FloatingPointError("what fit says")

    monkeypatch.setattr("fastconv.cli.train.fit", fit)
    line = failure(capsys, "train", "--data", folder, "--out", tmp_path / "a.npz", "--lr", 0.3)
    assert line.startswith("fastconv: training failed in epoch 2: the loss or the weights became NaN or infinite. ")
    assert line.endswith("Nothing was saved; try --lr 0.03, not 0.3")
    assert list(tmp_path.iterdir()) == []


def refused_before_training(capsys, monkeypatch, out, *more):
    monkeypatch.setattr("fastconv.cli.train.fit", None)  # what would be called
    line = failure(capsys, "train", "--data", "sample", "--out", out, *more)
    assert line.startswith("fastconv: --out ")
    return line.removeprefix("fastconv: --out ")


def test_what_cannot_hold_a_network_is_refused_before_training(tmp_path, capsys, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    os.mknod(tmp_path / "socket", stat.S_IFSOCK | 0o600)
    (tmp_path / "link to folder").symlink_to("folder")
    (tmp_path / "broken").symlink_to("none/a.npz")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    refused = {
        tmp_path / "pipe": "pipe",
        tmp_path / "link": "pipe",
        tmp_path / "socket": "socket",
        tmp_path / "broken": "link to none/a.npz, which does not exist",
        tmp_path / "file" / "a.npz": "Not a directory",
        tmp_path / "folder": "folder",
        tmp_path / "link to folder": "folder",
        tmp_path / "no" / "a.npz": f"No such file or directory: there is no folder {tmp_path / 'no'}",
        tmp_path / ("x" * 300 + ".npz"): "File name too long",
    }
    if os.geteuid() == 0:
        os.mknod(tmp_path / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        (tmp_path / "link to device").symlink_to("device")
        refused |= {tmp_path / "device": "device", tmp_path / "link to device": "device"}
    before = sorted(tmp_path.iterdir())
    for out, why in refused.items():
        for more in ([], ["--overwrite"]):
            said = refused_before_training(capsys, monkeypatch, out, *more)
            assert said.startswith(str(out))
            assert why in said.removeprefix(str(out))
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_that_cannot_be_written_says_where_to_choose_another(tmp_path, capsys, monkeypatch):
    def save(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fastconv.cli.saving.checkpoint.save", save)
    monkeypatch.chdir(tmp_path)
    line = failure(capsys, "train", "--data", "sample")
    why = "zhang2016.npz: a file cannot be written there: Permission denied"
    assert line == f"fastconv: {why}; choose another place with --out FILE"
    assert refused_before_training(capsys, monkeypatch, "a.npz") == why.replace("zhang2016", "a")


def test_a_suffix_of_another_format_is_refused_with_the_option_as_typed(tmp_path, capsys, monkeypatch):
    for suffix in (".pth", ".h5", ".pkl"):
        why = refused_before_training(capsys, monkeypatch, tmp_path / f"a{suffix}")
        assert why.startswith("must end in .npz or .safetensors, got ")
    assert os.listdir(tmp_path) == []


def test_safetensors_without_its_library_is_refused_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    why = refused_before_training(capsys, monkeypatch, tmp_path / "a.safetensors")
    assert re.search(r"\.safetensors.*pip install .*safetensors", why)
    assert os.listdir(tmp_path) == []


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
    assert list(tmp_path.iterdir()) == []


def trained_for_an_epoch(capsys, folder, *more):
    """What is printed by a training that goes well."""
    assert parser.main(["train", "--data", str(folder), "--epochs", "1", *map(str, more)]) == 0
    return capsys.readouterr().out


def test_a_file_that_exists_is_refused_before_training(tmp_path, capsys, monkeypatch):
    for name in ("a.npz", "a-2.npz", "my model.npz"):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "link.npz").symlink_to("a.npz")
    monkeypatch.chdir(tmp_path)
    cures = {"a.npz": "a-3.npz", "my model.npz": "'my model-2.npz'", "link.npz": "link-2.npz"}
    for name, other in cures.items():
        why = refused_before_training(capsys, monkeypatch, name)
        assert why == f"{name} exists; add --overwrite to replace it, or choose another name: --out {other}"
    assert (tmp_path / "a.npz").read_bytes() == b"old"


def test_overwrite_replaces_the_file(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, more in (("a.npz", ["--out", "a.npz"]), ("zhang2016.npz", [])):
        (tmp_path / name).write_bytes(b"old")
        assert f"saved     {name}\n" in trained_for_an_epoch(capsys, folder, *more, "--overwrite")
        assert checkpoint.metadata(tmp_path / name)["model"]["name"] == "zhang2016"
    assert sorted(name for name in os.listdir(tmp_path) if ".npz" in name) == ["a.npz", "zhang2016.npz"]


def test_without_out_no_file_is_replaced(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "saved     zhang2016.npz\n" in trained_for_an_epoch(capsys, folder)
    first = (tmp_path / "zhang2016.npz").read_bytes()
    assert "saved     zhang2016-2.npz (zhang2016.npz exists)\n" in trained_for_an_epoch(capsys, folder)
    os.mkfifo(tmp_path / "zhang2016-3.npz")
    (tmp_path / "zhang2016-4.npz").symlink_to("nowhere")
    assert "saved     zhang2016-5.npz (zhang2016.npz exists)\n" in trained_for_an_epoch(capsys, folder)
    assert (tmp_path / "zhang2016.npz").read_bytes() == first
    for number in (2, 5):
        assert checkpoint.metadata(tmp_path / f"zhang2016-{number}.npz")["model"]["name"] == "zhang2016"


@pytest.mark.parametrize("more", [[], ["--out", "zhang2016.npz"]])
def test_a_file_that_appears_during_training_is_kept(folder, tmp_path, capsys, monkeypatch, more):
    """As where two trainings run side by side."""
    monkeypatch.chdir(tmp_path)
    keep = Finished.on_epoch

    def other(self, run):
        (tmp_path / "zhang2016.npz").write_bytes(b"of another process")
        keep(self, run)

    monkeypatch.setattr(Finished, "on_epoch", other)
    assert "saved     zhang2016-2.npz (zhang2016.npz exists)\n" in trained_for_an_epoch(capsys, folder, *more)
    assert (tmp_path / "zhang2016.npz").read_bytes() == b"of another process"


def test_a_new_file_has_the_permissions_of_new_files(folder, tmp_path, capsys):
    before = os.umask(0o027)
    try:
        trained_for_an_epoch(capsys, folder, "--out", tmp_path / "a.npz")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.npz").stat().st_mode) == 0o640
