"""load: where data is found, what it must agree on, and the embedded sample."""

import gzip
import hashlib
import lzma
import os
import shutil
import tempfile
from pathlib import Path

import child
import numpy as np
import pytest

from fastconv import data
from fastconv.data import DataError, dataset, read_idx, write_idx

CONTENT = {  # SHA-256 of the decompressed files of the sample
    "train-images-idx3-ubyte.xz": "79d623aea6e7cb0a26f39b67b8f6ab9a128a528d86fb83ae6a2dadd855d235f7",
    "train-labels-idx1-ubyte.xz": "772372ea466aaed0dd35563ab81842183d895343685c455be5aa62268fc52044",
    "t10k-images-idx3-ubyte.xz": "7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef",
    "t10k-labels-idx1-ubyte.xz": "3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909",
}


@pytest.fixture
def folder(tmp_path):
    """A small dataset: 6 training and 3 test images of 4 x 5."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("t10k", 3)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 4, 5), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8))
    return tmp_path


@pytest.fixture
def bare(monkeypatch, tmp_path_factory):
    """A machine with neither FASTCONV_DATA nor the Debian package."""
    monkeypatch.delenv("FASTCONV_DATA", raising=False)
    monkeypatch.setattr(dataset, "INSTALLED", tmp_path_factory.mktemp("none") / "fashion-mnist")


def test_load_scales_images_and_widens_labels(folder):
    found = data.load(folder)
    assert found.folder == folder
    for part, count in ((found.train, 6), (found.test, 3)):
        assert part.images.shape == (count, 1, 4, 5)
        assert part.images.dtype == np.float32
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, np.arange(count))
    stored = read_idx(folder / "train-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(found.train.images[:, 0], stored.astype(np.float32) / np.float32(255))
    assert found.train.images.min() >= 0
    assert found.train.images.max() <= 1


def test_a_dataset_is_printed_by_its_shapes(folder):
    found = data.load(folder)
    assert repr(found.test) == "Split(images: (3, 1, 4, 5) float32, labels: (3,) int64)"
    assert repr(found).splitlines() == [
        "Dataset(",
        "    train=Split(images: (6, 1, 4, 5) float32, labels: (6,) int64),",
        "    test=Split(images: (3, 1, 4, 5) float32, labels: (3,) int64),",
        f"    folder='{folder}',",
        ")",
    ]
    assert repr(data.Split([1], None)) == "Split(images: [1], labels: None)"


@pytest.mark.parametrize("folder", [3, ["a"], b"a"[0]])
def test_what_is_no_name_of_a_folder(folder):
    with pytest.raises(TypeError, match=r"folder must be text or a pathlib\.Path, got (int|list)"):
        data.load(folder)


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_paths_of_every_kind(folder, kind):
    assert data.load(kind(f"{folder}")).folder == folder
    assert data.find_folder(kind("sample")) == dataset.SAMPLE
    assert len(data.load_labels(kind(f"{folder}/train-labels-idx1-ubyte"))) == 6
    assert data.load_images(kind(f"{folder}/train-images-idx3-ubyte.gz")).shape == (6, 1, 4, 5)


def test_the_names_with_a_dot_are_found_too(folder):
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert len(data.load(folder).train.labels) == 6


@pytest.mark.parametrize("end", ["", ".gz", ".xz"])
def test_files_may_be_plain_or_compressed(folder, end):
    expected = data.load(folder)
    pack = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[end]
    for path in list(folder.iterdir()):
        plain = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        path.unlink()
        path.with_name(path.name.removesuffix(".gz") + end).write_bytes(pack(plain))
    found = data.load(folder)
    for ours, theirs in zip(found.train + found.test, expected.train + expected.test, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_order_of_places(folder, bare, monkeypatch, tmp_path):
    assert data.find_folder() == dataset.SAMPLE
    shutil.copytree(folder, dataset.INSTALLED)
    assert data.find_folder() == dataset.INSTALLED
    monkeypatch.setenv("FASTCONV_DATA", str(folder))
    assert data.find_folder() == folder
    assert data.find_folder(tmp_path / "other") == tmp_path / "other"
    assert data.find_folder("sample") == dataset.SAMPLE
    monkeypatch.setenv("FASTCONV_DATA", "")
    assert data.find_folder() == dataset.INSTALLED


AS_SOMEBODY = """
import os, sys
from fastconv import data
os.chdir(sys.argv[1])
os.setgid(65534)
os.setuid(65534)
for action in (
    lambda: data.load("closed"), lambda: data.load("closed/inside"), lambda: data.load_labels("closed/labels"),
    lambda: data.read_idx("secret"), lambda: data.read_images("secret", (1, 4, 5)),
    lambda: data.read_images("closed", (1, 4, 5)), lambda: data.read_images("closed/a.png", (1, 4, 5)),
):
    try:
        action()
    except data.DataError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_without_permission_every_reader_raises_the_one_class():
    with tempfile.TemporaryDirectory() as top:  # which others reach, as those of pytest are not
        os.chmod(top, 0o755)
        (Path(top) / "closed" / "inside").mkdir(parents=True)
        (Path(top) / "closed").chmod(0o700)
        (Path(top) / "secret").write_bytes(b"x")
        (Path(top) / "secret").chmod(0o600)
        said = child.run("-c", AS_SOMEBODY, top).splitlines()
    names = ["closed", "closed/inside", "closed/labels", "secret", "secret", "closed", "closed/a.png"]
    assert said == [f"{name}: cannot be read: Permission denied" for name in names]


@pytest.mark.parametrize("empty", ["", b""])
def test_an_empty_name_is_not_the_folder_one_is_in(folder, monkeypatch, empty):
    monkeypatch.chdir(folder)
    for reader in (data.load, data.load_images, data.read_idx, lambda path: data.read_images(path, (1, 4, 5))):
        with pytest.raises(DataError, match=r"(path|folder) must be the name of a file or a folder, got ''"):
            reader(empty)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_folder_that_no_system_has(name):
    with pytest.raises(DataError, match="cannot be read"):
        data.load(name)


def test_an_incomplete_package_is_passed_over(folder, bare):
    shutil.copytree(folder, dataset.INSTALLED)
    (dataset.INSTALLED / "t10k-labels-idx1-ubyte").unlink()
    assert data.find_folder() == dataset.SAMPLE


def test_a_folder_that_was_asked_for_is_never_passed_over(folder, bare, monkeypatch):
    monkeypatch.setenv("FASTCONV_DATA", str(folder / "missing"))
    with pytest.raises(DataError, match="missing: no such folder"):
        data.load()
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"holds no t10k-labels-idx1-ubyte\[\.gz\|\.xz\]"):
        data.load(folder)


def test_images_and_labels_must_agree_in_number(folder):
    write_idx(folder / "train-labels-idx1-ubyte", np.zeros(5, np.uint8))
    with pytest.raises(DataError, match=r"holds 6 images, .* 5 labels"):
        data.load(folder)


def test_no_images_are_no_dataset(folder):
    write_idx(folder / "t10k-images-idx3-ubyte.gz", np.zeros((0, 4, 5), np.uint8))
    with pytest.raises(DataError, match="holds no images"):
        data.load(folder)


def test_splits_must_agree_in_size(folder):
    write_idx(folder / "t10k-images-idx3-ubyte.gz", np.zeros((3, 5, 4), np.uint8))
    with pytest.raises(DataError, match=r"\(1, 4, 5\) and test images of shape \(1, 5, 4\)"):
        data.load(folder)


@pytest.mark.parametrize(
    "array", [np.zeros((6, 20), np.uint8), np.zeros((6, 4, 5), np.float32), np.zeros((6, 0, 5), np.uint8)]
)
def test_images_must_be_bytes_in_three_dimensions(folder, array):
    write_idx(folder / "train-images-idx3-ubyte.gz", array)
    with pytest.raises(DataError, match="images must be bytes"):
        data.load(folder)


@pytest.mark.parametrize("array", [np.zeros((6, 1), np.uint8), np.zeros(6, np.int32)])
def test_labels_must_be_bytes_in_one_dimension(folder, array):
    write_idx(folder / "train-labels-idx1-ubyte", array)
    with pytest.raises(DataError, match="labels must be bytes"):
        data.load(folder)


def test_the_sample_is_balanced_and_small():
    sample = data.load("sample")
    np.testing.assert_array_equal(np.bincount(sample.train.labels), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(sample.test.labels), np.full(10, 100))
    assert sample.train.images.shape == (4000, 1, 28, 28)
    assert sample.test.images.shape == (1000, 1, 28, 28)
    assert sum(path.stat().st_size for path in dataset.SAMPLE.iterdir()) <= 1_900_000


def test_the_names_of_the_classes(folder):
    assert len(set(data.class_names(dataset.SAMPLE))) == 10
    assert data.class_names(dataset.INSTALLED) == data.class_names(dataset.SAMPLE)
    assert data.class_names(folder) is None


def test_no_test_image_of_the_sample_is_a_training_image():
    sample = data.load("sample")
    train, test = ({image.tobytes() for image in part.images} for part in (sample.train, sample.test))
    assert len(train) == 4000
    assert len(test) == 1000
    assert not train & test


@pytest.mark.parametrize("name", CONTENT)
def test_the_sample_is_what_was_taken(name):
    content = lzma.decompress((dataset.SAMPLE / name).read_bytes())
    assert hashlib.sha256(content).hexdigest() == CONTENT[name]


def test_the_sample_carries_its_licence():
    text = (dataset.SAMPLE / "LICENSE").read_text()
    assert "Zalando SE" in text
    assert "Permission is hereby granted, free of charge" in text


@pytest.mark.skipif(not dataset.INSTALLED.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_sample_is_the_first_of_each_class():
    for part, count in (("train", 400), ("t10k", 100)):
        images, labels = (read_idx(dataset.needed_file(dataset.INSTALLED, part, *kind)) for kind in dataset.KINDS)
        taken = [read_idx(dataset.needed_file(dataset.SAMPLE, part, *kind)) for kind in dataset.KINDS]
        for label in range(10):
            np.testing.assert_array_equal(taken[0][taken[1] == label], images[labels == label][:count])


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"download": True}, "^load takes no download, got download=True; nothing is downloaded: give the folder that"),
        ({"train": True}, r"^load takes no train, .*: write data = fastconv.data.load\(\), then data.train$"),
        ({"root": "data"}, r"^load takes no root, got root='data'; write fastconv.data.load\('data'\)$"),
        ({"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
    ],
)
def test_arguments_of_other_libraries(named, says):
    with pytest.raises(TypeError, match=says):
        data.load(**named)
