"""Data sets of pictures: folders of class folders, and tables of files and labels."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import fastconv.data
from fastconv.data import DataError, FileData, image_folder, image_list, picture_files, read_images

RNG = np.random.default_rng(2)
COLOUR = RNG.integers(0, 256, (6, 8, 3), np.uint8)


def save(path, pixels=COLOUR, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three classes; one picture lies deeper, and much else lies about."""
    root = tmp_path / "pictures"
    for number, name in enumerate(["cat/b.png", "cat/deep/a.bmp", "ant/x.tiff", "dog/é.webp", "dog/2.gif"]):
        save(root / name, np.full((4, 5, 3), 10 * number, np.uint8), **({"lossless": True} if "webp" in name else {}))
    for name in ("cat/.hidden.png", "cat/Thumbs.db", "dog/notes.txt", "__MACOSX/a.png", ".cache/a.png", "readme.md"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("no picture")
    return root


def test_each_class_folder_is_a_class_and_its_pictures_are_found_below_it(folder):
    data = image_folder(folder)
    assert data.classes == ("ant", "cat", "dog")
    names = [os.path.relpath(file, folder) for file in data.files]
    assert names == ["ant/x.tiff", "cat/b.png", "cat/deep/a.bmp", "dog/2.gif", "dog/é.webp"]
    assert data.labels.tolist() == [0, 1, 1, 2, 2]
    images, targets = data.batch([4, 1])
    assert images.dtype == np.uint8
    assert images.shape == (2, 3, 4, 5)
    assert targets.tolist() == [2, 1]
    assert images[:, 0, 0, 0].tolist() == [30, 0]


def test_given_classes_keep_their_indices_where_one_is_missing(folder):
    data = image_folder(folder, classes=["dog", "bee", "cat", "ant"])
    assert sorted(set(data.labels.tolist())) == [0, 2, 3]
    with pytest.raises(DataError, match="holds 'ant', which is not one of the classes"):
        image_folder(folder, classes=["dog", "cat"])


def test_empty_class_folders_are_all_named(folder):
    (folder / "fox").mkdir()
    (folder / "elk").mkdir()
    (folder / "elk" / "a.txt").write_text("text")
    with pytest.raises(DataError, match=r"2 of 5 class folders hold no pictures.*: elk; fox"):
        image_folder(folder)


def test_links_are_followed_once(folder):
    os.symlink(folder / "cat", folder / "cat" / "itself")
    os.symlink(folder / "ant", folder / "zebra")
    data = image_folder(folder)
    assert data.labels.tolist() == [0, 1, 1, 2, 2, 3]


def test_folders_without_class_folders_say_what_to_do(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no folders of pictures"):
        image_folder(tmp_path / "empty")
    with pytest.raises(DataError, match="of its own"):
        image_folder(folder / "ant")
    (tmp_path / "empty").rmdir()
    with pytest.raises(DataError, match=r"name '.*pictures'"):
        image_folder(tmp_path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_gives_the_numbers_of_read_images(tmp_path, mode, channels):
    if mode == "I;16":
        picture = Image.fromarray(RNG.integers(0, 65536, (6, 8), np.uint16))
    elif mode == "F":
        picture = Image.fromarray(RNG.random((6, 8), np.float32))
    else:
        picture = Image.fromarray(COLOUR).convert("RGB" if mode in ("1", "L", "P", "CMYK") else "RGBA").convert(mode)
    picture.save(tmp_path / "a.tiff")
    images, _ = FileData([tmp_path / "a.tiff"], [0], channels=channels).batch([0])
    assert images.dtype == (np.float32 if mode in ("I;16", "F") else np.uint8)
    shares = images / np.float32(255) if images.dtype == np.uint8 else images
    np.testing.assert_array_equal(shares, read_images(tmp_path / "a.tiff", (channels, 6, 8)))


def test_a_transparent_palette_is_drawn_on_black_and_exif_data_turn_a_picture(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([200, 100, 50, 10, 20, 30])
    picture.save(tmp_path / "a.png", transparency=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(COLOUR).save(tmp_path / "b.png", exif=exif)
    images, _ = FileData([tmp_path / "a.png", tmp_path / "b.png"], [0, 0]).batch([0, 1])
    assert images[0][:, 0].T.tolist() == [[0, 0, 0], [10, 20, 30]]
    np.testing.assert_array_equal(images[1], np.rot90(COLOUR, -1).transpose(2, 0, 1))


def test_a_batch_of_bytes_and_deeper_pictures_is_in_0_to_1(tmp_path):
    files = [save(tmp_path / "a.png"), save(tmp_path / "b.png", np.full((6, 8), 65535, np.uint16))]
    images, _ = FileData(files, [0, 1]).batch([0, 1])
    assert images.dtype == np.float32
    assert (images[1] == 1).all()
    np.testing.assert_allclose(images[0], COLOUR.transpose(2, 0, 1) / 255, atol=1e-7)


def test_sizes_that_differ_come_as_a_list_unless_a_size_is_given(tmp_path):
    files = [save(tmp_path / "a.png"), save(tmp_path / "b.png", COLOUR[:, :4])]
    assert [image.shape for image in FileData(files, [0, 1]).batch([1, 0])[0]] == [(3, 6, 4), (3, 6, 8)]
    assert FileData(files, [0, 1], size=5).batch([1, 0])[0].shape == (2, 3, 5, 5)
    assert FileData(files, [0, 1], size=(5, 7)).batch([1, 0])[0].shape == (2, 3, 5, 7)
    assert FileData(files, [0, 1], size=5, channels=1).batch([])[0].shape == (0, 1, 5, 5)


def test_one_size_takes_the_central_square_and_two_stretch(tmp_path):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = COLOUR[:4, :4]
    file = save(tmp_path / "a.png", wide)
    np.testing.assert_array_equal(FileData([file], [0], size=4).batch([0])[0][0], COLOUR[:4, :4].transpose(2, 0, 1))
    stretched = FileData([file], [0], size=(4, 6)).batch([0])[0] / np.float32(255)
    np.testing.assert_array_equal(stretched, read_images(file, (3, 4, 6)))


def test_a_large_jpeg_is_decoded_smaller_and_stays_alike(tmp_path):
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    file = save(tmp_path / "a.jpg", np.stack([np.broadcast_to(ramp, (480, 640))] * 3, -1), quality=95)
    small = FileData([file], [0], size=(30, 40)).batch([0])[0][0] / 255
    assert abs(small - read_images(file, (3, 30, 40))[0]).max() < 0.02


def test_a_jpeg_that_is_little_larger_than_needed_is_decoded_whole(tmp_path):
    file = save(tmp_path / "a.jpg", RNG.integers(0, 256, (48, 64, 3), np.uint8))
    small = FileData([file], [0], size=(24, 32)).batch([0])[0] / np.float32(255)
    np.testing.assert_array_equal(small, read_images(file, (3, 24, 32)))


def test_batches_are_the_same_from_any_thread(folder):
    data = image_folder(folder)
    orders = [RNG.permutation(5) for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(data.batch, orders))
    for order, (images, targets) in zip(orders, found, strict=True):
        np.testing.assert_array_equal(images, data.batch(order)[0])
        np.testing.assert_array_equal(targets, data.labels[order])


def test_unreadable_pictures_are_all_named_or_left_out_with_a_warning(folder):
    (folder / "ant" / "a.jpg").write_bytes(b"")
    (folder / "dog" / "b.png").write_text("text")
    whole = (folder / "cat" / "b.png").read_bytes()
    (folder / "cat" / "c.png").write_bytes(whole[: len(whole) // 2])
    data = image_folder(folder)
    assert [os.path.basename(file) for file in data.unreadable()] == ["a.jpg", "c.png", "b.png"]
    with pytest.raises(DataError, match=r"a\.jpg"):
        data.batch([0])
    with pytest.warns(UserWarning, match=r"3 of 8 pictures cannot be read, and are left out: .*a\.jpg.*c\.png") as seen:
        data = image_folder(folder, skip_unreadable=True)
    assert seen[0].filename == __file__
    assert len(data) == 5
    assert data.unreadable() == {}
    assert data.labels.tolist() == [0, 1, 1, 2, 2]


def test_no_readable_picture_is_an_error_and_a_warning_names_ten(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(12)]
    with pytest.raises(DataError, match=r"12 of 12 pictures cannot be read.*; and 2 more"):
        FileData(files, range(12), skip_unreadable=True)


def test_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("fastconv.data.pictures.MOST_PIXELS", 40)
    with pytest.raises(DataError, match="8 x 6 pixels, more than 40"):
        FileData([save(tmp_path / "a.png")], [0], size=2).batch([0])


def test_postscript_is_never_run(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(DataError, match="never run"):
        FileData([tmp_path / "a.png"], [0]).batch([0])


def test_a_data_set_of_files_can_be_pickled(folder):
    data = image_folder(folder, size=3)
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.batch([2])[0], data.batch([2])[0])
    assert again.classes == data.classes
    assert repr(again) == repr(data)


@pytest.mark.parametrize("options", [{"channels": 4}, {"size": 0}, {"size": "big"}, {"size": (1, 2, 3)}, {"size": ()}])
def test_bad_arguments_are_refused(options):
    with pytest.raises((TypeError, ValueError), match=r"channels must be|size must be"):
        FileData(["a.png"], [0], **options)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("a.png,dog\nb.png,cat\n", [1, 0]),
        ("\ufefffile,id,label\na.png,3,dog\nb.png,4,cat\n", [1, 0]),
        ("id;label;path\n1;7;a.png\n2;0;b.png\n\n", [7, 0]),
        ("a.png\t0.5\nb.png\t2\n", [0.5, 2.0]),
        ('name,what\r\n"a.png",x\r\nb.png,x\r\n', [0, 0]),
    ],
)
def test_a_table_of_files_and_labels_is_read(tmp_path, text, targets):
    save(tmp_path / "a.png"), save(tmp_path / "b.png")
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    data = fastconv.data.read(tmp_path / "list.csv")
    assert data.targets.tolist() == targets
    assert data.batch([1])[0].shape == (1, 3, 6, 8)
    assert (data.labels is None) == isinstance(targets[0], float)


def test_columns_are_chosen_by_name(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("what,x,y,where\ncat,1,2.5,a.png\n")
    data = image_list(tmp_path / "list.csv", columns=("where", "x", "y"))
    assert data.targets.tolist() == [[1.0, 2.5]]
    with pytest.raises(DataError, match="has no column 'z'; it has what, x, y, where"):
        image_list(tmp_path / "list.csv", columns=("where", "z"))
    (tmp_path / "list.csv").write_text("p,q,r\na.png,1,2\n")
    with pytest.raises(DataError, match="has the columns p, q, r; write columns="):
        image_list(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"file,label\n", "holds no pictures"),
        (b"file,label\na.png,\n", "row 2 lacks"),
        (b"file,label\na.png\n", "row 2 lacks"),
        (b"file,label\na.png,nan\n", "finite"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
        (b"a.png,1,2\n", "two columns"),
        (b"file,label\nmissing.png,1\n", "1 of 1 files are missing: .*missing.png"),
    ],
)
def test_tables_that_cannot_be_read_say_why(tmp_path, content, words):
    save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        image_list(tmp_path / "list.csv")


def test_a_list_of_pairs_is_read(tmp_path):
    save(tmp_path / "a.png"), save(tmp_path / "b.png")
    assert image_list([("a.png", "y"), ("b.png", "x")], tmp_path).labels.tolist() == [1, 0]
    assert image_list([(tmp_path / "a.png", 1.5)]).targets.tolist() == [1.5]
    assert image_list([("a.png", [1.0, 0.0])], tmp_path).targets.shape == (1, 2)


@pytest.mark.parametrize("pairs", [[], ["ab"], [("a.png", "x"), ("b.png", 1)], [("a", [1]), ("b", [1, 2])], [("", 1)]])
def test_lists_that_are_no_pairs_are_refused(pairs):
    with pytest.raises((TypeError, ValueError), match="must"):
        image_list(pairs)


def test_decoded_pictures_are_kept_as_long_as_there_is_room(tmp_path, monkeypatch):
    """Each of 8 x 8 pixels takes 192 bytes: two have room in 400, and nobody who changes a batch changes them."""
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        Image.new("RGB", (8, 8), (number, 2, 3)).save(file)
    seen, real = [], picture_files.read_pixels

    def read_pixels(path, *more):
        seen.append(path.name)
        return real(path, *more)

    monkeypatch.setattr(picture_files, "read_pixels", read_pixels)
    data = FileData(files, [0, 1, 0], keep=400)
    for _ in range(3):
        images, _ = data.batch([0, 1, 2])
        assert images[:, 0, 0, 0].tolist() == [0, 1, 2]
        images[...] = 99
    assert seen == ["0.png", "1.png", "2.png", "2.png", "2.png"]
    copied = pickle.loads(pickle.dumps(data))
    assert copied.batch([0])[0][0, 0, 0, 0] == 0
    assert seen[-1] == "0.png"
    FileData(files, [0, 1, 0], keep=0).batch([0, 0])
    assert seen[-2:] == ["0.png", "0.png"]
    with pytest.raises(ValueError, match="keep must be >= 0"):
        FileData(files, [0, 1, 0], keep=-1)


def test_kept_pictures_of_several_sizes_cannot_be_changed_from_outside(tmp_path):
    for name, size in (("a", 4), ("b", 6)):
        Image.new("RGB", (size, size), (7, 7, 7)).save(tmp_path / f"{name}.png")
    data = FileData([tmp_path / "a.png", tmp_path / "b.png"], [0, 1])
    for _ in range(2):
        images, _ = data.batch([0, 1])
        assert all((image == 7).all() for image in images)
        for image in images:
            image[...] = 0
