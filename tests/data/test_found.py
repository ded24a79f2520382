"""The data set of any path, and what is said of a path that holds none."""

import gzip

import child
import numpy as np
import pytest
from PIL import Image

import fastconv.data
from fastconv.data import ArrayData, DataError, DataSet, read, write_idx


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(path)


def test_the_files_of_mnist_are_read_as_bytes():
    data, arrays = read("sample"), fastconv.data.load("sample")
    images, targets = data.batch([5, 0])
    assert isinstance(data, DataSet)
    assert data.classes[9] == "Ankle boot"
    np.testing.assert_array_equal(images / np.float32(255), arrays.train.images[[5, 0]])
    np.testing.assert_array_equal(targets, arrays.train.labels[[5, 0]])
    assert len(read("sample", "test")) == 1000


def test_the_files_of_mnist_are_found_where_torchvision_puts_them(tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((2, 4, 4), np.uint8))
    write_idx(folder / "train-labels-idx1-ubyte", np.array([3, 1], np.uint8))
    assert read(tmp_path).labels.tolist() == [3, 1]
    with pytest.raises(DataError, match="holds no t10k-images"):
        read(tmp_path, "test")
    write_idx(folder / "train-labels-idx1-ubyte", np.array([3], np.uint8))
    with pytest.raises(DataError, match="one for each image, 2"):
        read(tmp_path)


def test_parts_in_folders_share_the_classes_of_the_training_part(tmp_path):
    for name in ("train/ant/a.png", "train/bee/a.png", "train/cat/a.png", "val/cat/a.png"):
        save(tmp_path / name)
    assert read(tmp_path).labels.tolist() == [0, 1, 2]
    data = read(tmp_path, "validation", channels=1, size=2)
    assert data.labels.tolist() == [2]
    assert data.batch([0])[0].shape == (1, 1, 2, 2)
    with pytest.raises(DataError, match="has no part 'test'; it has train, validation"):
        read(tmp_path, "test")


def test_classes_called_like_a_part_beside_others_are_classes(tmp_path):
    for name in ("train/a.png", "ship/a.png", "test/a.png"):
        save(tmp_path / name)
    assert read(tmp_path).classes == ("ship", "test", "train")
    with pytest.raises(DataError, match="has no parts; leave out part='test'"):
        read(tmp_path, "test")


def test_arrays_are_not_resized(tmp_path):
    assert isinstance(read("sample", channels=1, size=28), ArrayData)
    for options in ({"channels": 3}, {"size": 32}, {"size": (28, 32)}):
        with pytest.raises(DataError, match="arrays are not resized"):
            read("sample", **options)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.zip", b"PK\x03\x04", "is packed; unpack it"),
        ("a.png", b"\x89PNG", "is one picture; name the folder"),
        ("test_batch.bin", b"0", "is one file of several; name their folder"),
        ("train-images-idx3-ubyte", b"0", "is one file of several; name their folder"),
        ("a.pkl", b"\x80\x04", "is a pickle, which is never opened; a data set is a folder"),
        ("a", b"", "is empty; a data set is"),
    ],
)
def test_a_file_that_is_no_data_set_is_described(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read(tmp_path / name)


def test_a_folder_that_is_no_data_set_is_described(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "missing")
    with pytest.raises(DataError, match="must be the name"):
        read("")
    with pytest.raises(ValueError, match="part must be one of"):
        read(tmp_path, "dev")
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text"))
    with pytest.raises(DataError, match=r"holds a\.gz, packed; unpack it here"):
        read(tmp_path)
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match="holds pictures and no folders"):
        read(tmp_path)
    (tmp_path / "labels.csv").write_text("a.png,1\n")
    with pytest.raises(DataError, match=r"if this lists the pictures, name it, '.*labels\.csv'"):
        read(tmp_path)


def test_importing_fastconv_does_not_import_the_data_sets():
    code = (
        "import sys, fastconv; print([n for n in sys.modules if n in ('csv', 'zipfile', 'PIL', 'fastconv.data.found')])"
    )
    assert child.run("-c", code).strip() == "[]"
