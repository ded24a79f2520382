"""What lies in a folder, or is a file, in which the four IDX files were looked for: how to read that instead."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

__all__ = ["PICTURES", "hint"]

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
PACKED = {".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2", ".7z"}
ENTRIES = 1000  # of a folder that are looked at
IN = ("", "MNIST/raw", "FashionMNIST/raw")  # where torchvision puts the files
FILES = "the files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
OF_PICTURES = "read a folder of class folders as a data set, fastconv.data.read(path)"
OF_CIFAR = "read CIFAR as a data set, fastconv.data.read(path), from the files of its binary version"
NOTHING = f"nothing is downloaded: put {FILES} into a folder, or name 'sample', which comes with fastconv"


def hint(path: Path) -> str:
    """'; ...' with what to do about a path without the four files; '' if nothing is known of it."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return f"; {NOTHING}"
    except (OSError, ValueError):
        return ""
    words = about_folder(path) if os.path.isdir(path) else about_file(path)
    return f"; {words}" if words else ""


def about_file(path: Path) -> str:
    """What to do about a file that was given in place of a folder."""
    suffix = path.suffix.lower()
    if "idx" in path.name:
        return f"name {str(path.parent)!r}, the folder of the four files"
    if suffix == ".npz":
        return of_npz(path)
    if suffix in PACKED:
        return "unpack it, and name the folder"
    if suffix in PICTURES | {".npy"}:
        return f"write fastconv.data.read_images({str(path)!r}, (C, H, W))"
    return f"name the folder with {FILES}"


def about_folder(path: Path) -> str:
    """What to do about a folder without the four files."""
    inside = visible(path)
    names = [entry.name for entry in inside]
    nested = [path / part / place for place in IN for part in ("", *names) if part or place]
    found = next((folder for folder in nested if is_complete(folder)), None)
    if found:
        return f"name {str(found)!r}, where they are"
    if any(name.startswith(("data_batch", "cifar-10", "cifar-100")) for name in names):
        return OF_CIFAR
    if any(is_picture(entry) for entry in inside) or any(map(holds_pictures, inside)):
        return OF_PICTURES
    arrays = [entry for entry in inside if entry.suffix.lower() == ".npz"]
    return of_npz(arrays[0]) if arrays else ""


def visible(path: Path) -> list[Path]:
    """The first entries of a folder that are not hidden, in alphabetical order; none if it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return sorted(path / entry.name for entry in islice(entries, ENTRIES) if not entry.name.startswith("."))
    except OSError:
        return []


def is_complete(path: Path) -> bool:
    """Whether a folder holds the images and the labels, under one of the names in use."""
    names = tuple(entry.name for entry in visible(path)) if os.path.isdir(path) else ()
    return all(starts(names, f"{part}-{what}") for part in ("train", "t10k") for what in ("images", "labels"))


def starts(names: Iterable[str], start: str) -> bool:
    """Whether one of the names begins so."""
    return any(name.startswith(start) for name in names)


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture."""
    return path.suffix.lower() in PICTURES


def holds_pictures(path: Path) -> bool:
    """Whether this is a folder with pictures."""
    return os.path.isdir(path) and any(map(is_picture, visible(path)))


def of_npz(path: Path) -> str:
    """The line for an .npz with the names that Keras gives the arrays of MNIST."""
    return (
        f"for the file of Keras, write: with numpy.load({str(path)!r}) as arrays: "
        "x, y = arrays['x_train'][:, None] / numpy.float32(255), arrays['y_train'].astype('int64')"
    )
