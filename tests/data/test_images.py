"""read_images: pictures, arrays and folders, as a network reads them."""

import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from fastconv.data import DataError, read_images, write_idx

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
@pytest.mark.parametrize("kind", ["npy", "idx", "gz"])
def test_arrays_of_bytes(tmp_path, kind, shape, count):
    array = RNG.integers(0, 256, shape, np.uint8)
    path = tmp_path / f"a.{kind}"
    np.save(path, array) if kind == "npy" else write_idx(path, array)
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


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64", "U2"])
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
    "empty": b"",
    "text": b"hello world",
    "png cut": b"\x89PNG\r\n\x1a\n" + bytes(8),
    "jpeg cut": b"\xff\xd8\xff\xe0" + bytes(8),
    "gif cut": b"GIF89a" + bytes(8),
    "bmp of 2^31 pixels a side": b"BM"
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
    with pytest.raises(DataError, match=r"pip install 'fastconv\[images\]'"):
        read_images(path, GREY)
