"""Reads one picture with Pillow, as bytes or as numbers from 0 to 1, whatever its mode and bit depth.

grey of 16 bits, or of a TIFF's number of bits   value / (2^bits - 1)
grey of 32-bit integers                          value / 255 where all are at most 255, else value / 65535
grey of floating-point numbers                   the value, which must be in [0, 1]
all others                                       Pillow's 8 bits / 255
"""

from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from ..typing import Array, Shape
from . import cures, kinds
from .arrays import shares
from .files import DataError, reading

__all__ = ["Size", "read_picture", "read_pixels"]

Size: TypeAlias = int | tuple[int, int] | None

MOST_PIXELS = 1 << 26
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of a TIFF
WHITE_IS_ZERO, SIGNED = 0, 2
BYTES, WORDS = 255, 65535
DRAFT = 2  # a JPEG is decoded smaller where it stays this many times as large as needed
PNG_SCALE = {"1": 255, "L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}  # from a PNG's transparent value to 8 bits


class NoMeaning(ValueError):
    """The picture has values outside the range from black to white."""


def read_picture(path: Path, start: bytes, shape: Shape) -> Array:
    """(1, C, H, W) float32 in [0, 1] from a picture, whose first bytes are `start`."""
    needs_pillow(path)
    channels, height, width = shape
    if channels not in (1, 3):
        cure = f"; shape is (C, H, W): write ({width}, {channels}, {height})" if width in (1, 3) else ""
        raise DataError(f"{path}: a picture has 1 or 3 channels; the network reads {channels}{cure}")
    with reading(path) as file:
        pixels = read_open(path, file, start, channels, (height, width))
    return np.ascontiguousarray(shares(pixels)[None].transpose(0, 3, 1, 2))


def read_pixels(path: Path, channels: int, size: Size = None) -> Array:
    """(C, H, W) from a picture: uint8, or float32 in [0, 1] where the file has more than 8 bits.

    ``size`` None keeps the picture's own size, an integer takes the central square and makes it so large,
    (H, W) stretches. JPEGs of more than four times the size are decoded at a half, a quarter or an eighth.
    """
    needs_pillow(path)
    with reading(path) as file:
        start = file.read(kinds.START)
        file.seek(0)
        if words := kinds.never_images(start):
            raise DataError(f"{path}: not a picture that can be read: it is {words}")
        pixels = read_open(path, file, start, channels, size, draft=True)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def needs_pillow(path: Path) -> None:
    """DataError if Pillow is not installed."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise DataError(f"{path}: reading pictures needs Pillow: pip install pillow") from None


def read_open(
    path: Path, file: BinaryIO, start: bytes, channels: int, size: Size = None, *, draft: bool = False
) -> Array:
    """(H, W, C), uint8 or float32 in [0, 1], from a picture in an open file; whatever is wrong is a DataError."""
    from PIL import Image, UnidentifiedImageError

    try:
        # A file, not its path: given a path, Pillow maps a TIFF into memory and then turns it wrongly.
        with Image.open(file) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError(
                    f"{path}: {picture.width} x {picture.height} pixels, more than {MOST_PIXELS:,}; make it smaller"
                )
            if draft and size is not None:
                side = DRAFT * (size if isinstance(size, int) else max(size))
                picture.draft(None, (side, side))
            return fitted(picture, channels, size)
    except (DataError, MemoryError):
        raise
    except NoMeaning as error:
        raise DataError(f"{path}: {error}") from None
    except UnidentifiedImageError as error:
        shape = (channels, *size) if isinstance(size, tuple) else (channels, size or "H", size or "W")
        raise DataError(
            f"{path}: not a picture that can be read: it is {unread(start)}{cures.cure(path, start, shape)}"
        ) from error
    except Exception as error:  # Pillow's plugins raise any exception for damaged files
        why = str(error) or type(error).__name__
        raise DataError(f"{path}: not a picture that can be read: {why}") from error


def unread(start: bytes) -> str:
    """What a picture that Pillow refuses is, in words."""
    words = kinds.described(start)
    return f"{words}, damaged or of a kind that Pillow does not read" if words == kinds.picture(start) else words


def fitted(picture: Any, channels: int, size: Size) -> Array:
    """(H, W, C) in grey or RGB, upright, on black where the picture is transparent: uint8, or float32 in [0, 1]."""
    from PIL import Image

    scale_transparency(picture)
    depth = Depth(picture)
    picture = upright(picture)
    if depth.deep:
        grey = resized(Image.fromarray(depth.shares(np.asarray(picture))), size)
        return np.asarray(grey).clip(0, 1)[..., None].repeat(channels, axis=-1)
    if is_transparent(picture):
        picture = picture.convert("LA") if picture.mode == "La" else picture
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture)
    picture = picture.convert("RGB") if picture.mode == "LAB" else picture
    picture = resized(picture.convert("L" if channels == 1 else "RGB"), size)
    return np.asarray(picture).reshape(picture.height, picture.width, channels)


def resized(picture: Any, size: Size) -> Any:
    """The picture in this size: (H, W) stretched, an integer from the central square, None as it is."""
    from PIL import Image

    if size is None:
        return picture
    if not isinstance(size, int):
        height, width = size
        return picture.resize((width, height), Image.Resampling.BILINEAR)
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return picture.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))


def scale_transparency(picture: Any) -> None:
    """Scales the transparent value of a PNG from the file's bit depth to the 8 bits that Pillow compares it with."""
    value, scale = picture.info.get("transparency"), None
    if picture.format == "PNG" and picture.tile and not isinstance(value, bytes):
        scale = PNG_SCALE.get(picture.tile[0][3])
    if value is not None and scale is not None:
        scaled = tuple(min(int(v * scale), BYTES) for v in np.atleast_1d(value))
        picture.info["transparency"] = scaled if isinstance(value, tuple) else scaled[0]


def upright(picture: Any) -> Any:
    """The picture turned as its EXIF data says; not turned if the EXIF data are damaged."""
    from PIL import ImageOps

    picture.load()
    if picture.format == "TIFF":  # Pillow has turned it already
        return picture
    try:
        return ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF data raise any exception
        return picture


def is_transparent(picture: Any) -> bool:
    """Whether a picture has an alpha channel, a palette with one, or a transparent value."""
    palette = getattr(picture.palette, "mode", "") if picture.mode == "P" else ""
    return (picture.mode + palette).endswith(("A", "a")) or "transparency" in picture.info


class Depth:
    """How to scale the values of a picture that Pillow does not convert to 8 bits; made before the pixels are read."""

    def __init__(self, picture: Any) -> None:
        tags = dict(getattr(picture, "tag_v2", {}))
        self.signed = picture.mode == "L" and SIGNED in tags.get(SAMPLE_FORMAT, ())  # Pillow reads it as unsigned
        self.deep = picture.mode[0] in "IF" or self.signed
        self.floating = picture.mode == "F"
        self.inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
        self.transparent = picture.info.get("transparency")
        self.bits = None  # bits per value, if the format gives them; 16 in a deep PNG or PGM
        if picture.mode.startswith("I;16") or picture.format in ("PNG", "PPM"):
            self.bits = tags.get(BITS_PER_SAMPLE, (16,))[0]

    def shares(self, grey: Array) -> Array:
        """Grey as float32 from 0, black, to 1, white."""
        grey = grey.view(np.int8) if self.signed else grey
        if self.floating:
            shares = within_0_and_1(grey)
        else:
            shares = grey.astype(np.float32) / np.float32(2**self.bits - 1 if self.bits else white(grey))
        if self.transparent is not None:
            shares[grey == self.transparent] = 0
        return 1 - shares if self.inverted else shares


def within_0_and_1(grey: Array) -> Array:
    """The values, if all are finite and from 0 to 1; else NoMeaning."""
    if not np.isfinite(grey).all():
        raise NoMeaning("a picture of floating-point numbers must be finite, got NaN or infinity")
    if grey.min() < 0 or grey.max() > 1:
        raise NoMeaning(
            f"a picture of floating-point numbers must lie in [0, 1], got {grey.min():g} to {grey.max():g}; "
            "divide it by the value of white, or save it as .npy, which is not scaled"
        )
    return grey


def white(grey: Array) -> int:
    """The value of white if the file does not give it: 255 if no value is larger, else 65535."""
    if grey.min() < 0 or grey.max() > WORDS:
        raise NoMeaning(
            f"a picture of signed or 32-bit integers must lie in 0 to {BYTES} or in 0 to {WORDS}, "
            f"got {grey.min()} to {grey.max()}; convert it to 8 or 16 bits"
        )
    return BYTES if grey.max() <= BYTES else WORDS
