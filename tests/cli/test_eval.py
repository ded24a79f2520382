"""`fastconv eval`: loss, accuracy, and the numbers of each class, counted again here with loops."""

import json
import math
import os

import numpy as np
import pytest
from commands import failure
from PIL import Image

from fastconv import Network, data, models
from fastconv.cli import parser

NAMES = ["ant", "bee", "cat", "cow", "eel", "elk", "emu", "fox", "gnu", "yak"]


@pytest.fixture
def birds(tmp_path):
    """A folder with a network whose classes have names."""
    network = Network(models.lenet5(), (1, 28, 28), seed=1)
    network.save(tmp_path / "a.npz", {"model": "lenet5", "input_shape": [1, 28, 28], "classes": NAMES})
    return tmp_path


@pytest.fixture
def digits(trained, folder):
    """The network's outputs for the test images, and their labels."""
    network = Network(models.nielsen(), (1, 28, 28))
    network.load(trained)
    test = data.load(folder).test
    return network.predict(test.images).astype(float), test.labels


def evaluated(capsys, *arguments):
    assert parser.main(["eval", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_numbers_are_those_of_loops(trained, folder, digits, capsys):
    found = evaluated(capsys, trained, "--data", folder, "--batch-size", "7")
    y, labels = digits
    loss, matrix = 0.0, [[0] * 10 for _ in range(10)]
    for row, label in zip(y, labels, strict=True):
        loss += math.log(sum(math.exp(v - max(row)) for v in row)) + max(row) - row[label]
        matrix[label][int(row.argmax())] += 1
    assert found["images"] == 100
    assert found["loss"] == pytest.approx(loss / 100, rel=1e-4)
    assert found["confusion_matrix"] == matrix
    right = [matrix[k][k] for k in range(10)]
    assert found["accuracy"] == pytest.approx(sum(right) / 100)
    for k, entry in enumerate(found["classes"]):
        column, row = sum(matrix[i][k] for i in range(10)), sum(matrix[k])
        assert (entry["class"], entry["images"]) == (str(k), row)
        assert entry["recall"] == pytest.approx(right[k] / row)
        assert entry["precision"] == (pytest.approx(right[k] / column) if column else None)


def test_the_table_shows_them(trained, folder, capsys):
    shown = evaluated(capsys, trained, "--data", folder)
    assert parser.main(["eval", str(trained), "--data", str(folder)]) == 0
    text = capsys.readouterr().out
    assert f"accuracy  {100 * shown['accuracy']:.2f} %\n" in text
    assert f"loss      {shown['loss']:.4f}\n" in text
    assert f"data      {folder}: 100 images\n" in text


def test_a_network_trained_with_squares_has_their_loss(folder, tmp_path, capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "zhang2016", "input_shape": [1, 28, 28]})
    test = data.load(folder).test
    y = network.predict(test.images).astype(float)
    expected = 0.5 * np.mean(((y - np.eye(10)[test.labels]) ** 2).sum(1))
    assert evaluated(capsys, tmp_path / "a.npz", "--data", folder)["loss"] == pytest.approx(expected, rel=1e-5)


def pictures(folder, classes, size=(28, 28), each=2):
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(folder / name / f"{number}.png")


def test_classes_are_compared_by_name_and_pictures_resized(birds, capsys):
    pictures(birds / "some", ["cat", "bee"], (40, 31))
    found = evaluated(capsys, birds / "a.npz", "--data", birds / "some")
    assert [(entry["class"], entry["images"]) for entry in found["classes"]][:4] == [
        ("ant", 0),
        ("bee", 2),
        ("cat", 2),
        ("cow", 0),
    ]
    assert found["classes"][0]["recall"] is None


def test_the_part_may_be_named(birds, capsys):
    for part, each in (("train", 3), ("val", 1)):
        pictures(birds / "parts" / part, NAMES, each=each)
    assert evaluated(capsys, birds / "a.npz", "--data", birds / "parts")["images"] == 10
    assert evaluated(capsys, birds / "a.npz", "--data", birds / "parts", "--part", "train")["images"] == 30
    line = failure(capsys, "eval", birds / "a.npz", "--data", birds / "parts", "--part", "test")
    assert line.endswith("has no part 'test'; it has train, validation")


def test_classes_that_the_network_does_not_know(birds, capsys):
    pictures(birds / "more", ["ant", "dog"])
    line = failure(capsys, "eval", birds / "a.npz", "--data", birds / "more")
    assert line.endswith("more: has the class 'dog', which the network does not know; it knows " + ", ".join(NAMES))
    np.savez(birds / "x.npz", images=np.zeros((1, 28, 28), np.uint8), labels=[10])
    line = failure(capsys, "eval", birds / "a.npz", "--data", birds / "x.npz")
    assert line.endswith("has the class 10, and the network has 10 outputs, from 0")


def test_all_pictures_that_cannot_be_read_are_named_or_left_out(birds, capsys):
    pictures(birds / "some", NAMES)
    for name in ("ant/0.png", "cat/1.png"):
        (birds / "some" / name).write_bytes(b"no picture")
    line = failure(capsys, "eval", birds / "a.npz", "--data", birds / "some")
    assert "2 of 20 pictures cannot be read: " in line
    assert os.path.join("ant", "0.png") in line
    assert os.path.join("cat", "1.png") in line
    assert parser.main(["eval", str(birds / "a.npz"), "--data", str(birds / "some"), "--skip-unreadable"]) == 0
    printed = capsys.readouterr()
    assert ": 18 images\n" in printed.out
    assert printed.err.startswith("fastconv: warning: 2 of 20 pictures cannot be read, and are left out: ")
    assert printed.err.count("\n") == 1


ARRAYS = {
    "floating-point labels": (np.zeros((2, 28, 28), np.uint8), np.zeros(2), "labels must be class indices or names"),
    "one-hot rows": (np.zeros((2, 28, 28), np.uint8), np.eye(2), "for one-hot rows save labels.argmax(1)"),
    "images of another size": (
        np.zeros((2, 1, 9, 9), np.uint8),
        np.array([0, 1]),
        "the network reads images of shape (1, 28, 28), got (1, 9, 9)",
    ),
    "channels last": (np.zeros((2, 28, 28, 3), np.uint8), np.array([0, 1]), "numpy.moveaxis(images, -1, 1)"),
    "whole numbers": (np.zeros((2, 28, 28), np.int64), np.array([0, 1]), "got int64"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_are_one_line(name, birds, capsys):
    images, labels, said = ARRAYS[name]
    np.savez(birds / "x.npz", images=images, labels=labels)
    line = failure(capsys, "eval", birds / "a.npz", "--data", birds / "x.npz")
    assert said in line
    assert str(birds / "x.npz") in line


def test_arrays_with_names_of_parts(birds, capsys):
    x, t = np.zeros((3, 28, 28), np.uint8), np.array(["bee", "ant", "bee"])
    np.savez(birds / "x.npz", x_train=x[:1], y_train=t[:1], x_test=x, y_test=t)
    found = evaluated(capsys, birds / "a.npz", "--data", birds / "x.npz")
    assert [entry["images"] for entry in found["classes"]] == [1, 2, *[0] * 8]
