"""read_images: pictures, arrays and folders, as a network reads them."""

import glob
import gzip
import lzma
import os
import re
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from fastconv.data import DataError, read_images, write_idx
from fastconv.data.images import pictures

GREY, RGB = (1, 6, 8), (3, 6, 8)
RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 256, (6, 8), np.uint8)
COLOUR = RNG.integers(0, 256, (6, 8, 3), np.uint8)


@pytest.fixture
def save(tmp_path):
    def save(name, pixels, **options):
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_a_grey_picture(save):
    images = read_images(save("a.png", PLANE), GREY)
    assert images.shape == (1, 1, 6, 8)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images[0, 0], PLANE / np.float32(255))


def test_a_colour_picture(save):
    images = read_images(save("a.png", COLOUR), RGB)
    np.testing.assert_array_equal(images[0], COLOUR.transpose(2, 0, 1) / np.float32(255))
    assert images.flags.c_contiguous


def test_colour_becomes_grey_and_grey_colour(save):
    grey = read_images(save("a.png", COLOUR), GREY)[0, 0]
    np.testing.assert_allclose(grey, COLOUR @ [0.299, 0.587, 0.114] / 255, atol=1 / 255)
    colour = read_images(save("b.png", PLANE), RGB)[0]
    np.testing.assert_array_equal(colour, np.broadcast_to(PLANE / np.float32(255), (3, 6, 8)))


def test_a_picture_is_resized(save):
    large = PLANE.repeat(10, axis=0).repeat(10, axis=1)
    images = read_images(save("a.png", large), GREY)
    assert images.shape == (1, 1, 6, 8)
    assert np.abs(images[0, 0] - PLANE / 255).mean() < 0.15
    flat = read_images(save("b.png", np.full((50, 9), 77, np.uint8)), GREY)
    np.testing.assert_array_equal(flat, np.full((1, 1, 6, 8), 77 / 255, np.float32))


def test_jpeg(save):
    images = read_images(save("a.jpg", np.full((20, 30), 128, np.uint8)), GREY)
    np.testing.assert_allclose(images, 128 / 255, atol=2 / 255)


def test_16_bits_of_grey_are_scaled_not_clipped(save):
    deep = PLANE.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_images(save("a.png", deep), GREY)[0, 0], PLANE / np.float32(255))


def test_transparent_parts_are_black(save):
    pixels = np.dstack([COLOUR, np.full((6, 8), 255, np.uint8)])
    pixels[:3, :, 3] = 0
    images = read_images(save("a.png", pixels), RGB)[0]
    np.testing.assert_array_equal(images[:, :3], 0)
    np.testing.assert_array_equal(images[:, 3:], COLOUR[3:].transpose(2, 0, 1) / np.float32(255))


def test_a_picture_is_turned_upright(save):
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    images = read_images(save("a.png", PLANE, exif=exif), GREY)
    np.testing.assert_array_equal(images[0, 0], PLANE[::-1, ::-1] / np.float32(255))


@pytest.mark.parametrize(
    ("shape", "count"), [((6, 8), 1), ((1, 6, 8), 1), ((5, 6, 8), 5), ((5, 1, 6, 8), 5), ((2, 5, 6, 8), 10)]
)
@pytest.mark.parametrize("kind", ["npy", "idx", "gz", "xz"])
def test_arrays_of_bytes(tmp_path, kind, shape, count):
    array = RNG.integers(0, 256, shape, np.uint8)
    path = tmp_path / f"a.{kind.replace('xz', 'idx')}"
    np.save(path, array) if kind == "npy" else write_idx(path, array)
    if kind == "xz":
        path.write_bytes(lzma.compress(path.read_bytes()))
    images = read_images(path, GREY)
    assert images.shape == (count, 1, 6, 8)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images.ravel(), array.ravel() / np.float32(255))


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_arrays_of_floats_stay_as_they_are(tmp_path, dtype):
    array = np.asfortranarray((RNG.integers(0, 9, (4, 3, 6, 8)) * 100).astype(dtype))
    np.save(tmp_path / "a.npy", array)
    images = read_images(tmp_path / "a.npy", RGB)
    assert images.dtype == np.float32
    assert images.flags.writeable
    np.testing.assert_array_equal(images, array.astype(np.float32))


@pytest.mark.parametrize("shape", [(8, 6), (3, 8, 6), (2, 7, 8), (48,), (), (0, 6, 8)])
def test_arrays_of_another_shape_are_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match=r"a\.npy: "):
        read_images(tmp_path / "a.npy", GREY)


def test_grey_arrays_are_not_colour(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((6, 8), np.uint8))
    with pytest.raises(DataError, match=r"images of shape \(3, 6, 8\), got an array \(6, 8\)"):
        read_images(tmp_path / "a.npy", RGB)


@pytest.mark.parametrize("dtype", ["int64", "complex64", "U2"])
def test_arrays_of_another_type_are_refused(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((6, 8), dtype))
    with pytest.raises(DataError, match="must be bytes or floating-point numbers"):
        read_images(tmp_path / "a.npy", GREY)


def npy(header, content=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def npy_of(descr, shape, size=0):
    return npy(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape})}}", bytes(size))


HOSTILE = {
    "npy magic alone": b"\x93NUMPY",
    "npy version": b"\x93NUMPY\x09\x09" + bytes(20),
    "npy header cut": npy_of("|u1", "6, 8")[:20],
    "npy not a dictionary": npy("[1, 2]"),
    "npy not Python": npy("{'descr': '|u1', "),
    "npy keys": npy("{'descr': '|u1'}"),
    "npy dtype": npy_of("hello", "6, 8", 48),
    "npy objects": npy_of("|O", "6, 8", 400),
    "npy short": npy_of("|u1", "6, 8", 47),
    "npy giant": npy_of("<f8", "1099511627776, 6, 8", 48),
    "npy overflow": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 6, 8)}", bytes(48)),
    "npy negative": npy_of("|u1", "-1, 6, 8", 48),
    "npy two negatives": npy_of("|u1", "-6, -8", 48),
    "npy 100 dimensions": npy_of("|u1", "1," * 100, 1),
    "npy beyond 64 bits": npy_of("<f8", "9" * 40 + ", 6, 8", 48),
    "pickle": b"\x80\x04N.",
    "zip": b"PK\x03\x04" + bytes(30),
    "idx cut": b"\0\0\x08\x02" + struct.pack(">2I", 6, 8) + bytes(47),
    "gzip cut": b"\x1f\x8b\x08",
    "xz cut": lzma.compress(b"x")[:8],
    "empty": b"",
    "text": b"hello world",
    "png cut": b"\x89PNG\r\n\x1a\n" + bytes(8),
    "jpeg cut": b"\xff\xd8\xff\xe0" + bytes(8),
    "gif cut": b"GIF89a" + bytes(8),
    "bmp of 2^31 pixels per side": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, *[0] * 6),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(DataError, match="file: "):
        read_images(path, GREY)


def png(width, height, content):
    chunks = (
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", content),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("side", [8200, 10_000, 20_000, 2**31 - 1])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png(side, side, zlib.compress(bytes(1000))))
    with pytest.raises(DataError, match=r"a\.png: .*(pixels|large)"):
        read_images(tmp_path / "a.png", GREY)


def test_a_picture_whose_data_is_cut(tmp_path):
    (tmp_path / "a.png").write_bytes(png(8, 6, zlib.compress(bytes(20))))
    with pytest.raises(DataError, match=r"a\.png: not a picture that can be read"):
        read_images(tmp_path / "a.png", GREY)


def test_every_prefix_of_a_picture_is_refused_or_read_rightly(save):
    path = save("a.png", PLANE)
    content = path.read_bytes()
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        try:
            images = read_images(path, GREY)
        except DataError:
            continue
        np.testing.assert_array_equal(images[0, 0], PLANE / np.float32(255))


def test_a_folder_is_read_in_alphabetical_order(save, tmp_path):
    for value, name in enumerate(["b.png", "a.PNG", "c.jpg"]):
        save(name, np.full((6, 8), value * 100, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    images = read_images(tmp_path, GREY)
    np.testing.assert_allclose(images[:, 0, 0, 0] * 255, [100, 0, 200], atol=2)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        read_images(tmp_path, GREY)


def test_missing_files_and_pipes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is not a regular file"):
        read_images(tmp_path / "pipe", GREY)
    with pytest.raises(DataError, match="cannot be read"):
        read_images(tmp_path / "missing.png", GREY)


def test_a_picture_has_1_or_3_channels(save):
    with pytest.raises(DataError, match="the network reads 12"):
        read_images(save("a.png", PLANE), (12, 6, 8))


def test_without_pillow_the_message_says_how_to_get_it(save, monkeypatch):
    path = save("a.png", PLANE)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"reading pictures needs Pillow: pip install pillow$"):
        read_images(path, GREY)


APPLE = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(40)
NO_IMAGES = {
    "AppleDouble": (APPLE, "it is an AppleDouble file"),
    "empty": (b"", "it is empty"),
    "zip": (b"PK\x03\x04" + bytes(30), "it is a zip archive, as .npz files are"),
    "pickle": (b"\x80\x04N.", "it is a pickle, which is never opened"),
    "HTML": (b"\n <!DOCTYPE html><html>", "it is an HTML page"),
    "HTML after a mark": (b"\xef\xbb\xbf<html lang=de>", "it is an HTML page"),
    "SVG": (b"<svg xmlns='x'/>", "it is an SVG drawing"),
    "PDF": (b"%PDF-1.7", "it is a PDF document"),
    "PostScript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n",
        "it is PostScript, a program, which is never run",
    ),
    "PostScript of DOS": (b"\xc5\xd0\xd3\xc6\x1e\0\0\0" + bytes(22), "it is PostScript, a program"),
    "text": (b"version https://git-lfs\noid", r"it is text, and begins with 'version https://git-lfs\noid'"),
    "text as a TIFF or BMP begins": (b"BMW and II", "it is text, and begins with 'BMW and II'"),
    "film": (b"\0\0\0\x18ftypmp42" + bytes(20), "it is a film, or a picture in HEIC"),
    "zeros": (bytes(300), "it is of an unknown kind, and starts with 00 00 00 00"),
    "zeros and a type": (b"\0\0\x08\0" + bytes(300), "not a picture that can be read"),
    "zeros, a type, 9 dimensions": (b"\0\0\x08\x09" + bytes(300), "not a picture that can be read"),
    "TIFF cut": (b"II*\0" + bytes(4), "it is a TIFF, damaged or of a kind that Pillow does not read"),
    "gzip of text": (gzip.compress(b"hello"), "a gzip file must hold an IDX array; the content of this one is text"),
    "gzip of .npy": (gzip.compress(b"\x93NUMPY\1\0"), "the content of this one is a .npy array; unpack it with gunzip"),
    "gzip of a PNG": (gzip.compress(b"\x89PNG\r\n\x1a\n"), "the content of this one is a PNG"),
    "gzip of nothing": (gzip.compress(b""), "the content of this one is empty"),
    "gzip of IDX cut": (
        gzip.compress(b"\0\0\x08\x01\0\0\0\5" + bytes(5))[:-9],
        "cannot be read: Compressed file ended",
    ),
    "xz of text": (lzma.compress(b"hello"), "an xz file must hold an IDX array; the content of this one is text"),
    "xz of .npy": (lzma.compress(b"\x93NUMPY\1\0"), "the content of this one is a .npy array; unpack it with unxz"),
    "xz of nothing": (lzma.compress(b""), "the content of this one is empty"),
    "xz of IDX cut": (
        lzma.compress(b"\0\0\x08\x01\0\0\0\5" + bytes(5))[:-9],
        "cannot be read: Compressed file ended",
    ),
}


@pytest.mark.parametrize("suffix", ["", ".jpg"])
@pytest.mark.parametrize("name", NO_IMAGES)
def test_files_that_hold_no_images_are_named_as_what_they_are(tmp_path, name, suffix):
    content, message = NO_IMAGES[name]
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_images(path, GREY)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_what_is_no_picture_needs_no_pillow_to_be_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(APPLE)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match="an AppleDouble file"):
        read_images(tmp_path / "a.png", GREY)


def test_hidden_files_and_folders_inside_a_folder_are_passed_over(save, tmp_path):
    save("a.png", PLANE)
    save(".b.png", PLANE)
    (tmp_path / "._a.png").write_bytes(APPLE)
    (tmp_path / "inside").mkdir()
    save("inside/c.png", PLANE)
    np.testing.assert_array_equal(read_images(tmp_path, GREY), PLANE[None, None] / np.float32(255))
    assert read_images(tmp_path / ".b.png", GREY).shape == (1, 1, 6, 8)


def test_a_folder_names_all_that_cannot_be_read_after_all_were_tried(save, tmp_path):
    save("b.png", PLANE)
    (tmp_path / "a.png").write_bytes(b"hello")
    (tmp_path / "c.jpg").write_bytes(b"")
    (tmp_path / "d.gif").symlink_to("nowhere")
    (tmp_path / "e.png").mkdir()
    os.mkfifo(tmp_path / "f.png")
    with pytest.raises(DataError) as caught:
        read_images(tmp_path, GREY)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: 5 of 6 pictures cannot be read: ")
    faults = ["a.png: not a picture", "c.jpg: not a picture", "d.gif: cannot be read: No such file"]
    for fault in faults:
        assert fault in message
    assert message.count("is not a regular file") == 2
    assert "b.png" not in message


def test_a_long_list_of_what_cannot_be_read_is_cut_and_counted(tmp_path):
    for number in range(13):
        (tmp_path / f"{number:02}.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_images(tmp_path, GREY)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: 13 of 13 pictures cannot be read: ")
    assert message.count("it is empty") == 10
    assert message.endswith("; and 3 more")


@pytest.mark.parametrize(
    ("name", "hint"), [("x.npy", "name them one by one"), ("x", "name the subfolders"), ("notes.txt", r"\)$")]
)
def test_a_folder_without_pictures_says_what_may_have_been_meant(tmp_path, name, hint):
    (tmp_path / name).mkdir() if name == "x" else (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"holds no pictures.*{hint}"):
        read_images(tmp_path, GREY)


def test_a_picture_that_vanishes_between_listing_and_reading_is_named(save, tmp_path, monkeypatch):
    paths = [save("a.png", PLANE), save("b.png", PLANE)]

    def listed(folder):
        paths[0].unlink()
        return paths

    monkeypatch.setattr("fastconv.data.images.pictures", listed)
    with pytest.raises(DataError, match=r"1 of 2 pictures cannot be read: .*a\.png: cannot be read: No such file"):
        read_images(tmp_path, GREY)


@pytest.mark.parametrize("name", [b"\xff.png", b"a\tb\n.png", b"\x1b[31m.png", b"-x.png", b" .png", b"x[0].png"])
@pytest.mark.parametrize("folder", [False, True])
def test_names_of_files_may_be_any_bytes(tmp_path, name, folder):
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        Image.fromarray(PLANE).save(file, "PNG")
    for way in (tmp_path, os.fsencode(tmp_path)) if folder else (path, os.fsdecode(path)):
        np.testing.assert_array_equal(read_images(way, GREY), PLANE[None, None] / np.float32(255))


@pytest.mark.parametrize("shape", [(6, 8), (1, 1, 6, 8), (1, 0, 8), (1, -6, 8), ()])
def test_a_shape_that_is_no_shape_of_images(save, shape):
    with pytest.raises(ValueError, match=r"shape must be \(C, H, W\), three integers >= 1, got "):
        read_images(save("a.png", PLANE), shape)


class Held:
    input_shape = GREY


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((6, 8), "got (6, 8); write (1, 6, 8) for grey images"),
        ((32, 1, 6, 8), "got (32, 1, 6, 8); write (1, 6, 8), without the axis of images"),
        (28, "got 28; write (1, 28, 28) for grey images"),
        (None, "got None; write network.input_shape"),
        (Held(), "; write network.input_shape"),
    ],
)
def test_the_shape_to_write_is_said(save, shape, says):
    with pytest.raises((TypeError, ValueError), match=f"{re.escape(says)}$"):
        read_images(save("a.png", PLANE), shape)
    with pytest.raises(TypeError, match=r"got None; write network\.input_shape"):
        read_images(save("a.png", PLANE))
    assert read_images(save("a.png", PLANE), Held().input_shape).shape == (1, 1, 6, 8)


def test_channels_last_are_named(save):
    with pytest.raises(DataError, match=r"the network reads 6; shape is \(C, H, W\): write \(3, 6, 8\)$"):
        read_images(save("a.png", PLANE), (6, 8, 3))


def test_a_list_of_files_and_folders_is_read_in_its_order(save, tmp_path):
    (tmp_path / "folder").mkdir()
    first, second = save("b.png", PLANE), save("folder/a.png", PLANE[::-1])
    found = read_images([first, str(second.parent)], GREY)
    np.testing.assert_array_equal(found, np.concatenate([read_images(first, GREY), read_images(second, GREY)]))
    for one in ((first,), (os.fsencode(first),)):
        np.testing.assert_array_equal(read_images(one, GREY), read_images(first, GREY))
    with pytest.raises(DataError, match=r"path must name at least one file, got \[\]"):
        read_images([], GREY)
    with pytest.raises(DataError, match=r"none\.png: cannot be read: No such file"):
        read_images([first, tmp_path / "none.png"], GREY)


def test_a_pattern_is_told_how_to_list_its_files(save, tmp_path):
    save("a.png", PLANE)
    pattern = str(tmp_path / "*.png")
    with pytest.raises(
        DataError, match=re.escape(f"for all files of this pattern, write sorted(glob.glob({pattern!r}))")
    ):
        read_images(pattern, GREY)
    assert read_images(sorted(glob.glob(pattern)), GREY).shape == (1, 1, 6, 8)


@pytest.mark.parametrize("path", [None, 3, 3.5, np.zeros((6, 8)), [3]])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match=r"path must be text or a pathlib\.Path, got (NoneType|int|float|ndarray): "):
        read_images(path, GREY)


def test_pictures_of_a_file_says_how_to_read_it(save):
    path = save("a.png", PLANE)
    with pytest.raises(DataError, match=re.escape(f"Not a directory; write read_images({str(path)!r}, shape)")):
        pictures(path)


def test_an_npz_says_how_to_save_one_of_its_arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", x=PLANE)
    line = "numpy.save('images.npy', numpy.load('a.npz')[name])"
    with pytest.raises(DataError, match=re.escape(f"a zip archive, as .npz files are; save one of its arrays: {line}")):
        read_images("a.npz", GREY)
    eval(line, {"numpy": np, "name": "x"})
    np.testing.assert_array_equal(read_images("images.npy", GREY), PLANE[None, None] / np.float32(255))


@pytest.mark.parametrize("shape", [28, (1, 6.0, 8), None, "168"])
def test_a_shape_of_another_type(save, shape):
    with pytest.raises(TypeError, match=r"shape must be \(C, H, W\), three integers, got "):
        read_images(save("a.png", PLANE), shape)


@pytest.mark.parametrize(
    ("dtype", "cure", "white"),
    [("uint16", "uint8", 255), ("int64", "uint8", 255), (">i2", "uint8", 255)],
)
def test_the_way_out_for_arrays_of_another_type_works(tmp_path, dtype, cure, white):
    path = tmp_path / "a.npy"
    np.save(path, (np.eye(6, 8) * white).astype(dtype))
    with pytest.raises(DataError, match=rf"use array\.astype\('{cure}'\)"):
        read_images(path, GREY)
    np.save(path, np.load(path).astype(cure))
    np.testing.assert_array_equal(read_images(path, GREY), np.eye(6, 8)[None, None])


@pytest.mark.parametrize("dtype", ["complex64", "U2", "S1", "M8[s]", "V4"])
def test_where_there_is_no_way_none_is_told(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((6, 8), dtype))
    with pytest.raises(DataError, match=r"numbers, got \S+$"):
        read_images(tmp_path / "a.npy", GREY)


def test_floats_beyond_float32_are_infinite_without_a_warning(tmp_path):
    np.save(tmp_path / "a.npy", np.full((6, 8), 1e300))
    assert np.isinf(read_images(tmp_path / "a.npy", GREY)).all()


def test_memory_that_is_lacking_is_not_a_damaged_picture(save, monkeypatch):
    def lacking(*_):
        raise MemoryError

    path = save("a.png", PLANE)
    monkeypatch.setattr("fastconv.data.pictures.resized", lacking)
    with pytest.raises(MemoryError):
        read_images(path, GREY)


def test_an_array_is_shown_by_its_shape():
    array = np.zeros((2, 3, 4, 4))
    with pytest.raises(TypeError, match=r"got ndarray: an array of shape \(2, 3, 4, 4\)$"):
        read_images(array, (3, 4, 4))
    with pytest.raises(TypeError, match=r"^shape must be \(C, H, W\), .*, got an array of shape \(2, 3, 4, 4\)$"):
        read_images("a.png", array)
