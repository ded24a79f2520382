"""`fastconv train`: what it prints and saves, how many epochs and threads it takes."""

import re

import numpy as np
import pytest
from commands import failure

import fastconv
from fastconv import checkpoint, data, models
from fastconv.cli import parser
from fastconv.data import write_idx
from fastconv.network import Network


def test_train_ends_with_the_test_accuracy(folder, trained, tmp_path, capsys):
    out = tmp_path / "again.npz"
    arguments = ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(out)]
    assert parser.main([*arguments, "--seed", "3", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("epoch ")]) == 4
    accuracy = re.fullmatch(r"test accuracy (\d+\.\d\d) %", lines[-1])
    assert float(accuracy[1]) >= 90
    described = checkpoint.metadata(out)
    assert 0 < described.pop("background") < 0.1
    assert described["model"]["name"] == "nielsen"
    assert (described["input_shape"], described["classes"]) == ((1, 28, 28), None)


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
    parser.main([*arguments, "--seed", "4", "--overwrite"])
    assert any((array != weights(out)[name]).any() for name, array in first.items())


@pytest.mark.parametrize(
    ("model", "more", "cure"),
    [
        ("lenet5", ["--lr", "1000"], "try --lr 0.1, not 1000"),
        ("zhang2016", ["--lr", "1000"], "try --lr 1, not 1000"),
        ("zhang2016", ["--lr", "1e-9"], "try more epochs than 1"),
    ],
)
def test_a_network_that_learns_nothing_is_saved_with_a_warning(folder, tmp_path, capsys, model, more, cure):
    arguments = ["train", "--model", model, "--data", str(folder), "--epochs", "1", *more]
    assert parser.main([*arguments, "--out", str(tmp_path / "a.npz")]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("test accuracy 10.00 %\n")
    assert printed.err == f"fastconv: warning: this is no better than one class for all images; {cure}\n"


def weights(path):
    network = Network(models.nielsen(), (1, 28, 28))
    network.load(path)
    return dict(network.parameters)


def test_the_default_number_of_epochs_shows_100_000_images(folder, monkeypatch, tmp_path):
    calls = []

    def fit(network, images, labels, **options):
        calls.append(options)
        raise ValueError("enough")

    monkeypatch.setattr("fastconv.cli.train.fit", fit)
    out = tmp_path / "a.npz"
    parser.main(["train", "--data", str(folder), "--out", str(out)])
    parser.main(["train", "--data", "sample", "--out", str(out)])
    monkeypatch.setattr("fastconv.cli.train.IMAGES_SHOWN", 1000)
    parser.main(["train", "--data", "sample", "--out", str(out), "--model", "nielsen"])
    assert [call["epochs"] for call in calls] == [334, 25, 5]
    assert [call["batch_size"] for call in calls] == [10, 10, 10]
    assert [call["optimizer"].lr for call in calls] == [1.0, 1.0, 0.1]
    assert not out.exists()


@pytest.mark.parametrize(("batch", "more", "threads"), [(10, [], 1), (50, [], 3), (10, ["--threads", "2"], 2)])
def test_small_batches_take_one_thread(folder, batch, more, threads, monkeypatch, tmp_path):
    monkeypatch.setattr("fastconv.cli.threads.set_num_threads", lambda n: fastconv.set_num_threads(n or 3))
    seen = []

    def fit(*_, **options):
        seen.append(fastconv.get_num_threads())
        raise ValueError("enough")

    monkeypatch.setattr("fastconv.cli.train.fit", fit)
    parser.main(["train", "--data", str(folder), "--batch-size", str(batch), "--out", str(tmp_path / "a.npz"), *more])
    assert seen == [threads]


def test_images_too_small_for_the_network(tmp_path, capsys):
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", np.zeros((5, 6, 6), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    message = failure(capsys, "train", "--data", tmp_path, "--out", tmp_path / "a.npz")
    assert "conv2 (Conv2D) reading pool1 (6, 1, 1): weight must fit into the padded image" in message


def test_more_classes_than_the_network_has(tmp_path, capsys):
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", np.zeros((5, 28, 28), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(6, 11, dtype=np.uint8))
    message = failure(capsys, "train", "--data", tmp_path, "--out", tmp_path / "a.npz")
    assert "zhang2016 has always 10 outputs, not 11; choose another --model" in message


def test_a_batch_is_never_said_to_be_larger_than_the_data(folder, tmp_path, capsys):
    arguments = ["--data", str(folder), "--epochs", "1", "--batch-size", "9999", "--out", str(tmp_path / "a.npz")]
    assert parser.main(["train", *arguments]) == 0
    assert "1 epoch, batches of 300 images, " in capsys.readouterr().out
