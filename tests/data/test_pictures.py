"""Modes and depths of pictures: each value comes out as its format says, computed here by hand."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fastconv.data import DataError, read_images

RNG = np.random.default_rng(1)
PLANE = RNG.integers(0, 256, (4, 6), np.uint8)
COLOUR = RNG.integers(0, 256, (4, 6, 3), np.uint8)
ALPHA = RNG.integers(0, 256, (4, 6), np.uint8)
STEP = 1.01 / 255  # one of 8 bits


@pytest.fixture
def read(tmp_path):
    """The pixels (H, W) or (H, W, 3) that a network reads from a picture of these bytes, without a resize."""

    def read(content, size=(4, 6), channels=1):
        (tmp_path / "picture").write_bytes(content)
        pixels = read_images(tmp_path / "picture", (channels, *size))[0]
        assert pixels.dtype == np.float32
        return pixels[0] if channels == 1 else pixels.transpose(1, 2, 0)

    return read


def file_of(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, bits, colour, row, *chunks):
    """A PNG of one row, written by its specification."""
    header = chunk(b"IHDR", struct.pack(">2I5B", width, 1, bits, colour, 0, 0, 0))
    body = b"".join([*chunks, chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b"")])
    return b"\x89PNG\r\n\x1a\n" + header + body


def tiff(values, bits, sample_format, photometric=1, order="<"):
    """A TIFF of one row, written by its specification; `values` are its bytes."""
    width = len(values) * 8 // bits
    tags = {256: width, 257: 1, 258: bits, 259: 1, 262: photometric, 273: None, 277: 1, 278: 1, 279: len(values)}
    tags[339] = sample_format
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = [struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(tags.items())]
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "IH", 8, len(tags)) + b"".join(entries) + bytes(4) + values


@pytest.mark.parametrize(("bits", "row", "values"), [
    (1, bytes([0b01100000]), [0, 1, 1, 0]),
    (2, bytes([0b00011011]), [0, 1, 2, 3]),
    (4, bytes([0x0F, 0x81]), [0, 15, 8, 1]),
    (8, bytes([0, 255, 7, 128]), [0, 255, 7, 128]),
    (16, bytes([0, 0, 255, 255, 0, 9, 18, 52]), [0, 65535, 9, 0x1234]),
])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_png_of_any_depth(read, bits, row, values, channels):
    wanted = np.array([values], np.float32) / (2**bits - 1)
    pixels = read(png(4, bits, 0, row), (1, 4), channels)
    np.testing.assert_allclose(pixels, wanted if channels == 1 else np.stack([wanted] * 3, -1), rtol=1e-6)


@pytest.mark.parametrize(("bits", "row", "transparent"), [
    (1, bytes([0b01100000]), 1),
    (2, bytes([0b00011011]), 2),
    (4, bytes([0x0F, 0x81]), 8),
    (8, bytes([0, 255, 7, 128]), 7),
    (16, bytes([0, 0, 255, 255, 0, 9, 18, 52]), 0x1234),
])  # fmt: skip
def test_the_transparent_value_of_a_grey_png_is_black(read, bits, row, transparent):
    samples = np.unpackbits(np.frombuffer(row, np.uint8)).reshape(-1, bits)[:4] @ (1 << np.arange(bits)[::-1])
    wanted = np.where(samples == transparent, 0, samples) / (2**bits - 1)
    pixels = read(png(4, bits, 0, row, chunk(b"tRNS", struct.pack(">H", transparent))), (1, 4))
    np.testing.assert_allclose(pixels[0], wanted, rtol=1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_value_of_a_colour_png_is_black(read, bits):
    number = ">6B" if bits == 8 else ">6H"
    row = struct.pack(number, *(v * (2**bits // 256) for v in (200, 100, 50, 10, 20, 30)))
    clear = struct.pack(">3H", *(v * (2**bits // 256) for v in (200, 100, 50)))
    pixels = read(png(2, bits, 2, row, chunk(b"tRNS", clear)), (1, 2), 3)
    np.testing.assert_allclose(pixels, np.array([[[0, 0, 0], [10, 20, 30]]]) / 255, atol=STEP)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_with_and_without_transparency(read, bits):
    palette = chunk(b"PLTE", bytes([200, 100, 50, 0, 255, 128]))
    row = bytes([0b01000000]) if bits == 1 else bytes([1]) if bits == 4 else bytes([0b0001 << 4])
    row = bytes([0, 1]) if bits == 8 else row
    colours = np.array([[[200, 100, 50], [0, 255, 128]]]) / 255
    np.testing.assert_allclose(read(png(2, bits, 3, row, palette), (1, 2), 3), colours, rtol=1e-6)
    half = read(png(2, bits, 3, row, palette, chunk(b"tRNS", bytes([128]))), (1, 2), 3)
    np.testing.assert_allclose(half, colours * [[[128 / 255], [1]]], atol=STEP)
    grey = read(png(2, bits, 3, row, palette), (1, 2))
    np.testing.assert_allclose(grey, colours @ [0.299, 0.587, 0.114], atol=STEP)


def on_black(pixels, alpha):
    return pixels / 255 * (alpha / 255 if pixels.ndim == 2 else alpha[..., None] / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_and_colour_with_alpha_lie_on_black(read, kind):
    grey = file_of(Image.fromarray(np.dstack([PLANE, ALPHA])), kind)
    np.testing.assert_allclose(read(grey), on_black(PLANE, ALPHA), atol=STEP)
    colour = file_of(Image.fromarray(np.dstack([COLOUR, ALPHA])), kind)
    np.testing.assert_allclose(read(colour, channels=3), on_black(COLOUR, ALPHA), atol=STEP)


def test_alpha_of_16_bits(read):
    pixels = read(png(2, 16, 4, bytes([200, 0, 128, 0, 100, 0, 255, 255])), (1, 2))
    np.testing.assert_allclose(pixels, [[200 / 255 * 128 / 255, 100 / 255]], atol=STEP)


def test_grey_of_a_tiff_that_is_multiplied_by_its_alpha_already(read):
    multiplied = (PLANE.astype(int) * ALPHA // 255).astype(np.uint8)
    pixels = np.dstack([multiplied, ALPHA])
    content = file_of(Image.fromarray(pixels), "TIFF")
    extra = struct.pack("<HHIHH", 338, 3, 1, 2, 0)  # ExtraSamples: 2, not multiplied; 1, multiplied
    assert content.count(extra) == 1
    content = content.replace(extra, struct.pack("<HHIHH", 338, 3, 1, 1, 0))
    np.testing.assert_allclose(read(content), multiplied / 255, atol=2 * STEP)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk(read, kind):
    """R = (255 - C) (255 - K) / 255; JPEG stores the four inverted, as Adobe's programs do."""
    inks = (10, 100, 200, 50)
    picture = Image.new("CMYK", (6, 4), inks)
    options = {"quality": 100} if kind == "JPEG" else {}
    pixels = read(file_of(picture, kind, **options), channels=3)
    wanted = [(255 - ink) * (255 - 50) / 255 / 255 for ink in inks[:3]]
    np.testing.assert_allclose(pixels, np.broadcast_to(wanted, (4, 6, 3)), atol=2 * STEP)


def test_ycbcr(read):
    """R = Y + 1.402 (Cr - 128), B = Y + 1.772 (Cb - 128); grey is Y."""
    content = file_of(Image.new("YCbCr", (6, 4), (100, 140, 120)), "TIFF")
    np.testing.assert_allclose(read(content), np.full((4, 6), 100 / 255), atol=STEP)
    red, green, blue = read(content, channels=3)[0, 0] * 255
    np.testing.assert_allclose(
        [red, green, blue], [100 - 1.402 * 8, 100 - 0.344136 * 12 + 0.714136 * 8, 100 + 1.772 * 12], atol=1
    )


def test_lab(read):
    """L = 100 Y'^(1/3) 1.16 - 16, so that L = 50 without colour is sRGB 119."""
    content = file_of(Image.new("LAB", (6, 4), (128, 128, 128)), "TIFF")
    np.testing.assert_allclose(read(content), np.full((4, 6), 119 / 255), atol=2 * STEP)
    np.testing.assert_allclose(read(content, channels=3), np.full((4, 6, 3), 119 / 255), atol=2 * STEP)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("kind", "bits", "sample_format", "values", "white"), [
    ("B", 8, 1, [0, 1, 255], 255),
    ("b", 8, 2, [0, 1, 127], 255),
    ("H", 16, 1, [0, 9, 65535], 65535),
    ("h", 16, 2, [0, 9, 32767], 65535),
    ("h", 16, 2, [0, 9, 255], 255),
    ("i", 32, 2, [0, 1, 255], 255),
    ("i", 32, 2, [0, 256, 65535], 65535),
    ("f", 32, 3, [0, 0.3, 1], 1),
    ("f", 32, 3, [0, 1e-4, 2e-4], 1),
])  # fmt: skip
def test_grey_tiff_of_any_depth(read, order, kind, bits, sample_format, values, white):
    content = tiff(struct.pack(f"{order}3{kind}", *values), bits, sample_format, order=order)
    np.testing.assert_allclose(read(content, (1, 3)), np.array([values]) / white, rtol=1e-6)
    wanted = np.repeat(np.array([values])[..., None] / white, 3, -1)
    np.testing.assert_allclose(read(content, (1, 3), 3), wanted, rtol=1e-6)


def test_12_bits_of_a_tiff(read):
    np.testing.assert_allclose(read(tiff(bytes([0xFF, 0xF0, 0x09]), 12, 1), (1, 2)), [[1, 9 / 4095]], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "bits", "sample_format", "white"), [("B", 8, 1, 255), ("H", 16, 1, 65535), ("f", 32, 3, 1)]
)
def test_tiff_whose_zero_is_white(read, kind, bits, sample_format, white):
    content = tiff(struct.pack(f"<3{kind}", 0, 1, white), bits, sample_format, photometric=0)
    np.testing.assert_allclose(read(content, (1, 3)), [[1, 1 - 1 / white, 0]], rtol=1e-6)


OUTSIDE = {
    "floats of bytes": ("f", 32, 3, [0, 0.5, 255], "must lie in [0, 1], got 0 to 255"),
    "floats below 0": ("f", 32, 3, [-0.25, 0.5, 1], "must lie in [0, 1], got -0.25 to 1"),
    "NaN": ("f", 32, 3, [0, float("nan"), 1], "must be finite"),
    "infinity": ("f", 32, 3, [0, float("inf"), 1], "must be finite"),
    "signed 8 bits": ("b", 8, 2, [-1, 0, 1], "got -1 to 1; convert it to 8 or 16 bits"),
    "signed 16 bits": ("h", 16, 2, [-1000, 0, 1000], "got -1000 to 1000"),
    "signed 32 bits": ("i", 32, 2, [-1, 0, 1], "got -1 to 1"),
    "32 bits": ("i", 32, 2, [0, 1, 70000], "got 0 to 70000"),
    "unsigned 32 bits": ("I", 32, 1, [0, 1, 2**32 - 1], "got -1 to 1"),
    "64-bit floats": ("d", 64, 3, [0, 0.5, 1], "a TIFF, damaged or of a kind that Pillow does not read"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_values_without_a_meaning_are_refused_not_black(read, name):
    kind, bits, sample_format, values, message = OUTSIDE[name]
    with pytest.raises(DataError) as caught:
        read(tiff(struct.pack(f"<3{kind}", *values), bits, sample_format), (1, 3))
    assert "picture: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("most", [1, 15, 255, 1000, 4095, 65535])
@pytest.mark.parametrize("kind", ["P2", "P5"])
def test_pgm_is_divided_by_its_own_white(read, kind, most):
    values = [0, 1, most]
    body = " ".join(map(str, values)).encode() if kind == "P2" else struct.pack(">3" + "BH"[most > 255], *values)
    np.testing.assert_allclose(
        read(f"{kind} 3 1 {most}\n".encode() + body, (1, 3)),
        [[0, 1 / most, 1]],
        atol=0.51 / (255 if most < 256 else 65535),
    )


def test_floats_of_a_pfm_stay_as_they_are(read):
    content = b"Pf\n2 1\n-1.0\n" + struct.pack("<2f", 0.3, 1)
    np.testing.assert_array_equal(read(content, (1, 2)), np.float32([[0.3, 1]]))


def test_deep_grey_keeps_its_bits_in_a_resize(read):
    flat = np.full((9, 50), 0.3, np.float32)
    np.testing.assert_allclose(read(file_of(Image.fromarray(flat), "TIFF")), np.full((4, 6), 0.3), rtol=1e-6)
    words = np.full((9, 50), 77, np.uint16)
    np.testing.assert_allclose(read(file_of(Image.fromarray(words), "PNG")), np.full((4, 6), 77 / 65535), rtol=1e-6)
    edge = np.zeros((8, 12), np.float32)
    edge[:, 6:] = 1
    pixels = read(file_of(Image.fromarray(edge), "TIFF"))
    assert pixels.min() == 0
    assert pixels.max() == 1


# What EXIF says of a picture that lies as stored: 1 upright, 2 mirrored, 3 turned by 180 degrees, ...
UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.T,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_picture_is_turned_upright_before_it_is_resized(read, orientation, dtype):
    stored = PLANE.astype(dtype) * (257 if dtype == "uint16" else 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = file_of(Image.fromarray(stored), "PNG", exif=exif)
    upright = np.ascontiguousarray(UPRIGHT[orientation](stored))
    np.testing.assert_array_equal(read(content, upright.shape), upright / np.float32(np.iinfo(dtype).max))
    np.testing.assert_array_equal(read(content, (5, 11)), read(file_of(Image.fromarray(upright), "PNG"), (5, 11)))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_tiff_is_turned_upright_once(read, orientation):
    content = file_of(Image.fromarray(PLANE), "TIFF", tiffinfo={274: orientation})
    upright = UPRIGHT[orientation](PLANE)
    np.testing.assert_array_equal(read(content, upright.shape), upright / np.float32(255))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"", b"II", b"II*\0", b"MM\0*" + bytes(3), b"Exif\0\0" + bytes(40), b"\xff" * 30])
def test_damaged_exif_data_leave_the_picture_as_it_lies(read, exif):
    content = file_of(Image.fromarray(PLANE), "PNG", exif=exif)
    np.testing.assert_array_equal(read(content), PLANE / np.float32(255))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_of_several_frames_or_pages(read, kind):
    first, second = Image.new("L", (6, 4), 200), Image.new("L", (6, 4), 40)
    options = {"lossless": True} if kind == "WEBP" else {}
    content = file_of(first, kind, save_all=True, append_images=[second], **options)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.n_frames == 2
    np.testing.assert_allclose(read(content), np.full((4, 6), 200 / 255), rtol=1e-6)


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (0, 0)])
def test_a_picture_without_pixels_is_refused(read, size):
    header = chunk(b"IHDR", struct.pack(">2I5B", *size, 8, 0, 0, 0, 0))
    with pytest.raises(DataError, match="not a picture that can be read"):
        read(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def test_icons_begin_with_zeros_and_are_pictures(read):
    content = file_of(Image.fromarray(COLOUR.repeat(8, 0).repeat(8, 1)), "ICO", sizes=[(48, 32)])
    assert content[:4] == b"\0\0\1\0"
    np.testing.assert_allclose(read(content, (32, 48), 3), COLOUR.repeat(8, 0).repeat(8, 1) / 255, atol=STEP)
    content = file_of(Image.fromarray(PLANE), "TGA")
    assert content[:2] == b"\0\0"
    np.testing.assert_array_equal(read(content), PLANE / np.float32(255))
