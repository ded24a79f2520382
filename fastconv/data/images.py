"""Images for a trained network: pictures (PNG, JPEG, ... by Pillow), and arrays in .npy or IDX files."""

import math
import os
from collections.abc import Callable, Sequence
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from ..system.files import AnyPath
from ..typing import Array, Shape
from .compressed import compression, unpacked_start
from .files import DataError, first_bytes, named, reading
from .idx import is_idx, read_idx
from .kinds import START, described, never_images
from .pictures import read_picture

__all__ = ["pictures", "read_images"]

MOST_DIMENSIONS = 8
SHOWN = 10  # files that one message names
NPY_MAGIC = b"\x93NUMPY"
NPY_HEADERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
OF_INTEGERS = "; divide them by the value of white, or use array.astype('uint8') where white is 255"
WAYS = {"b": "; use array.astype('float32')", "i": OF_INTEGERS, "u": OF_INTEGERS}  # kind of dtype -> what to do
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


def read_images(path: AnyPath, shape: Sequence[int]) -> Array:
    """Read the images of one file, or of all pictures in a folder, for a network with input ``shape``.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        A picture that Pillow reads, turned to grey where C = 1 and to RGB where C = 3, and resized to H x W; an array
        in a ``.npy`` file or an IDX file (plain, gzip or xz), whose last axes must be (C, H, W), or (H, W) where C = 1;
        or a folder, whose pictures are read in alphabetical order: the files with the suffix of a picture, without
        hidden files (``.name``) and subfolders.
    shape : (C, H, W)
        Shape of the images wanted.

    Returns
    -------
    numpy.ndarray
        (N, C, H, W) float32. Pictures have values in [0, 1], from black to white. Arrays of uint8 are divided by
        255; arrays of floating-point numbers are not scaled.

    Raises
    ------
    DataError
        If a file is missing, damaged, too large, or has another shape; if Pillow is needed and not installed.
        For a folder, all its pictures are tried, and the message names those that cannot be read (at most 10)
        and counts them.
    ValueError, TypeError
        If ``shape`` is not three integers >= 1.

    Notes
    -----
    Of several frames or pages, the first is read. Pictures are turned as their EXIF data says, and drawn on black where
    they are transparent; colour profiles are ignored. Colour is read with 8 bits. Grey may have more: 16-bit values are
    divided by 65535, n-bit values of a TIFF by 2^n - 1; floating-point values must be in [0, 1]. Signed and 32-bit
    integers have no value that all programs use for white: they are divided by 255 if none is larger, else by 65535.
    Values outside these ranges are refused.

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
    path, shape = named(path), extents(shape)
    return read_folder(path, shape) if os.path.isdir(path) else read_file(path, shape)


def extents(shape: Any) -> Shape:
    """(C, H, W) as three integers >= 1."""
    try:
        extents = tuple(index(extent) for extent in shape)
    except TypeError:
        raise TypeError(f"shape must be (C, H, W), three integers, got {shape!r}") from None
    if len(extents) != 3 or min(extents) < 1:
        raise ValueError(f"shape must be (C, H, W), three integers >= 1, got {shape!r}")
    return extents


def read_folder(folder: Path, shape: Shape) -> Array:
    """All pictures in a folder; DataError, after all have been tried, that lists those that cannot be read."""
    paths = pictures(folder)
    images: list[Array] = []
    faults: list[str] = []
    for path in paths:
        try:
            images.append(read_file(path, shape))
        except DataError as error:
            faults.append(str(error))
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise DataError(
            f"{folder}: {len(faults)} of {len(paths)} pictures cannot be read: {'; '.join(faults[:SHOWN])}{more}"
        )
    return np.concatenate(images)


def pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures in a folder, in alphabetical order."""
    try:
        visible = sorted(path for path in Path(folder).iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    found = [path for path in visible if path.suffix.lower() in PICTURES]
    if not found:
        raise DataError(f"{folder}: holds no pictures ({', '.join(sorted(PICTURES))}){others(visible)}")
    return found


def others(visible: list[Path]) -> str:
    """A hint if a folder without pictures holds folders or arrays, which may have been meant."""
    if any(path.is_dir() for path in visible):
        return "; pictures in subfolders are not read: name the subfolders"
    if any(path.suffix in (".npy", ".idx", ".gz", ".xz") for path in visible):
        return "; to read arrays, name them one by one"
    return ""


def read_file(path: Path, shape: Shape) -> Array:
    """The images of one file, whose first bytes tell its format."""
    start = first_bytes(path, START)
    if start.startswith(NPY_MAGIC):
        return from_array(path, read_npy(path), shape)
    if kind := compression(start):
        name, program, _ = kind
        inside = unpacked_start(path, name, START)
        if not is_idx(inside):
            raise DataError(
                f"{path}: {'an' if name == 'xz' else 'a'} {name} file must hold an IDX array; "
                f"the content of this one is {described(inside)}; unpack it with {program}"
            )
    if kind or is_idx(start):
        return from_array(path, read_idx(path), shape)
    if words := never_images(start):
        raise DataError(f"{path}: not a picture that can be read: it is {words}")
    return read_picture(path, start, shape)


def read_npy(path: Path) -> Array:
    """The array of a .npy file; its declared size is first compared with the size of the file."""
    with reading(path) as file:
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


def check_dtype(path: Path, dtype: np.dtype[Any]) -> None:
    """DataError unless the elements are bytes or floating-point numbers; it says what to do."""
    if dtype != np.uint8 and dtype.kind != "f":
        raise DataError(
            f"{path}: images must be bytes or floating-point numbers, got {dtype}{WAYS.get(dtype.kind, '')}"
        )


def from_array(path: Path, array: Array, shape: Shape) -> Array:
    """(N, C, H, W) float32 from an array (..., C, H, W), or (..., H, W) where C = 1."""
    check_dtype(path, array.dtype)
    channels, *plane = shape
    fits = array.shape[-3:] == tuple(shape) or (channels == 1 and array.shape[-2:] == tuple(plane))
    if not fits or array.size == 0:
        raise DataError(f"{path}: the network reads images of shape {tuple(shape)}, got an array {array.shape}")
    with np.errstate(over="ignore"):  # values beyond float32 become infinity
        images = array.reshape(-1, *shape).astype(np.float32)
    return images / np.float32(255) if array.dtype == np.uint8 else images
