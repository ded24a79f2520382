"""What a file of weights says about its network, and what `fastconv predict` makes of it."""

import re

import numpy as np
import pytest
from commands import failure
from PIL import Image

import fastconv
from fastconv import checkpoint, models, sequential
from fastconv.cli import parser
from fastconv.layers import Flatten, Linear
from fastconv.network import Network


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"model": "other", "input_shape": [1, 28, 28]},
        {"model": ["zhang2016"], "input_shape": [1, 28, 28]},
        {"model": "zhang2016"},
        {"model": "zhang2016", "input_shape": [28, 28]},
        {"model": "zhang2016", "input_shape": [1, 28, True]},
        {"model": "zhang2016", "input_shape": [1, -28, -28]},
        {"model": "zhang2016", "input_shape": [1, 100_000, 100_000]},
        {"model": "zhang2016", "input_shape": [1, 1e3, 28]},
    ],
)
def test_a_file_that_does_not_say_what_it_holds(saved, tmp_path, capsys):
    Network(models.zhang2016(), (1, 28, 28), seed=0).save(tmp_path / "a.npz", saved)
    assert "does not say which network it holds" in failure(capsys, "predict", tmp_path / "a.npz", "x.png")


def test_a_file_without_metadata_says_how_to_give_them(tmp_path, capsys):
    Network(models.zhang2016(), (1, 28, 28), seed=0).save(tmp_path / "a.npz")
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "a.npz: does not say which network it holds: it has no metadata; " in line
    loads, saves = re.search(
        r"write (saved = .*?\)); (fastconv\.save\(.*\)) then writes a file that says it", line
    ).groups()
    exec(f"{loads}; {saves}", {"fastconv": fastconv, "names": [f"class {k}" for k in range(10)]})
    assert checkpoint.metadata(tmp_path / "a.npz")["model"]["name"] == "zhang2016"
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    assert parser.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0
    assert re.fullmatch(r".*x\.npy\tclass \d\t\d\.\d\d\d\n", capsys.readouterr().out)


def test_a_file_without_metadata_that_several_models_fit_asks_which_one_was_trained(tmp_path, capsys):
    Network(models.nielsen(), (1, 28, 28), seed=0).save(tmp_path / "a.npz")
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its arrays fit nielsen and nielsen-l2 alike, name the one that was trained: " in line


def test_a_network_of_ones_own_is_sent_to_python_and_the_line_works(tmp_path, capsys, monkeypatch):
    model = sequential(Flatten(), Linear(3))
    network = Network(model, (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz")
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "it has no metadata, and fits none of zhang2016, nielsen, " in line
    written = re.search(r"for a model of your own write (fastconv\.load\(.*\));", line)[1].replace(
        "(C, H, W)", "(1, 28, 28)"
    )
    monkeypatch.chdir(tmp_path)
    Image.new("L", (28, 28)).save("x.png")
    assert eval(written, {"model": model, "fastconv": fastconv}).predict("x.png").shape == (1, 3)
    network.save(tmp_path / "a.npz", {"model": "mine", "input_shape": network.input_shape})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its metadata has the model 'mine', not one of " in line
    assert "for a model of your own write fastconv.load(" in line


def test_the_fault_in_metadata_is_named_and_cut_where_it_is_long(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "alexnet" * 1000, "input_shape": [1, 28, 28]})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its metadata has the model 'alexnet" in line
    assert "not one of " in line
    assert len(line) < 1000
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [28] * 1000})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its metadata has the input_shape [28, 28" in line
    assert len(line) < 1000


@pytest.mark.parametrize(
    "classes", [5, "0123456789", {"0": "zero"}, ["zero"], list(range(10)), [["zero"]] * 10, [None] * 10, ["a"] * 11]
)
def test_classes_that_are_no_names(classes, tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28], "classes": classes})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert line.endswith("classes that are not 10 strings, as many as the network has classes")


def test_names_of_classes_cannot_break_lines(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    classes = ["a\tb\nc\x1b"] * 10
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28], "classes": classes})
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    assert parser.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0
    assert capsys.readouterr().out.split("\t")[1] == r"a\tb\nc\x1b"


def test_a_shape_that_is_too_small_for_the_network_is_named_with_the_file(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 2, 2]})
    message = "a.npz does not fit zhang2016 for images of shape (1, 2, 2), as its metadata says: "
    assert message in failure(capsys, "predict", tmp_path / "a.npz", "x")


def test_a_network_that_the_file_cannot_hold_is_refused_before_it_is_allocated(tmp_path, capsys, monkeypatch):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "nielsen", "input_shape": [1, 1024, 1024]})
    monkeypatch.setattr("fastconv.saved.files.Network", None)  # 2 GB
    message = "nielsen for images of shape (1, 1024, 1024), as its metadata says: the file is too small"
    assert message in failure(capsys, "predict", tmp_path / "a.npz", "x")


def test_a_file_that_holds_another_network_than_it_says(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "nielsen", "input_shape": [1, 28, 28]})
    assert "does not fit" in failure(capsys, "predict", tmp_path / "a.npz", "x.png")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"%PDF-1.4"])
def test_files_that_are_no_networks(content, tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(content)
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert line.startswith(f"fastconv: {tmp_path / 'a.npz'} is ")
    assert "not a checkpoint" in line


def test_a_file_of_keras_that_is_cut_off(tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(b"\x89HDF\r\n\x1a\n")
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert line.startswith(f"fastconv: {tmp_path / 'a.npz'} is damaged: ")


def test_metadata_without_a_model_say_how_to_name_it(tmp_path, capsys):
    network = Network(models.lenet5(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"epoch": 3})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "which network it holds: its metadata names no model; write saved = fastconv.load(" in line
    assert "model=fastconv.models.lenet5()" in line


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_name_without_its_suffix_is_told_the_whole_command(tmp_path, capsys, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"mine{suffix}").write_bytes(b"")
    line = failure(capsys, "predict", "mine", "a b.png", "c.png")
    cure = f"there is mine{suffix}: write fastconv predict mine{suffix} 'a b.png' c.png"
    assert line == f"fastconv: mine: No such file or directory; {cure}"
