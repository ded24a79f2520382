"""`fastconv predict`: the files it reads, and the files that it cannot read."""

import csv
import json
import os
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from commands import command, failure
from PIL import Image

from fastconv import data, models
from fastconv.cli import parser
from fastconv.data import write_idx
from fastconv.network import Network

CLASSES = data.class_names(data.find_folder("sample"))


def picture():
    """Something bright on black."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[8:20, 8:20] = 99
    return Image.fromarray(pixels)


def test_predict_reads_pictures_arrays_and_folders(folder, trained, tmp_path, capsys):
    test = data.load(folder).test
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in (0, 1):
        pixels = (test.images[number, 0] * 255).astype(np.uint8)
        Image.fromarray(pixels).resize((56, 56)).save(pictures / f"{number}.png")
    np.save(tmp_path / "two.npy", test.images[2:4])
    write_idx(tmp_path / "one.idx", (test.images[4, 0] * 255).astype(np.uint8))
    files = [pictures, tmp_path / "two.npy", tmp_path / "one.idx"]
    assert parser.main(["predict", str(trained), *map(str, files), "--threads", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split("\t") for line in printed]
    names = [pictures / "0.png", pictures / "1.png", f"{files[1]}[0]", f"{files[1]}[1]", files[2]]
    assert [row[0] for row in rows] == list(map(str, names))
    assert [row[1] for row in rows] == ["0", "1", "2", "3", "4"]
    assert all(0.2 < float(row[2]) <= 1 for row in rows)


def test_predict_names_the_classes_that_are_known(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.parameters["fc.bias"][9] = 100
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28], "classes": CLASSES})
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    assert parser.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.npy'}\tAnkle boot\t1.000\n"


def test_predict_says_which_files_it_cannot_read_and_reads_the_others(trained, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.asarray(picture()))
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    files = [tmp_path / "missing.png", tmp_path / "x.npy", tmp_path / "bad.png"]
    assert parser.main(["predict", str(trained), *map(str, files)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{files[1]}\t")
    assert len(printed.err.splitlines()) == 2
    assert "missing.png: cannot be read" in printed.err
    assert "bad.png: not a picture that can be read" in printed.err


def test_predict_goes_on_past_the_bad_pictures_of_a_folder(trained, tmp_path, capsys):
    for name in ("b.png", "d.png", "z.PNG"):
        picture().save(tmp_path / name)
    (tmp_path / "._b.png").write_bytes(b"\0\5\x16\7Mac OS X")
    (tmp_path / "a.png").write_bytes(b"<html>")
    (tmp_path / "c.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "e.png")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "x.png").write_bytes(b"")
    picture().save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:45])
    assert parser.main(["predict", str(trained), str(tmp_path), str(tmp_path / "b.png")]) == 1
    printed = capsys.readouterr()
    good = [line.split("\t")[0] for line in printed.out.splitlines()]
    assert good == [str(tmp_path / name) for name in ("b.png", "d.png", "z.PNG", "b.png")]
    bad = [re.match(r"fastconv: (.*?\.png)", line)[1] for line in printed.err.splitlines()]
    assert bad == [str(tmp_path / name) for name in ("a.png", "c.png", "cut.png", "e.png")]


def test_predict_goes_on_past_a_folder_that_cannot_be_listed(trained, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    picture().save(tmp_path / "a.png")
    assert parser.main(["predict", str(trained), str(tmp_path / "empty"), str(tmp_path / "a.png")]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{tmp_path / 'a.png'}\t")
    assert f"fastconv: {tmp_path / 'empty'}: holds no pictures" in printed.err


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(5, "Input/output error"), PermissionError(13, "Permission denied")]
)
def test_predict_goes_on_where_one_file_takes_too_much_or_fails_to_be_read(
    trained, tmp_path, capsys, monkeypatch, error
):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        picture().save(path)
    read = data.read_images

    def read_images(path, shape):
        if Path(path) == paths[1]:
            raise error
        return read(path, shape)

    monkeypatch.setattr("fastconv.cli.predict.data.read_images", read_images)
    assert parser.main(["predict", str(trained), str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert [line.split("\t")[0] for line in printed.out.splitlines()] == [str(paths[0]), str(paths[2])]
    (line,) = printed.err.splitlines()
    assert line.startswith(f"fastconv: {paths[1]}: ")


@pytest.mark.parametrize("filters", ["default", "ignore", "error"])
def test_a_network_of_another_width_is_read_and_that_is_one_line(tmp_path, capsys, filters):
    network = Network(models.known["nielsen"].build(), (1, 28, 28), "float64", seed=0)
    network.save(tmp_path / "m.npz", {"model": "nielsen", "input_shape": network.input_shape})
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter(filters)
        assert parser.main(["predict", str(tmp_path / "m.npz"), str(tmp_path / "x.npy")]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert printed.err.startswith(f"fastconv: {tmp_path / 'm.npz'}: rounded to the network's dtype: conv1.weight")
    assert printed.err.count("\n") == 1


def test_a_name_that_is_empty_is_not_the_folder_one_is_in(trained, tmp_path, capsys, monkeypatch):
    """As the shell gives it for a variable that is not set."""
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert failure(capsys, "predict", trained, "").endswith("path must be the name of a file or a folder, got ''")
    assert failure(capsys, "predict", "", "a.png").endswith("path must be the name of a file, got ''")
    for option in ("--out", "--data"):
        with pytest.raises(SystemExit, match="2"):
            parser.main(["train", option, ""])
        assert f"argument {option}: must not be empty" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_picture_of_many_channels_is_one_line(trained, tmp_path):
    """A TIFF of 42 samples per pixel: Pillow writes to standard error too, where nobody has told it not to."""
    Image.new("RGB", (28, 28)).save(tmp_path / "a.tiff")
    good = (tmp_path / "a.tiff").read_bytes()
    samples = struct.pack("<HHI", 277, 3, 1)
    assert good.count(samples) == 1
    at = good.index(samples) + len(samples)
    (tmp_path / "a.tiff").write_bytes(good[:at] + b"\x2a\0" + good[at + 2 :])
    result = command("predict", trained, "a.tiff", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("fastconv: a.tiff: not a picture that can be read: ")
    assert result.stderr.count("\n") == 1


def test_predict_says_that_an_image_holds_nan(trained, tmp_path, capsys):
    images = np.zeros((3, 28, 28), np.float32)
    images[1, 3, 3] = np.nan
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "one.npy", images[1] + np.inf)
    assert parser.main(["predict", str(trained), str(tmp_path / "x.npy"), str(tmp_path / "one.npy")]) == 1
    printed = capsys.readouterr()
    assert [line.split("\t")[0] for line in printed.out.splitlines()] == [f"{tmp_path / 'x.npy'}[{k}]" for k in (0, 2)]
    many, one = printed.err.splitlines()
    assert many.endswith("x.npy: no class for 1 of 3 images, the first being [1]: the image holds NaN or infinity")
    assert one.endswith("one.npy: no class for it: the image holds NaN or infinity")


@pytest.mark.parametrize("model", ["zhang2016", "nielsen"])
def test_predict_says_that_a_network_gives_nan_not_class_0(model, tmp_path, capsys):
    network = Network(models.known[model].build(), (1, 28, 28), seed=0)
    network.parameters.flat[...] = np.nan
    network.save(tmp_path / "a.npz", {"model": model, "input_shape": [1, 28, 28]})
    np.save(tmp_path / "x.npy", np.zeros((2, 28, 28), np.uint8))
    line = failure(capsys, "predict", tmp_path / "a.npz", tmp_path / "x.npy")
    assert line.endswith("x.npy: no class for 2 of 2 images, the first being [0]: the network gives NaN or infinity")


def test_a_pattern_that_no_file_matches(trained, capsys):
    line = failure(capsys, "predict", trained, "none/*.png")
    why = "none/*.png: no file has such a name, and none fits the pattern"
    assert line == f"fastconv: {why}"


def test_an_address_is_no_file_and_says_how_to_read_it(trained, capsys):
    line = failure(capsys, "predict", trained, "https://example.org/a b.png")
    assert line == (
        "fastconv: https://example.org/a b.png: is an address, not a file; "
        f"write curl -L 'https://example.org/a b.png' | fastconv predict {trained} -"
    )


def test_a_home_folder_in_quotes_is_explained(trained, capsys):
    line = failure(capsys, "predict", trained, "~/no such picture.png")
    assert line.endswith("no file has such a name; ~ stands for the home folder only without quotes")


def forms(trained, tmp_path, capsys, *more):
    """The lines of `predict` for a picture and an array of two."""
    picture().save(tmp_path / "a,b.png")
    np.save(tmp_path / "two.npy", np.stack([np.asarray(picture())] * 2))
    files = [str(tmp_path / "a,b.png"), str(tmp_path / "two.npy")]
    assert parser.main(["predict", str(trained), *files, *more]) == 0
    return files, capsys.readouterr().out.splitlines()


def test_the_best_classes_in_order(trained, tmp_path, capsys):
    network = Network(models.nielsen(), (1, 28, 28))
    network.load(trained)
    y = network.predict(np.asarray(picture(), np.float32)[None, None] / 255)[0].astype(float)
    shares = np.exp(y) / np.exp(y).sum()
    order = sorted(range(10), key=lambda k: -shares[k])[:3]
    files, lines = forms(trained, tmp_path, capsys, "--top", "3")
    names, numbers = lines[0].split("\t")[1::2], lines[0].split("\t")[2::2]
    assert names == [str(k) for k in order]
    assert numbers == [f"{shares[k]:.3f}" for k in order]
    _, lines = forms(trained, tmp_path, capsys, "--top", "3", "--json")
    first, _, last = map(json.loads, lines)
    assert (first["file"], last["file"], last["number"]) == (*files, 1)
    assert [entry["class"] for entry in first["top"]] == names
    assert (first["class"], first["probability"]) == (names[0], pytest.approx(shares.max(), rel=1e-4))


def test_csv_that_a_reader_of_csv_reads(trained, tmp_path, capsys):
    files, lines = forms(trained, tmp_path, capsys, "--csv", "--top", "2")
    head, *rows = csv.reader(lines)
    assert head == ["file", "class_1", "probability_1", "class_2", "probability_2"]
    assert [row[0] for row in rows] == [files[0], f"{files[1]}[0]", f"{files[1]}[1]"]
    assert 1 >= float(rows[0][2]) >= float(rows[0][4])
    assert forms(trained, tmp_path, capsys, "--csv")[1][0] == "file,class,probability"


def test_a_network_of_squares_gives_outputs_not_probabilities(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28]})
    _, lines = forms(tmp_path / "a.npz", tmp_path, capsys, "--json")
    assert set(json.loads(lines[0])) == {"file", "class", "output"}


def test_more_classes_than_there_are(trained, capsys):
    assert failure(capsys, "predict", trained, "x.png", "--top", "11").startswith("fastconv: --top must be at most 10")


def test_a_pattern_in_quotes_stands_for_its_files(trained, tmp_path, capsys):
    (tmp_path / "in" / "side").mkdir(parents=True)
    for name in ("b.png", "a.png", "in/side/c.png", "[d].png"):
        picture().save(tmp_path / name)
    for pattern, found in (("?.png", ["a.png", "b.png"]), ("**/c.png", ["in/side/c.png"]), ("[d].png", ["[d].png"])):
        assert parser.main(["predict", str(trained), str(tmp_path / pattern)]) == 0
        shown = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
        assert shown == [str(tmp_path / name) for name in found]
