"""Data sets of arrays: what they give, what they refuse, and how they are pickled."""

import pickle

import numpy as np
import pytest

import fastconv.data
from fastconv.data import ArrayData, DataError, DataSet, read_arrays

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (5, 3, 6, 4), np.uint8)
LABELS = np.array([2, 0, 1, 1, 0])


def test_a_batch_holds_the_images_and_targets_of_the_indices_in_their_order():
    data = ArrayData(IMAGES, LABELS)
    images, targets = data.batch([3, 0, 3])
    assert isinstance(data, DataSet)
    assert len(data) == 5
    assert images.dtype == np.uint8
    assert targets.dtype == np.int64
    np.testing.assert_array_equal(images, IMAGES[[3, 0, 3]])
    np.testing.assert_array_equal(targets, [1, 2, 1])
    np.testing.assert_array_equal(data.labels, LABELS)


def test_a_batch_is_fresh_and_what_was_given_is_not_changed():
    kept = IMAGES.copy()
    kept.flags.writeable = False
    data = ArrayData(kept, LABELS)
    data.batch([0, 1])[0][:] = 0
    np.testing.assert_array_equal(data.batch([0, 1])[0], IMAGES[:2])


def test_grey_images_get_an_axis_of_channels_and_any_memory_layout_will_do():
    images, _ = ArrayData(IMAGES[::-1, 1, ::2], LABELS).batch([1])
    np.testing.assert_array_equal(images, IMAGES[::-1, 1, ::2][[1], None])


@pytest.mark.parametrize(("given", "got"), [(np.float16, np.float32), (bool, np.float32), (">f8", np.float64)])
def test_other_numbers_become_floats_of_this_machine(given, got):
    images, _ = ArrayData((IMAGES > 99).astype(given), LABELS).batch([0])
    assert images.dtype == got
    assert images.dtype.isnative
    np.testing.assert_array_equal(images, IMAGES[:1] > 99)


def test_nan_passes():
    images, targets = ArrayData(np.full((1, 1, 2, 2), np.nan), [np.nan]).batch([0])
    assert np.isnan(images).all()
    assert np.isnan(targets).all()


def test_images_of_several_sizes_come_as_a_list():
    data = ArrayData([IMAGES[0], IMAGES[1, :, :2], IMAGES[2]], [0, 1, 2])
    images, _ = data.batch([1, 0])
    assert [image.shape for image in images] == [(3, 2, 4), (3, 6, 4)]
    assert data.batch([0, 2])[0].shape == (2, 3, 6, 4)


def test_names_of_classes_are_numbered_in_alphabetical_order_or_in_that_given():
    assert ArrayData(IMAGES[:3], ["b", "a", "b"]).labels.tolist() == [1, 0, 1]
    given = ArrayData(IMAGES[:3], ["b", "a", "b"], classes=["c", "b", "a"])
    assert given.labels.tolist() == [1, 2, 1]
    assert given.classes == ("c", "b", "a")


def test_targets_that_are_no_class_indices_stay_as_they_are():
    one_hot = np.eye(5, dtype=np.float32)
    data = ArrayData(IMAGES, one_hot)
    assert data.labels is None
    assert data.classes is None
    np.testing.assert_array_equal(data.batch([4])[1], one_hot[[4]])


def test_a_split_and_a_pair_are_taken():
    split = fastconv.data.load("sample").test
    assert len(ArrayData(split)) == 1000
    assert len(ArrayData((IMAGES, LABELS))) == 5


def test_no_images_are_an_empty_data_set_and_no_indices_an_empty_batch():
    assert ArrayData(IMAGES[:0], []).batch(np.empty(0))[0].shape == (0, 3, 6, 4)
    assert ArrayData(IMAGES, LABELS).batch([])[0].shape == (0, 3, 6, 4)


@pytest.mark.parametrize(
    ("images", "targets", "words"),
    [
        (IMAGES, LABELS[:3], "one for each image, 5"),
        (IMAGES, LABELS[:, None], r"write targets\[:, 0\]"),
        (IMAGES, LABELS - 1, "must be >= 0"),
        (IMAGES.transpose(0, 2, 3, 1), LABELS, r"write numpy.moveaxis\(images, -1, 1\)"),
        (IMAGES.reshape(5, -1), LABELS, r"write images.reshape\(-1, C, H, W\)"),
        (IMAGES.astype(np.int64), LABELS, "write images.astype"),
        (IMAGES, ["a", 1, "b", "c", None], "names of classes|mixture"),
        (IMAGES, None, r"write ArrayData\(images, targets\)"),
        (np.ma.masked_array(IMAGES), LABELS, "masked"),
        ([IMAGES[0].transpose(1, 2, 0), IMAGES[0]], [0, 1], "transpose"),
    ],
)
def test_what_is_no_data_set_is_refused_with_what_to_write(images, targets, words):
    with pytest.raises((TypeError, ValueError), match=words):
        ArrayData(images, targets)


@pytest.mark.parametrize("classes", [["a", "a", "b"], "abc", ["a", "b"]])
def test_names_of_classes_must_fit(classes):
    with pytest.raises((TypeError, ValueError), match="class"):
        ArrayData(IMAGES, LABELS, classes)


@pytest.mark.parametrize(
    ("indices", "error"),
    [([5], IndexError), ([-1], IndexError), ([True], TypeError), ([0.5], TypeError), (1, TypeError)],
)
def test_indices_must_be_those_of_images(indices, error):
    with pytest.raises(error, match="indices must be"):
        ArrayData(IMAGES, LABELS).batch(indices)


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_in_npy_files_stay_there_also_when_pickled(tmp_path, order):
    np.save(tmp_path / "images.npy", np.asarray(IMAGES, order=order))
    np.save(tmp_path / "labels.npy", LABELS)
    data = read_arrays(tmp_path)
    assert isinstance(data.images, np.memmap)
    part = ArrayData(data.images[1:, :, ::2], LABELS[1:])
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.uint8, (500, 3, 32, 32))
    assert len(pickle.dumps(ArrayData(large, np.zeros(500, np.int8)))) < 50_000
    for each, images in ((data, IMAGES), (part, IMAGES[1:, :, ::2])):
        again = pickle.loads(pickle.dumps(each))
        np.testing.assert_array_equal(again.batch([3, 0])[0], images[[3, 0]])
        np.testing.assert_array_equal(again.labels, each.labels)


def test_arrays_in_memory_are_pickled_whole():
    again = pickle.loads(pickle.dumps(ArrayData(IMAGES, ["a", "b", "a", "c", "a"])))
    np.testing.assert_array_equal(again.batch(range(5))[0], IMAGES)
    assert again.classes == ("a", "b", "c")
    assert again.labels.tolist() == [0, 1, 0, 2, 0]


@pytest.mark.parametrize(
    "names", [("images", "labels"), ("x", "y"), ("x_train", "y_train"), ("train_images", "train_labels")]
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_archive_is_read_by_usual_names(tmp_path, names, save):
    save(tmp_path / "a.npz", **dict(zip(names, (IMAGES, LABELS), strict=True)))
    images, targets = fastconv.data.read(tmp_path / "a.npz").batch([1, 2])
    np.testing.assert_array_equal(images, IMAGES[1:3])
    np.testing.assert_array_equal(targets, LABELS[1:3])


def test_the_part_of_an_archive_is_chosen(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2])
    assert len(fastconv.data.read(tmp_path / "a.npz")) == 5
    assert len(fastconv.data.read(tmp_path / "a.npz", "test")) == 2
    with pytest.raises(DataError, match="no pair of usual names of the part 'validation'"):
        fastconv.data.read(tmp_path / "a.npz", "validation")


def test_archives_and_arrays_that_cannot_be_read_are_refused(tmp_path):
    np.savez(tmp_path / "names.npz", a=IMAGES, b=LABELS)
    np.savez(tmp_path / "objects.npz", x=np.array([None]), y=LABELS)
    (tmp_path / "text.npz").write_text("text")
    np.save(tmp_path / "alone.npy", IMAGES)
    for name, words in (
        ("names", "holds a, b, and no pair"),
        ("objects", "Python objects, which are never opened"),
        ("text", "not an .npz archive"),
    ):
        with pytest.raises(DataError, match=words):
            read_arrays(tmp_path / f"{name}.npz")
    with pytest.raises(DataError, match="write read_arrays"):
        fastconv.data.read(tmp_path / "alone.npy")
    content = (tmp_path / "alone.npy").read_bytes()
    (tmp_path / "alone.npy").write_bytes(content[:-1])
    with pytest.raises(DataError, match="declares an array"):
        read_arrays(tmp_path / "alone.npy", tmp_path / "alone.npy")


def test_a_damaged_member_of_an_archive_is_named(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=IMAGES, y=LABELS)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[100:140] = bytes(40)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        read_arrays(tmp_path / "a.npz")
