"""Resizing of one image by Pillow, whose filters are wide enough that nothing aliases where images shrink."""

from typing import Any

import numpy as np

from ...ops import check
from ...typing import Array
from ..files import DataError

__all__ = ["METHODS", "extents", "resized", "target"]

METHODS = ("nearest", "bilinear", "bicubic", "lanczos")


def extents(size: Any, least: int = 1) -> tuple[int, int]:
    """(H, W) from one number or two."""
    return check.pair(size, "size", least)


def target(size: int | tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """(H, W) of a resized image: `size` itself, or the shorter side `size` and the longer one in proportion."""
    if isinstance(size, tuple):
        return size
    if height <= width:
        return size, max(int(size * width / max(height, 1)), 1)
    return max(int(size * height / max(width, 1)), 1), size


def resized(image: Array, size: tuple[int, int], method: str) -> Array:
    """(C, H, W) of the dtype of the image; bytes are rounded, floating-point numbers are computed in float32."""
    if image.shape[-2:] == size:
        return image
    if 0 in image.shape[-2:]:
        raise ValueError(f"an image without pixels cannot be resized, got shape {image.shape}")
    try:
        from PIL import Image
    except ImportError:
        raise DataError("resizing images needs Pillow: pip install pillow") from None
    resample, (height, width) = Image.Resampling[method.upper()], size
    if image.dtype == np.uint8 and len(image) == 3:
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
        return np.asarray(picture.resize((width, height), resample)).transpose(2, 0, 1)
    result = np.empty((len(image), height, width), image.dtype)
    for plane, values in zip(result, image, strict=True):
        given = np.ascontiguousarray(values, np.uint8 if image.dtype == np.uint8 else np.float32)
        plane[:] = np.asarray(Image.fromarray(given).resize((width, height), resample))
    return result
