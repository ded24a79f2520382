"""One door to data sets: finds out what a path is, and gives its data set or says what to do."""

import os
from pathlib import Path
from typing import Any

from ..system.files import AnyPath
from .cifar import holds_cifar, read_cifar
from .dataset import KINDS, SAMPLE, class_names, find_file, image_bytes, load_labels, needed_file
from .elsewhere import PACKED, PICTURES
from .files import DataError, first_bytes, named
from .folder import class_folders, image_folder, is_hidden
from .in_memory import ArrayData
from .kinds import START, described
from .listed import image_list
from .numpy_files import holds_arrays, read_arrays
from .parts import PARTS, checked_part
from .picture_files import FileData, listing

__all__ = ["read"]

TABLES = (".csv", ".tsv", ".txt")
INSIDE = ("MNIST/raw", "FashionMNIST/raw", "cifar-10-batches-bin", "cifar-100-binary")
IDX_PARTS = {"train": "train", "test": "t10k"}
WHAT = (
    "a folder of class folders with pictures, a CSV file of files and labels, the folder of CIFAR's binary version, "
    "the folder of MNIST's four files, an .npz archive, or a folder with images.npy and labels.npy"
)


def read(
    path: AnyPath,
    part: str | None = None,
    *,
    channels: int | None = None,
    size: Any = None,
    skip_unreadable: bool = False,
) -> ArrayData | FileData:
    """Read a data set, whatever the path is.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        A folder of class folders with pictures, or one that holds such
        folders called train and test; a CSV file of pictures and labels; the
        folder of CIFAR-10 or CIFAR-100 in the binary version; the folder of
        MNIST's four files; an .npz archive; a folder of .npy files.
    part : {"train", "test", "validation"}, optional
        Which part, where there are several; by default "train".
    channels, size, skip_unreadable
        For pictures, as in :class:`FileData`; ``channels`` is 3 by default.
        Arrays are read as they are: other numbers than theirs are an error.

    Returns
    -------
    ArrayData or FileData
        A data set: it has a length and a method ``batch(indices)``.

    Raises
    ------
    DataError
        If there is no data set; the message says what was found.

    Examples
    --------
    >>> import fastconv.data
    >>> data = fastconv.data.read("sample", "test")
    >>> data
    ArrayData(images: uint8 (1000, 1, 28, 28), targets: int64 (1000,))
    >>> images, targets = data.batch([0, 1])
    """
    place, part = find(path), checked_part(part)
    if data := arrays(place, part):
        return fits(place, data, channels, size)
    options = {"channels": channels or 3, "size": size, "skip_unreadable": skip_unreadable}
    if place.is_dir():
        return pictures(place, part, options)
    if place.suffix.lower() in TABLES:
        whole(place, part)
        return image_list(place, **options)
    raise DataError(f"{place}: {about_file(place)}; a data set is {WHAT}")


def find(path: AnyPath) -> Path:
    """The path, which is there; "sample" and what holds nothing but a folder of known files lead to that folder."""
    place = SAMPLE if path == "sample" and not os.path.exists("sample") else named(path)
    if not os.path.exists(place):
        raise DataError(f"{place}: no such file or folder")
    if not place.is_dir() or holds(place):
        return place
    inside = [folder for name in INSIDE if holds(folder := place / name)]
    return inside[0] if len(inside) == 1 else place


def holds(folder: Path) -> bool:
    """Whether a folder holds the files of MNIST or of CIFAR."""
    return holds_idx(folder) or holds_cifar(folder)


def holds_idx(folder: Path) -> bool:
    """Whether a folder holds images in an IDX file under one of the names in use."""
    return any(find_file(folder, part, *KINDS[0]) for part in IDX_PARTS.values())


def arrays(place: Path, part: str | None) -> ArrayData | None:
    """The data set of files that hold arrays; None if there are none."""
    if place.is_dir():
        if holds_idx(place):
            return from_idx(place, two_parts(place, part))
        if holds_cifar(place):
            return read_cifar(place, two_parts(place, part))
        return read_arrays(place, part=part) if holds_arrays(place) else None
    return read_arrays(place, part=part) if place.suffix.lower() in (".npz", ".npy") else None


def from_idx(folder: Path, part: str) -> ArrayData:
    """One part of the files of MNIST: images (N, 1, H, W), uint8, and their labels."""
    images, labels = (needed_file(folder, IDX_PARTS[part], *kind) for kind in KINDS)
    try:
        return ArrayData(image_bytes(images), load_labels(labels), class_names(folder))
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{images}: {error}") from error


def two_parts(place: Path, part: str | None) -> str:
    """The part, of data with a training and a test part."""
    if part == "validation":
        raise DataError(f"{place}: has the parts train and test; split the training images for validation")
    return part or "train"


def fits(place: Path, data: ArrayData, channels: int | None, size: Any) -> ArrayData:
    """The data set; DataError if other channels or another size were asked for."""
    if not isinstance(data.images, list):
        found, *plane = data.images.shape[1:]
        wanted = [size, size] if isinstance(size, int) else plane if size is None else list(size)
        if found != (channels or found) or plane != wanted:
            raise DataError(
                f"{place}: holds images {(found, *plane)}, and arrays are not resized as pictures are; "
                "leave out channels and size, and change the images with transforms"
            )
    return data


def pictures(folder: Path, part: str | None, options: dict[str, Any]) -> FileData:
    """The data set of class folders, or of those of one part."""
    inside = class_folders(folder)
    parts = {name: inside[word] for name, words in PARTS.items() for word in words if word in inside}
    if "train" not in parts or len(parts) < max(2, len(inside)):
        if not inside:
            raise DataError(f"{folder}: {about_folder(folder)}; a data set is {WHAT}")
        whole(folder, part)
        return image_folder(folder, **options)
    wanted = part or "train"
    if wanted not in parts:
        raise DataError(f"{folder}: has no part {wanted!r}; it has {', '.join(parts)}")
    return image_folder(parts[wanted], classes=tuple(class_folders(parts["train"])), **options)


def whole(place: Path, part: str | None) -> None:
    """DataError if a part was asked for where there are none."""
    if part is not None:
        raise DataError(f"{place}: has no parts; leave out part={part!r}, and split the data set")


def about_folder(folder: Path) -> str:
    """What a folder without folders holds, in words."""
    names = sorted(name for name in os.listdir(folder) if not is_hidden(name))
    if not names:
        return "is empty"
    tables = [name for name in names if Path(name).suffix.lower() in TABLES]
    if tables:
        return f"holds {listing(tables)}; if this lists the pictures, name it, {str(folder / tables[0])!r}"
    if any(Path(name).suffix.lower() in PICTURES for name in names):
        return "holds pictures and no folders; put the pictures of each class into a folder of its own"
    if all(Path(name).suffix.lower() in PACKED for name in names):
        return f"holds {listing(names)}, packed; unpack it here"
    return f"holds {listing(names)}"


def about_file(path: Path) -> str:
    """What a file is that holds no data set, in words."""
    suffix = path.suffix.lower()
    if suffix in PACKED:
        return "is packed; unpack it, and name the folder"
    if suffix in PICTURES:
        return "is one picture; name the folder that holds the folders of the classes"
    if suffix == ".bin" or "idx" in path.name:
        return f"is one file of several; name their folder, {str(path.parent)!r}"
    return f"is {described(first_bytes(path, START))}"
