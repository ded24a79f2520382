"""The size of the images in a file, from its header where it has one."""

from pathlib import Path

import numpy as np

from ..typing import Shape
from .arrays import read_header
from .compressed import compression
from .files import DataError, first_bytes, reading
from .idx import is_idx, read_idx
from .kinds import START
from .pictures import needs_pillow

__all__ = ["image_size"]

ORIENTATION, TURNED = 274, 5  # a tag of EXIF, and the first of its values for which rows become columns


def image_size(path: Path) -> tuple[int, int]:
    """(H, W) of the images in a picture, a .npy or an IDX file, as `read_images` reads them; DataError without any."""
    start = first_bytes(path, START)
    if start.startswith(np.lib.format.MAGIC_PREFIX):
        with reading(path) as file:
            return plane(path, read_header(path, file)[0])
    if is_idx(start) or compression(start):
        return plane(path, read_idx(path).shape)
    return picture_size(path)


def plane(path: Path, shape: Shape) -> tuple[int, int]:
    """The last two extents."""
    if len(shape) < 2:
        raise DataError(f"{path}: holds no images, but an array {shape}")
    return shape[-2], shape[-1]


def picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture, upright."""
    needs_pillow(path)
    try:
        from PIL import Image

        with reading(path) as file, Image.open(file) as picture:
            width, height = picture.size  # of a TIFF already upright
            turned = picture.format != "TIFF" and picture.getexif().get(ORIENTATION, 1) >= TURNED
    except Exception as error:  # Pillow's plugins raise any exception for damaged files
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    return (width, height) if turned else (height, width)
