"""The command line: what it prints, what it exits with, and that each failure is one clear line."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastconv
from fastconv import checkpoint, cli, data, kernels, models
from fastconv.data import write_idx
from fastconv.network import Network

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
    code = cli.main(
        ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(path), "--seed", "3"]
    )
    assert code == 0
    return path


def failure(capsys, *arguments):
    """The one line on standard error of a command that must fail."""
    assert cli.main([str(argument) for argument in arguments]) == 1
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
    assert cli.main([*arguments, "--seed", "3", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("epoch ")]) == 4
    accuracy = re.fullmatch(r"test accuracy (\d+\.\d\d) %", lines[-1])
    assert float(accuracy[1]) >= 90
    assert checkpoint.metadata(out) == {"model": "nielsen", "input_shape": [1, 28, 28], "classes": None}


def test_the_accuracy_printed_is_that_of_the_network_saved(folder, trained, tmp_path, capsys):
    out = tmp_path / "a.npz"
    cli.main(["train", "--data", str(folder), "--epochs", "1", "--out", str(out)])
    last = capsys.readouterr().out.splitlines()[-1]
    network = Network(models.zhang2016(), (1, 28, 28))
    network.load(out)
    test = data.load(folder).test
    right = np.mean(network.predict(test.images).argmax(axis=1) == test.labels)
    assert last == f"test accuracy {100 * right:.2f} %"


def test_the_same_seed_gives_the_same_network_on_any_number_of_threads(folder, trained, tmp_path):
    out = tmp_path / "again.npz"
    arguments = ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(out)]
    cli.main([*arguments, "--seed", "3", "--threads", "1"])
    first, second = (weights(path) for path in (trained, out))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    cli.main([*arguments, "--seed", "4"])
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

    monkeypatch.setattr("fastconv.commands.fit", fit)
    out = tmp_path / "a.npz"
    cli.main(["train", "--data", str(folder), "--out", str(out)])
    cli.main(["train", "--data", "sample", "--out", str(out)])
    monkeypatch.setattr("fastconv.commands.IMAGES_SHOWN", 1000)
    cli.main(["train", "--data", "sample", "--out", str(out), "--model", "nielsen"])
    assert [call["epochs"] for call in calls] == [334, 25, 5]
    assert [call["batch_size"] for call in calls] == [10, 10, 10]
    assert [call["optimizer"].lr for call in calls] == [1.0, 1.0, 0.1]
    assert not out.exists()


@pytest.mark.parametrize(("batch", "more", "threads"), [(10, [], 1), (50, [], 3), (10, ["--threads", "2"], 2)])
def test_small_batches_take_one_thread(folder, batch, more, threads, monkeypatch, tmp_path):
    monkeypatch.setattr("fastconv.commands.set_num_threads", lambda n: fastconv.set_num_threads(n or 3))
    seen = []

    def fit(*_, **options):
        seen.append(fastconv.get_num_threads())
        raise ValueError("enough")

    monkeypatch.setattr("fastconv.commands.fit", fit)
    cli.main(["train", "--data", str(folder), "--batch-size", str(batch), "--out", str(tmp_path / "a.npz"), *more])
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
    assert cli.main(["predict", str(trained), *map(str, files), "--threads", "1"]) == 0
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
    assert cli.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.npy'}\tAnkle boot\t1.000\n"


def test_predict_says_which_files_it_cannot_read_and_reads_the_others(trained, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    files = [tmp_path / "missing.png", tmp_path / "x.npy", tmp_path / "bad.png"]
    assert cli.main(["predict", str(trained), *map(str, files)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{files[1]}\t")
    assert len(printed.err.splitlines()) == 2
    assert "missing.png: cannot be read" in printed.err
    assert "bad.png: not a picture that can be read" in printed.err


def test_info_tells_the_build_and_the_threads(capsys):
    fastconv.set_num_threads(1)
    assert cli.main(["info"]) == 0
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
        "a.npz: a file cannot be written there",
    ),
    "out is a folder": (["train", "--data", "{tmp}", "--out", "{tmp}"], "a file cannot be written there"),
    "too many threads": (["train", "--data", "{tmp}", "--threads", "5000"], "n must be between 1 and 1024"),
    "no such network": (["predict", "{tmp}/none.npz", "x.png"], "none.npz: No such file or directory"),
    "network is a folder": (["predict", "{tmp}", "x.png"], "Is a directory"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_one_line_and_exit_code_1(name, tmp_path, capsys):
    arguments, message = FAILURES[name]
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
        cli.main(USAGE[name])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: fastconv")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "--help"]])
def test_help_has_examples_that_are_understood(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"^  fastconv (.*?)(?:   .*)?$", text.partition("examples:")[2], re.MULTILINE)
    assert len(examples) == 3
    for example in examples:
        assert callable(cli.parser().parse_args(example.split()).run)


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
