"""An image as a PNG file inside a page, without a package for pictures."""

import struct
import zlib
from base64 import b64encode
from xml.etree.ElementTree import Element

import numpy as np

from ..typing import Array

__all__ = ["picture"]

KINDS = {1: 0, 3: 2}  # channels -> grey or RGB, as PNG counts them


def picture(image: Array, words: str) -> Element | None:
    """The element of an image (C, H, W) of one or three channels; None for anything else."""
    if image.ndim != 3 or len(image) not in KINDS:
        return None
    source = "data:image/png;base64," + b64encode(png(image)).decode()
    return Element("img", src=source, alt=f"The image: {words}", width="112", height="112")


def png(image: Array) -> bytes:
    """The bytes of a PNG file; the smallest value is black, the largest white, unless all lie between 0 and 1."""
    least, most = min(0.0, float(image.min())), max(1.0, float(image.max()))
    pixels = np.round((image - least) * (255 / (most - least))).astype(np.uint8).transpose(1, 2, 0)
    height, width, channels = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, KINDS[channels], 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def chunk(name: bytes, data: bytes) -> bytes:
    """One part of a PNG file: its length, name, data and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
