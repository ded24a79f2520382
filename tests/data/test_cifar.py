"""CIFAR in its binary version: records of labels and bytes, written here by the format's description."""

import numpy as np
import pytest

import fastconv.data
from fastconv.data import DataError, read_cifar

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (2, 3072), np.uint8)


def record(pixels, *labels):
    return bytes(labels) + pixels.tobytes()


@pytest.fixture
def ten(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin").write_bytes(record(PIXELS[0], number) + record(PIXELS[1], 9))
    (folder / "test_batch.bin").write_bytes(record(PIXELS[1], 7))
    (folder / "batches.meta.txt").write_text("\n".join([f"class {number}" for number in range(10)] + ["", ""]))
    return folder


@pytest.fixture
def hundred(tmp_path):
    (tmp_path / "train.bin").write_bytes(record(PIXELS[0], 19, 99) + record(PIXELS[1], 3, 42))
    (tmp_path / "test.bin").write_bytes(record(PIXELS[1], 0, 1))
    (tmp_path / "coarse_label_names.txt").write_text("\n".join(f"coarse {number}" for number in range(20)))
    return tmp_path


def test_cifar_10_is_read_in_the_order_of_its_files(ten):
    data = read_cifar(ten)
    assert data.labels.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    assert data.classes[9] == "class 9"
    images, _ = data.batch([0, 9])
    np.testing.assert_array_equal(images, PIXELS.reshape(2, 3, 32, 32))
    assert read_cifar(ten, "test").labels.tolist() == [7]


def test_cifar_100_has_fine_and_coarse_classes(hundred):
    fine, coarse = read_cifar(hundred), read_cifar(hundred, coarse=True)
    assert fine.labels.tolist() == [99, 42]
    assert fine.classes is None
    assert coarse.labels.tolist() == [19, 3]
    assert coarse.classes[19] == "coarse 19"
    np.testing.assert_array_equal(fine.batch([1])[0], PIXELS[1:].reshape(1, 3, 32, 32))


def test_one_function_reads_it_too_from_its_folder_or_the_one_above(ten):
    assert len(fastconv.data.read(ten)) == 10
    assert fastconv.data.read(ten.parent, "test").labels.tolist() == [7]
    with pytest.raises(DataError, match="has the parts train and test"):
        fastconv.data.read(ten, "validation")


@pytest.mark.parametrize(("name", "archive"), [("data_batch_1", "cifar-10-binary"), ("train", "cifar-100-binary")])
def test_the_version_for_python_is_refused_with_the_file_to_take(tmp_path, name, archive):
    (tmp_path / name).write_bytes(b"\x80\x02")
    for read in (read_cifar, fastconv.data.read):
        with pytest.raises(DataError, match=f"never opened: take the binary version, {archive}"):
            read(tmp_path)


def test_missing_and_damaged_files_are_named(ten, tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read_cifar(tmp_path / "missing")
    with pytest.raises(DataError, match="is a file; name its folder"):
        read_cifar(ten / "test_batch.bin")
    with pytest.raises(ValueError, match="part must be"):
        read_cifar(ten, "validation")
    with pytest.raises(ValueError, match="coarse classes are those of CIFAR-100"):
        read_cifar(ten, coarse=True)
    (ten / "test_batch.bin").write_bytes(record(PIXELS[0], 10))
    with pytest.raises(DataError, match="a label must be below 10, got 10"):
        read_cifar(ten, "test")
    (ten / "test_batch.bin").write_bytes(record(PIXELS[0], 1)[:-1])
    with pytest.raises(DataError, match="must be a multiple of 3073 bytes, got 3072"):
        read_cifar(ten, "test")
    (ten / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"lacks data_batch_3\.bin"):
        read_cifar(ten)
