"""Files that hold no picture that can be read: the line that the error proposes makes one that can."""

import re

import numpy as np
import PIL.Image
import pytest

from fastconv.data import DataError, read_images

SHAPE = (1, 6, 8)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 6, 8))


def refused(path):
    with pytest.raises(DataError) as error:
        read_images(path, SHAPE)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "labels", "header", "delimiter"),
    [
        ("a.csv", False, "", ","),
        ("a.csv", True, "label,pixels", ","),
        ("a.csv", False, "p1,p2", ","),
        ("a.CSV", False, "", ";"),
        ("a.txt", False, "", " "),
        ("a.tsv", False, "", "\t"),
    ],
)
def test_a_table_says_how_to_save_its_images_and_the_line_works(tmp_path, monkeypatch, name, labels, header, delimiter):
    monkeypatch.chdir(tmp_path)
    rows = IMAGES.reshape(3, -1)
    rows = np.column_stack([[7, 8, 9], rows]) if labels else rows
    np.savetxt(name, rows, fmt="%d", delimiter=delimiter, header=header, comments="")
    exec(refused(name).partition("; if it holds pixels from 0 to 255, write ")[2], {"numpy": np})
    np.testing.assert_allclose(read_images("images.npy", SHAPE), IMAGES[:, None] / 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "array"),
    [
        ("a.mat", b"MATLAB 5.0 MAT-file", "scipy.io.loadmat('a.mat')[name]"),
        ("a.mat", b"2\0\0\0\1\0\0\0", "scipy.io.loadmat('a.mat')[name]"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "h5py.File('a.h5')[name][()]"),
    ],
)
def test_a_file_of_several_arrays_says_how_to_save_one(tmp_path, monkeypatch, name, content, array):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert refused(name).endswith(f"; save one of its arrays: numpy.save('images.npy', {array})")


@pytest.mark.parametrize(
    "content", [b"\0\0\0\x18ftypheic", b"\0\0\0\x20ftypavifx", b"%PDF-1.4", b"<svg/>", b"\n<?xml version='1.0'?>"]
)
def test_a_drawing_or_a_picture_of_a_phone_is_to_be_saved_in_another_format(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert refused(tmp_path / "a").endswith("; save it as a PNG or JPEG")


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "a.7z"])
def test_an_archive_is_to_be_unpacked(tmp_path, name):
    (tmp_path / name).write_bytes(b"cats/1.png")
    assert refused(tmp_path / name).endswith("; unpack it first")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"<html>"])
def test_where_nothing_is_known_nothing_is_told(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert ";" not in refused(tmp_path / "a.png")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, bool])
def test_a_grey_array_of_another_size_becomes_a_picture(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    array = np.full((12, 16), 255 if dtype is np.uint8 else 1, dtype)
    np.save("a.npy", array)
    line = re.search(r"write (PIL\.Image.*)$", refused("a.npy"))[1]
    eval(line, {"PIL": PIL, "array": array})
    assert (read_images("x.tiff", SHAPE) == 1).all()


def test_a_list_of_images_is_told_to_stack_them(tmp_path):
    images = np.empty(2, object)
    images[:] = [IMAGES[0].astype(np.uint8), None]
    np.save(tmp_path / "a.npy", images, allow_pickle=True)
    assert refused(tmp_path / "a.npy").endswith("images in a list must have one shape, for numpy.stack(images)")
