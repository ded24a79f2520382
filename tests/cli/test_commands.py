"""The command line: what it prints, what it exits with, and that each failure is one clear line."""

import os
import re
import signal
import stat
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastconv
from fastconv import checkpoint, data, kernels, models
from fastconv.cli import parser
from fastconv.data import write_idx
from fastconv.network import Network
from fastconv.training.loop import Epoch

CLASSES = data.class_names(data.find_folder("sample"))


@pytest.fixture(autouse=True)
def threads():
    """What --threads sets is this process's own."""
    yield
    fastconv.set_num_threads(None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset that a network learns in a moment: class k is a bright square in its own place."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 100)):
        labels = np.arange(count) % 10
        images = rng.integers(0, 30, (count, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = 4 + 6 * (label // 4), 1 + 7 * (label % 4)
            image[row : row + 6, column : column + 6] = 250
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels.astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    path = folder / "squares.npz"
    code = parser.main(
        ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(path), "--seed", "3"]
    )
    assert code == 0
    return path


def failure(capsys, *arguments):
    """The one line on standard error of a command that must fail."""
    assert parser.main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("fastconv: ")
    return line


def command(*arguments, cwd, **environment):
    """Run ``python -m fastconv`` on the fastconv that these tests use, wherever it is installed."""
    paths = [str(Path(fastconv.__file__).parents[1])]
    return subprocess.run(
        [sys.executable, "-m", "fastconv", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True,
        text=True,
    )


def test_train_ends_with_the_test_accuracy(folder, trained, tmp_path, capsys):
    out = tmp_path / "again.npz"
    arguments = ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(out)]
    assert parser.main([*arguments, "--seed", "3", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("epoch ")]) == 4
    accuracy = re.fullmatch(r"test accuracy (\d+\.\d\d) %", lines[-1])
    assert float(accuracy[1]) >= 90
    assert checkpoint.metadata(out) == {"model": "nielsen", "input_shape": [1, 28, 28], "classes": None}


def test_the_accuracy_printed_is_that_of_the_network_saved(folder, trained, tmp_path, capsys):
    out = tmp_path / "a.npz"
    parser.main(["train", "--data", str(folder), "--epochs", "1", "--out", str(out)])
    last = capsys.readouterr().out.splitlines()[-1]
    network = Network(models.zhang2016(), (1, 28, 28))
    network.load(out)
    test = data.load(folder).test
    right = np.mean(network.predict(test.images).argmax(axis=1) == test.labels)
    assert last == f"test accuracy {100 * right:.2f} %"


def test_the_same_seed_gives_the_same_network_on_any_number_of_threads(folder, trained, tmp_path):
    out = tmp_path / "again.npz"
    arguments = ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(out)]
    parser.main([*arguments, "--seed", "3", "--threads", "1"])
    first, second = (weights(path) for path in (trained, out))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    parser.main([*arguments, "--seed", "4"])
    assert any((array != weights(out)[name]).any() for name, array in first.items())


def weights(path):
    network = Network(models.nielsen(), (1, 28, 28))
    network.load(path)
    return dict(network.parameters)


def test_the_default_number_of_epochs_shows_100_000_images(folder, monkeypatch, tmp_path):
    calls = []

    def fit(network, images, labels, **options):
        calls.append(options)
        raise ValueError("enough")

    monkeypatch.setattr("fastconv.cli.commands.fit", fit)
    out = tmp_path / "a.npz"
    parser.main(["train", "--data", str(folder), "--out", str(out)])
    parser.main(["train", "--data", "sample", "--out", str(out)])
    monkeypatch.setattr("fastconv.cli.commands.IMAGES_SHOWN", 1000)
    parser.main(["train", "--data", "sample", "--out", str(out), "--model", "nielsen"])
    assert [call["epochs"] for call in calls] == [334, 25, 5]
    assert [call["batch_size"] for call in calls] == [10, 10, 10]
    assert [call["optimizer"].lr for call in calls] == [1.0, 1.0, 0.1]
    assert not out.exists()


@pytest.mark.parametrize(("batch", "more", "threads"), [(10, [], 1), (50, [], 3), (10, ["--threads", "2"], 2)])
def test_small_batches_take_one_thread(folder, batch, more, threads, monkeypatch, tmp_path):
    monkeypatch.setattr("fastconv.cli.commands.set_num_threads", lambda n: fastconv.set_num_threads(n or 3))
    seen = []

    def fit(*_, **options):
        seen.append(fastconv.get_num_threads())
        raise ValueError("enough")

    monkeypatch.setattr("fastconv.cli.commands.fit", fit)
    parser.main(["train", "--data", str(folder), "--batch-size", str(batch), "--out", str(tmp_path / "a.npz"), *more])
    assert seen == [threads]


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
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
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
        Image.new("L", (28, 28), 99).save(tmp_path / name)
    (tmp_path / "._b.png").write_bytes(b"\0\5\x16\7Mac OS X")
    (tmp_path / "a.png").write_bytes(b"<html>")
    (tmp_path / "c.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "e.png")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "x.png").write_bytes(b"")
    Image.new("L", (28, 28), 99).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:45])
    assert parser.main(["predict", str(trained), str(tmp_path), str(tmp_path / "b.png")]) == 1
    printed = capsys.readouterr()
    good = [line.split("\t")[0] for line in printed.out.splitlines()]
    assert good == [str(tmp_path / name) for name in ("b.png", "d.png", "z.PNG", "b.png")]
    bad = [re.match(r"fastconv: (.*?\.png)", line)[1] for line in printed.err.splitlines()]
    assert bad == [str(tmp_path / name) for name in ("a.png", "c.png", "cut.png", "e.png")]


def test_predict_goes_on_past_a_folder_that_cannot_be_listed(trained, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.new("L", (28, 28), 99).save(tmp_path / "a.png")
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
        Image.new("L", (28, 28), 99).save(path)
    read = data.read_images

    def read_images(path, shape):
        if Path(path) == paths[1]:
            raise error
        return read(path, shape)

    monkeypatch.setattr("fastconv.cli.commands.data.read_images", read_images)
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


def test_out_that_names_a_folder_is_not_taken_for_a_file(tmp_path, capsys):
    assert "there is no folder" in failure(capsys, "train", "--out", f"{tmp_path}/none/")
    assert os.listdir(tmp_path) == []


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


def test_info_tells_the_build_and_the_threads(capsys):
    fastconv.set_num_threads(1)
    assert parser.main(["info"]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["fastconv"].startswith(fastconv.__version__)
    assert rows["build"].replace(",", " ").split()[0] == kernels.build
    assert rows["builds"].split() == kernels.builds
    assert rows["threads"].startswith("1 of ")
    assert rows["NumPy"] == np.__version__
    assert set(rows) >= {"processor", "OpenMP", "Python"}


FAILURES = {
    "no such data": (["train", "--data", "{tmp}/none"], "none: no such folder"),
    "empty data": (["train", "--data", "{tmp}"], "holds no train-images-idx3-ubyte"),
    "out in a missing folder": (
        ["train", "--data", "{tmp}", "--out", "{tmp}/none/a.npz"],
        "a.npz: No such file or directory: there is no folder",
    ),
    "out is a folder": (["train", "--data", "{tmp}", "--out", "{tmp}"], "is not a regular file but a folder"),
    "data is a file": (["train", "--data", "{tmp}/file"], "file: is not a folder"),
    "too many threads": (
        ["train", "--data", "{tmp}", "--threads", "5000"],
        "--threads must be between 1 and 1024, got 5000",
    ),
    "threads beyond 64 bits": (["train", "--data", "{tmp}", "--threads", "9" * 30], "--threads must be between"),
    "no name": (["predict", "", "x.png"], "''"),
    "no such network": (["predict", "{tmp}/none.npz", "x.png"], "none.npz: No such file or directory"),
    "network is a folder": (["predict", "{tmp}", "x.png"], "is not a regular file but a folder"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_one_line_and_exit_code_1(name, tmp_path, capsys):
    arguments, message = FAILURES[name]
    (tmp_path / "file").write_bytes(b"")
    assert message in failure(capsys, *(argument.format(tmp=tmp_path) for argument in arguments))


def test_images_too_small_for_the_network(tmp_path, capsys):
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", np.zeros((5, 6, 6), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.zeros(5, np.uint8))
    failure(capsys, "train", "--data", tmp_path, "--out", tmp_path / "a.npz")


def test_more_classes_than_the_network_has(tmp_path, capsys):
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", np.zeros((5, 28, 28), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.full(5, 10, np.uint8))
    message = failure(capsys, "train", "--data", tmp_path, "--out", tmp_path / "a.npz")
    assert "from 0 to 9" in message


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
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz")
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert line.endswith(
        "a.npz: does not say which network it holds: it has no metadata; save it with 'fastconv train', or with "
        'network.save(path, metadata={"model": ..., "input_shape": network.input_shape})'
    )
    network.save(tmp_path / "a.npz", metadata={"model": "zhang2016", "input_shape": network.input_shape})
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    assert parser.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0


def test_the_fault_in_metadata_is_named_and_cut_where_it_is_long(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "alexnet" * 1000, "input_shape": [1, 28, 28]})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its metadata has the model 'alexnet" in line
    assert "not one of zhang2016, nielsen" in line
    assert len(line) < 500
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [28] * 1000})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert "its metadata has the input_shape [28, 28" in line
    assert len(line) < 500


@pytest.mark.parametrize(
    "classes", [5, "0123456789", {"0": "zero"}, ["zero"], list(range(10)), [["zero"]] * 10, [None] * 10, ["a"] * 11]
)
def test_classes_that_are_no_names(classes, tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28], "classes": classes})
    line = failure(capsys, "predict", tmp_path / "a.npz", "x.png")
    assert line.endswith("classes that are not 10 strings, as many as the network has outputs")


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
    monkeypatch.setattr("fastconv.cli.commands.Network", None)  # 2 GB
    message = "nielsen for images of shape (1, 1024, 1024), as its metadata says: the file is too small"
    assert message in failure(capsys, "predict", tmp_path / "a.npz", "x")


def test_a_file_that_holds_another_network_than_it_says(tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "nielsen", "input_shape": [1, 28, 28]})
    assert "does not fit" in failure(capsys, "predict", tmp_path / "a.npz", "x.png")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x93NUMPY"])
def test_files_that_are_no_networks(content, tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(content)
    failure(capsys, "predict", tmp_path / "a.npz", "x.png")


USAGE = {
    "nothing": [],
    "unknown command": ["learn"],
    "unknown option": ["train", "--rate", "1", "--data", "/none"],
    "abbreviated option": ["train", "--epoch", "1", "--data", "/none"],
    "unknown model": ["train", "--model", "alexnet"],
    "no epochs": ["train", "--epochs", "0"],
    "half an epoch": ["train", "--epochs", "0.5"],
    "negative batch": ["train", "--batch-size", "-5"],
    "no rate": ["train", "--lr", "0"],
    "infinite rate": ["train", "--lr", "inf"],
    "rate in words": ["train", "--lr", "fast"],
    "not a number": ["train", "--lr", "nan"],
    "negative seed": ["train", "--seed", "-1"],
    "no threads": ["predict", "--threads", "0", "a.npz", "x.png"],
    "no files": ["predict", "a.npz"],
    "no model": ["predict"],
    "info of what": ["info", "cpu"],
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_errors_exit_with_2(name, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(USAGE[name])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: fastconv")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "--help"]])
def test_help_has_examples_that_are_understood(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(arguments)
    assert stop.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"^  fastconv (.*?)(?:   .*)?$", text.partition("examples:")[2], re.MULTILINE)
    assert len(examples) == 3
    for example in examples:
        assert callable(parser.parser().parse_args(example.split()).run)


def test_as_a_module(tmp_path):
    done = command("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"fastconv {fastconv.__version__}\n")
    done = command("train", "--epochs", "none", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a whole number >= 1, got 'none'" in done.stderr


def test_the_environment_names_the_data_and_the_network_is_saved_here(folder, tmp_path):
    done = command("train", "--epochs", "1", cwd=tmp_path, FASTCONV_DATA=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"data      {folder}: 300 training and 100 test images" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["zhang2016.npz"]


def test_a_closed_pipe_is_no_traceback(folder, tmp_path):
    line = f"{sys.executable} -m fastconv train --data {folder} --epochs 3 | head -n 1"
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.startswith("data")
    assert done.stderr == ""


def test_interrupted_training_ends_with_130_and_saves_nothing(folder, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "fastconv", "train", "--data", str(folder), "--epochs", "100000"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert any("epoch 2 " in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "fastconv: interrupted\n")
    assert list(tmp_path.iterdir()) == []
