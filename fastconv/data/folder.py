"""A folder of class folders: each holds the pictures of one class."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..system.files import AnyPath
from .elsewhere import PICTURES
from .files import DataError, named
from .picture_files import KEEP, FileData, listing
from .targets import checked_classes

__all__ = ["class_folders", "image_folder", "is_hidden"]

LEFT_OUT = {"__MACOSX"}


def image_folder(
    path: AnyPath,
    *,
    classes: Sequence[str] | None = None,
    channels: int = 3,
    size: Any = None,
    skip_unreadable: bool = False,
    keep: int = KEEP,
) -> FileData:
    """The data set of a folder in which each folder holds the pictures of one class.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The folder. Classes are its folders, sorted by name; pictures are all
        files below them with the suffix of a picture (JPEG, PNG, BMP, GIF,
        WebP, TIFF, PGM, PPM), sorted by path. Hidden files and folders are
        left out; links are followed.
    classes : sequence of str, optional
        The names of the folders to read, in the order of the class indices;
        such as the classes of the training images, of which the test images
        may lack one.
    channels, size, skip_unreadable, keep
        As in :class:`FileData`.

    Raises
    ------
    DataError
        If there is no such folder, no folder in it, or one without pictures.

    Examples
    --------
    >>> from fastconv.data import image_folder
    >>> image_folder("pictures")
    Traceback (most recent call last):
        ...
    fastconv.data.files.DataError: pictures: cannot be read: No such file or directory
    """
    folder, fixed = named(path), checked_classes(classes)
    found = class_folders(folder)
    if not found:
        raise DataError(f"{folder}: holds no folders of pictures, one for each class{instead(folder)}")
    names = tuple(found) if fixed is None else fixed
    if more := [name for name in found if name not in names]:
        raise DataError(f"{folder}: holds {more[0]!r}, which is not one of the classes {', '.join(names)}")
    files: list[str] = []
    labels: list[int] = []
    empty = []
    for label, name in enumerate(names):
        inside = list(pictures_below(found[name])) if name in found else []
        if not inside and name in found:
            empty.append(name)
        files += inside
        labels += [label] * len(inside)
    if empty:
        raise DataError(
            f"{folder}: {len(empty)} of {len(found)} class folders hold no pictures "
            f"({', '.join(sorted(PICTURES))}): {listing(empty)}; remove them, or put pictures into them"
        )
    check_depth(folder, found, files)
    return FileData(files, labels, names, channels=channels, size=size, skip_unreadable=skip_unreadable, keep=keep)


def class_folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder, sorted by name, without those that are hidden."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not is_hidden(entry.name))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return {name: folder / name for name in names}


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none that people made."""
    return name.startswith(".") or name in LEFT_OUT


def instead(folder: Path) -> str:
    """'; ...' for a folder with pictures and no folders."""
    if any(Path(name).suffix.lower() in PICTURES for name in os.listdir(folder)):
        return "; put the pictures of each class into a folder of its own, or give a list of (file, label)"
    return ""


def pictures_below(folder: Path) -> Iterator[str]:
    """All pictures in a folder and the folders in it, sorted by path; a folder that holds itself is read once."""
    seen = set()
    for at, folders, files in os.walk(folder, onerror=unlisted, followlinks=True):
        real = os.path.realpath(at)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            if Path(name).suffix.lower() in PICTURES and not is_hidden(name):
                yield os.path.join(at, name)


def unlisted(error: OSError) -> None:
    """DataError for a folder that cannot be read."""
    raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error


def check_depth(folder: Path, found: dict[str, Path], files: list[str]) -> None:
    """DataError if the only class folder holds folders of pictures and no pictures: it was meant itself."""
    if len(found) != 1:
        return
    (only,) = found.values()
    if all(Path(file).parent != only for file in files) and len(class_folders(only)) > 1:
        raise DataError(f"{folder}: holds one folder, which holds {len(class_folders(only))}; name {str(only)!r}")
