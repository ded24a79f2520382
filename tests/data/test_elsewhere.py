"""load of what is no folder of the four files: what was found, and a line that works."""

import re
import shutil

import numpy as np
import pytest

from fastconv import data
from fastconv.data import DataError, read_images, write_idx


def said(path):
    with pytest.raises(DataError) as caught:
        data.load(path)
    return str(caught.value)


def four_files(folder):
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", np.zeros((2, 4, 5), np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.zeros(2, np.uint8))
    return folder


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "none/data"])
def test_the_name_of_a_dataset_is_told_that_nothing_is_downloaded(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert said(name).startswith(
        f"{name}: no such folder; nothing is downloaded: put the files train-images-idx3-ubyte, "
    )
    assert said(name).endswith("into a folder, or name 'sample', which comes with fastconv")
    assert len(data.load("sample").train.labels) == 4000


@pytest.mark.parametrize("place", ["MNIST/raw", "FashionMNIST/raw", "mnist"])
@pytest.mark.parametrize("above", [".", "data"])
def test_files_that_lie_deeper_are_found(tmp_path, place, above):
    four_files(tmp_path / "data" / place)
    folder = tmp_path / "data"
    if above == "." and place == "mnist":
        folder = tmp_path / "data"
    elif above == ".":
        folder = tmp_path
    line = f"name {str(tmp_path / 'data' / place)!r}, where they are"
    assert said(folder).endswith(f"holds no train-images-idx3-ubyte[.gz|.xz]; {line}")
    assert len(data.load(str(tmp_path / "data" / place)).train.labels) == 2


def test_one_of_the_four_files_is_told_its_folder(tmp_path):
    folder = four_files(tmp_path / "a")
    text = said(folder / "train-labels-idx1-ubyte")
    assert text.endswith(f"is not a folder; name {str(folder)!r}, the folder of the four files")
    shutil.move(folder / "t10k-labels-idx1-ubyte", tmp_path / "elsewhere")
    assert said(folder) == f"{folder}: holds no t10k-labels-idx1-ubyte[.gz|.xz]"


@pytest.mark.parametrize("inside", [False, True])
def test_the_file_of_keras_is_told_its_lines(tmp_path, inside):
    path = tmp_path / "mnist.npz"
    x, y = np.full((3, 4, 5), 255, np.uint8), np.arange(3, dtype=np.uint8)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    line = re.search(r"for the file of Keras, write: (.*)$", said(tmp_path if inside else path))[1]
    names = {"numpy": np}
    exec(line, names)
    assert (names["x"].shape, names["x"].dtype, names["x"].max()) == ((3, 1, 4, 5), np.float32, 1)
    assert (names["y"].dtype, names["y"].tolist()) == (np.int64, [0, 1, 2])


def test_pictures_by_class_are_told_how_they_are_read(tmp_path):
    line = "read a folder of class folders as a data set, fastconv.data.read(path)"
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a.pgm").write_bytes(b"P5 2 1 255 \0\xff")
    assert said(tmp_path).endswith(line)
    assert said(tmp_path / "cats").endswith(line)
    assert read_images(tmp_path / "cats", (1, 1, 2)).tolist() == [[[[0, 1]]]]
    picture = tmp_path / "cats" / "a.pgm"
    assert said(picture).endswith(f"is not a folder; write fastconv.data.read_images({str(picture)!r}, (C, H, W))")


@pytest.mark.parametrize(
    "name", ["cifar-10-batches-py", "cifar-10-batches-bin", "data_batch_1", "cifar-100-python.tar.gz"]
)
def test_cifar_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04")
    assert said(tmp_path).endswith("fastconv.data.read(path), from the files of its binary version")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.tar.gz", "unpack it, and name the folder"),
        ("a.zip", "unpack it"),
        ("a.txt", "name the folder with the files"),
    ],
)
def test_other_files(tmp_path, name, says):
    (tmp_path / name).write_bytes(b"x")
    assert f"is not a folder; {says}" in said(tmp_path / name)


def test_a_folder_that_the_environment_names_is_said_to_be_so(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTCONV_DATA", str(tmp_path / "none"))
    assert said(None).endswith("; the environment variable FASTCONV_DATA names this folder")
    assert "FASTCONV_DATA" not in said(tmp_path)


def test_a_folder_that_tells_nothing(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"x")
    (tmp_path / "none").symlink_to("nowhere")
    assert said(tmp_path) == f"{tmp_path}: holds no train-images-idx3-ubyte[.gz|.xz]"
