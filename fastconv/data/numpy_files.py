"""Data sets in NumPy's files: .npy files mapped into memory, and .npz archives."""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..system.files import AnyPath
from ..typing import Array
from .arrays import check_size, read_header
from .compressed import read_at_most
from .files import DataError, named, reading
from .in_memory import ArrayData
from .mapped import map_npy
from .parts import PARTS, checked_part

__all__ = ["holds_arrays", "read_arrays"]

IMAGES = ("images", "x", "X", "data", "imgs")
TARGETS = ("labels", "targets", "y", "Y", "label")


def read_arrays(path: AnyPath, targets: AnyPath | None = None, *, part: str | None = None) -> ArrayData:
    """The data set of two .npy files, of a folder that holds two, or of an .npz archive.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The .npy file of the images, an .npz archive, or a folder of .npy
        files. In archives and folders the arrays have usual names: images or
        x, and labels, targets or y, also with the part: x_train, train_images.
    targets : str, bytes or os.PathLike, optional
        The .npy file of the targets, if ``path`` is that of the images.
    part : {"train", "test", "validation"}, optional
        Which arrays are read where there are several; by default "train".

    Returns
    -------
    ArrayData
        The arrays of .npy files stay in their files: a batch reads its rows.

    Raises
    ------
    DataError
        If a file is damaged, or has no arrays of such names.

    Examples
    --------
    >>> import tempfile
    >>> from fastconv.data import read_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", x_train=np.zeros((2, 1, 8, 8)), y_train=[0, 1])
    ...     read_arrays(f"{folder}/a.npz")
    ArrayData(images: float64 (2, 1, 8, 8), targets: int64 (2,))
    """
    file = named(path)
    if targets is not None:
        return made(file, map_npy(file), map_npy(named(targets, "targets")))
    if file.is_dir():
        images, labels = chosen(file, [each.stem for each in sorted(file.glob("*.npy"))], part)
        return made(file, map_npy(file / f"{images}.npy"), map_npy(file / f"{labels}.npy"))
    if file.suffix.lower() == ".npy":
        raise DataError(f"{file}: holds one array; write read_arrays(images, targets) with the file of each")
    images, labels = chosen(file, member_names(file), part)
    return made(file, read_member(file, images), read_member(file, labels))


def made(path: Path, images: Array, targets: Array) -> ArrayData:
    """The data set; errors name the file."""
    try:
        return ArrayData(images, targets)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error


def chosen(path: Path, names: Iterable[str], part: str | None) -> tuple[str, str]:
    """The names of the images and of the targets."""
    part, names = checked_part(part), list(names)
    for images, targets in pairs(part):
        if images in names and targets in names:
            return images, targets
    which = "" if part is None else f" of the part {part!r}"
    raise DataError(
        f"{path}: holds {', '.join(names) or 'no arrays'}, and no pair of usual names{which}, "
        "such as images and labels; read the arrays with NumPy, and write ArrayData(images, targets)"
    )


def holds_arrays(path: Path) -> bool:
    """Whether a folder holds .npy files of images and targets with usual names."""
    names = {each.stem for each in path.glob("*.npy")}
    return any(set(pair) <= names for part in (None, *PARTS) for pair in pairs(part))


def pairs(part: str | None) -> Iterable[tuple[str, str]]:
    """Usual names of images and targets."""
    for images in IMAGES:
        for targets in TARGETS:
            for word in PARTS[part or "train"]:
                yield f"{images}_{word}", f"{targets}_{word}"
                yield f"{word}_{images}", f"{word}_{targets}"
            if part is None:
                yield images, targets


def member_names(path: Path) -> list[str]:
    """The names of the arrays in an .npz archive."""
    with archive(path) as members:
        return [name.removesuffix(".npy") for name in members.namelist() if name.endswith(".npy")]


def read_member(path: Path, name: str) -> Array:
    """One array of an .npz archive; memory grows with what is there, not with what is declared."""
    label = f"{path}: {name}"
    with archive(path) as members:
        try:
            with members.open(f"{name}.npy") as file:
                shape, fortran_order, dtype = read_header(label, file)
                if dtype.hasobject:
                    raise DataError(f"{label}: holds Python objects, which are never opened; save an array of numbers")
                size = int(np.prod(shape, dtype=object)) * dtype.itemsize
                elements = read_at_most(file, size + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{label}: cannot be read: {error}") from error
    check_size(label, shape, dtype, len(elements))
    return np.frombuffer(elements, dtype).reshape(shape, order="F" if fortran_order else "C")


@contextmanager
def archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """An .npz archive, open for reading."""
    with reading(path) as file:
        try:
            members = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise DataError(f"{path}: not an .npz archive that can be read: {error}") from error
        yield members
