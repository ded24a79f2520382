"""Images for a trained network: pictures (PNG, JPEG, ... by Pillow), and arrays in .npy or IDX files."""

import os
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from ..system.files import AnyPath
from ..typing import Array, Shape
from .arrays import NPY_MAGIC, from_array, read_npy
from .compressed import compression, unpacked_start
from .elsewhere import PICTURES
from .files import DataError, first_bytes, named
from .idx import is_idx, read_idx

__all__ = ["pictures", "read_images"]

SHOWN = 10  # files that one message names


def read_images(path: AnyPath | Sequence[AnyPath], shape: Sequence[int] | None = None) -> Array:
    """Read the images of one file, of several files, or of all pictures in a folder, for a network of input ``shape``.

    Parameters
    ----------
    path : str, bytes or os.PathLike, or a list of them
        A picture that Pillow reads, turned to grey where C = 1 and to RGB where C = 3, and resized to H x W; an array
        in a ``.npy`` file or an IDX file (plain, gzip or xz), whose last axes must be (C, H, W), or (H, W) where C = 1;
        or a folder, whose pictures are read in alphabetical order: the files with the suffix of a picture, without
        hidden files (``.name``) and subfolders.
    shape : (C, H, W)
        Shape of the images wanted, such as ``network.input_shape``; always needed.

    Returns
    -------
    numpy.ndarray
        (N, C, H, W) float32. Pictures have values in [0, 1], from black to white. Arrays of uint8 are divided by
        255; arrays of floating-point numbers are not scaled, and bools are 0 and 1.

    Raises
    ------
    DataError
        If a file is missing, damaged, too large, or has another shape; if Pillow is needed and not installed.
        For a folder, all its pictures are tried, and the message names those that cannot be read (at most 10)
        and counts them.
    ValueError, TypeError
        If ``shape`` is not three integers >= 1.

    Warns
    -----
    UserWarning
        If floating-point numbers look like bytes, 0 to 255: networks are trained on images in [0, 1].

    Notes
    -----
    A network recognises what looks like its training images. Black is 0 and white is 1, and nothing is inverted: the
    images of MNIST and Fashion-MNIST are bright on black, so a dark drawing on white paper must be turned:
    ``1 - read_images(path, shape)``. A picture is stretched to H x W; cut it first if its sides differ much.

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
    shape = extents(shape)
    paths: Sequence[Any] = path if isinstance(path, list | tuple) else [path]
    if not paths:
        raise DataError(f"path must name at least one file, got {path!r}")
    images = []
    for each in paths:  # a comprehension would be a frame of its own to some Pythons, and warnings count frames
        images.append(read_path(named(each), shape))
    return images[0] if len(images) == 1 else np.concatenate(images)


def read_path(path: Path, shape: Shape) -> Array:
    """The images of one file, or of all pictures in a folder."""
    if os.path.isdir(path):
        return read_folder(path, shape)
    if any(letter in path.name for letter in "*?") and not os.path.lexists(path):
        raise DataError(f"{path}: no such file; for all files of this pattern, write sorted(glob.glob({str(path)!r}))")
    return read_file(path, shape)


def extents(shape: Any) -> Shape:
    """(C, H, W) as three integers >= 1; the error says what to write."""
    if hasattr(shape, "shape") and len(shape.shape) != 1:
        raise TypeError(f"shape must be (C, H, W), three integers, got an array of shape {tuple(shape.shape)}")
    try:
        extents = tuple(index(extent) for extent in shape)
    except TypeError:
        raise TypeError(f"shape must be (C, H, W), three integers, got {shape!r}{line(shape)}") from None
    if len(extents) != 3 or min(extents) < 1:
        raise ValueError(f"shape must be (C, H, W), three integers >= 1, got {shape!r}{line(extents)}")
    return extents


def line(shape: Any) -> str:
    """'; write ...' for what is often given in place of (C, H, W); else ''."""
    if shape is None or hasattr(shape, "input_shape"):
        return "; write network.input_shape"
    if isinstance(shape, int):
        return f"; write (1, {shape}, {shape}) for grey images"
    if len(shape) == 2:
        return f"; write (1, {shape[0]}, {shape[1]}) for grey images"
    return f"; write {shape[1:]}, without the axis of images" if len(shape) == 4 else ""


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
        cure = f"; write read_images({str(folder)!r}, shape)" if isinstance(error, NotADirectoryError) else ""
        raise DataError(f"{folder}: cannot be read: {error.strerror}{cure}") from error
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
    from .cures import cure  # these know many kinds of files, and many programs read none
    from .kinds import START, described, never_images
    from .pictures import read_picture

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
        raise DataError(f"{path}: not a picture that can be read: it is {words}{cure(path, start, shape)}")
    return read_picture(path, start, shape)
