"""Images for a trained network: pictures (PNG, JPEG, ... by Pillow), and arrays in .npy or IDX files."""

import math
import os
from pathlib import Path

import numpy as np

from .files import DataError, first_bytes
from .idx import read_idx

__all__ = ["read_images"]

MOST_PIXELS = 1 << 26
MOST_DIMENSIONS = 8
NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


def read_images(path, shape):
    """Read the images of one file, or of all pictures in a folder, for a network with input ``shape``.

    Parameters
    ----------
    path : a picture that Pillow reads, turned to grey where C = 1 and to RGB where C = 3, and resized to
        H x W; an array in a ``.npy`` file or an IDX file (plain or gzip), whose last axes must be (C, H, W),
        or (H, W) where C = 1; or a folder, whose pictures are read in alphabetical order.
    shape : (C, H, W) of the images wanted.

    Returns
    -------
    numpy.ndarray
        (N, C, H, W) float32. Bytes are divided by 255, so that pictures lie in [0, 1]; floating-point numbers
        stay as they are.

    Raises
    ------
    DataError
        If a file is missing, damaged, too large, or has another shape; if Pillow is needed and not installed.

    Examples
    --------
    >>> import tempfile
    >>> from fastconv.data import read_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/one.npy", np.full((28, 28), 255, np.uint8))
    ...     images = read_images(f"{folder}/one.npy", (1, 28, 28))
    >>> images.shape, images.max()
    ((1, 1, 28, 28), np.float32(1.0))
    """
    if Path(path).is_dir():
        return np.concatenate([read_file(file, shape) for file in pictures(path)])
    return read_file(path, shape)


def pictures(folder):
    try:
        found = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in PICTURES)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    if not found:
        raise DataError(f"{folder}: holds no pictures ({', '.join(sorted(PICTURES))})")
    return found


def read_file(path, shape):
    """One file, whose kind its first bytes tell."""
    start = first_bytes(path, 6)
    if start == b"\x93NUMPY":
        return from_array(path, read_npy(path), shape)
    if start[:2] in (b"\0\0", b"\x1f\x8b"):
        return from_array(path, read_idx(path), shape)
    return read_picture(path, shape)


def read_npy(path):
    """The array of a .npy file, after its declared size is found to be the size of the file."""
    with open(path, "rb") as file:
        try:
            read_header = NPY_HEADERS[np.lib.format.read_magic(file)]
            shape, fortran_order, dtype = read_header(file)
        except Exception as error:  # the header is a Python literal: many things can be wrong with it
            raise DataError(f"{path}: not a .npy file that can be read: {error}") from error
        check_dtype(path, dtype)
        size = math.prod(shape) * dtype.itemsize
        held = os.fstat(file.fileno()).st_size - file.tell()
        if min(shape, default=0) < 0 or len(shape) > MOST_DIMENSIONS or size != held:
            raise DataError(f"{path}: declares an array {shape} of {dtype}, but holds {held} bytes")
        return np.fromfile(file, dtype).reshape(shape, order="F" if fortran_order else "C")


def check_dtype(path, dtype):
    if dtype != np.uint8 and dtype.kind != "f":
        raise DataError(f"{path}: images must be bytes or floating-point numbers, got {dtype}")


def from_array(path, array, shape):
    """(N, C, H, W) float32 from an array (..., C, H, W), or (..., H, W) where C = 1."""
    check_dtype(path, array.dtype)
    channels, *plane = shape
    fits = array.shape[-3:] == tuple(shape) or (channels == 1 and array.shape[-2:] == tuple(plane))
    if not fits or array.size == 0:
        raise DataError(f"{path}: the network reads images of shape {tuple(shape)}, got an array {array.shape}")
    images = array.reshape(-1, *shape).astype(np.float32)
    return images / np.float32(255) if array.dtype == np.uint8 else images


def read_picture(path, shape):
    """(1, C, H, W) float32 in [0, 1] from a picture."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(f"{path}: reading pictures needs Pillow: pip install 'fastconv[images]'") from None
    channels, height, width = shape
    if channels not in (1, 3):
        raise DataError(f"{path}: a picture has 1 or 3 channels; the network reads {channels}")
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError(f"{path}: {picture.width} x {picture.height} pixels, more than {MOST_PIXELS}")
            pixels = resized(picture, channels, (width, height))
    except DataError:
        raise
    except Exception as error:  # Pillow's plugins raise what they like for damaged files
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    return pixels.reshape(1, height, width, channels).transpose(0, 3, 1, 2).copy()


def resized(picture, channels, size):
    """The pixels in grey or RGB, upright, on black where the picture is transparent, as float32 in [0, 1]."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip to 8
        grey = np.clip(np.asarray(picture, np.float32) * np.float32(255 / 65535), 0, 255)
        picture = Image.fromarray(np.round(grey).astype(np.uint8))
    if picture.mode.endswith(("A", "a")) or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture)
    picture = picture.convert("L" if channels == 1 else "RGB").resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32) / np.float32(255)
