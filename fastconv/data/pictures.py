"""Reads one picture with Pillow, as numbers from 0 to 1, whatever its mode and bit depth.

grey of 16 bits, or of a TIFF's number of bits   value / (2^bits - 1)
grey of 32-bit integers                          value / 255 where all are at most 255, else value / 65535
grey of floating-point numbers                   the value, which must be in [0, 1]
all others                                       Pillow's 8 bits / 255
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..typing import Array, Shape
from . import cures, kinds
from .files import DataError, reading

__all__ = ["read_picture"]

MOST_PIXELS = 1 << 26
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of a TIFF
WHITE_IS_ZERO, SIGNED = 0, 2
BYTES, WORDS = 255, 65535
PNG_SCALE = {"1": 255, "L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}  # from a PNG's transparent value to 8 bits


class NoMeaning(ValueError):
    """The picture has values outside the range from black to white."""


def read_picture(path: Path, start: bytes, shape: Shape) -> Array:
    """(1, C, H, W) float32 in [0, 1] from a picture, whose first bytes are `start`."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError(f"{path}: reading pictures needs Pillow: pip install pillow") from None
    channels, height, width = shape
    if channels not in (1, 3):
        cure = f"; shape is (C, H, W): write ({width}, {channels}, {height})" if width in (1, 3) else ""
        raise DataError(f"{path}: a picture has 1 or 3 channels; the network reads {channels}{cure}")
    with reading(path) as file:
        try:
            # A file, not its path: given a path, Pillow maps a TIFF into memory and then turns it wrongly.
            with Image.open(file) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise DataError(
                        f"{path}: {picture.width} x {picture.height} pixels, more than {MOST_PIXELS:,}; make it smaller"
                    )
                pixels = resized(picture, channels, (width, height))
        except (DataError, MemoryError):
            raise
        except NoMeaning as error:
            raise DataError(f"{path}: {error}") from None
        except UnidentifiedImageError as error:
            raise DataError(
                f"{path}: not a picture that can be read: it is {unread(start)}{cures.cure(path, start, shape)}"
            ) from error
        except Exception as error:  # Pillow's plugins raise any exception for damaged files
            why = str(error) or type(error).__name__
            raise DataError(f"{path}: not a picture that can be read: {why}") from error
    return pixels.reshape(1, height, width, channels).transpose(0, 3, 1, 2).copy()


def unread(start: bytes) -> str:
    """What a picture that Pillow refuses is, in words."""
    words = kinds.described(start)
    return f"{words}, damaged or of a kind that Pillow does not read" if words == kinds.picture(start) else words


def resized(picture: Any, channels: int, size: tuple[int, int]) -> Array:
    """The pixels in grey or RGB, upright, on black where the picture is transparent, as float32 in [0, 1]."""
    from PIL import Image

    scale_transparency(picture)
    depth = Depth(picture)
    picture = upright(picture)
    if depth.deep:
        grey = Image.fromarray(depth.shares(np.asarray(picture))).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(grey).clip(0, 1)[..., None].repeat(channels, axis=-1)
    if is_transparent(picture):
        picture = picture.convert("LA") if picture.mode == "La" else picture
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture)
    picture = picture.convert("RGB") if picture.mode == "LAB" else picture
    picture = picture.convert("L" if channels == 1 else "RGB").resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32) / np.float32(255)


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
