"""Labelled images in the four files of MNIST and Fashion-MNIST, and where they are found."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..typing import Array
from .arrays import shares
from .calls import explained
from .elsewhere import hint
from .files import DataError, named
from .idx import read_idx

__all__ = ["Dataset", "Split", "class_names", "find_folder", "load", "load_images", "load_labels"]

SAMPLE = Path(__file__).parent / "sample"
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
VARIABLE = "FASTCONV_DATA"  # the environment variable that names a folder
WORDS = {  # arguments of other libraries -> what to write
    "download": 'nothing is downloaded: give the folder that holds the files, or "sample"',
    **dict.fromkeys(("root", "path", "dir", "data_dir", "directory"), "write fastconv.data.load(VALUE)"),
    **dict.fromkeys(
        ("train", "split", "subset"), "both parts are loaded: write data = fastconv.data.load(), then data.train"
    ),
    **dict.fromkeys(("transform", "normalize"), "images are float32 from 0 to 1; change their arrays with NumPy"),
}
PARTS = ("train", "t10k")
KINDS = (("images", 3), ("labels", 1))  # what a file holds, and its number of dimensions


class Split(NamedTuple):
    """Images (N, 1, H, W), float32 in [0, 1], and their labels (N,), int64."""

    images: Array
    labels: Array

    def __repr__(self) -> str:
        return f"Split({', '.join(f'{name}: {kind(array)}' for name, array in self._asdict().items())})"


class Dataset(NamedTuple):
    """A training and a test split, and the folder that they come from."""

    train: Split
    test: Split
    folder: Path

    def __repr__(self) -> str:
        return f"Dataset(\n    train={self.train!r},\n    test={self.test!r},\n    folder={str(self.folder)!r},\n)"


def kind(array: object) -> str:
    """Shape and dtype of an array; what else somebody put into a split, as it is."""
    return f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else repr(array)


@explained(WORDS)
def load(folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Load labelled images for training and for testing.

    Parameters
    ----------
    folder : str or os.PathLike, optional
        A folder with the four IDX files, plain, ``.gz`` or ``.xz``, or ``"sample"`` for the embedded sample. By default
        the first of: the folder that the environment variable ``FASTCONV_DATA`` names,
        ``/usr/share/datasets/fashion-mnist`` (Debian's package ``dataset-fashion-mnist``), the sample.

    Returns
    -------
    Dataset
        ``(train, test, folder)``; each split is ``(images, labels)``: (N, 1, H, W) float32 in [0, 1] and
        (N,) int64. Three values are unpacked: ``(x, y), (x_test, y_test), _ = load()``; for the two of Keras write
        ``(x, y), (x_test, y_test) = load()[:2]``. Else Python says "too many values to unpack (expected 2)".

    Raises
    ------
    DataError
        If a file is missing or damaged, images and labels differ in number, or the splits in image size.

    Notes
    -----
    The sample holds 5,000 images of Fashion-MNIST: the first 400 of each class in the order of its training
    file, and the first 100 of each class of its test file.

    Examples
    --------
    >>> import fastconv.data
    >>> sample = fastconv.data.load("sample")
    >>> sample.train
    Split(images: (4000, 1, 28, 28) float32, labels: (4000,) int64)
    >>> (x, y), (x_test, y_test), _ = sample
    >>> x.shape, y_test.shape
    ((4000, 1, 28, 28), (1000,))
    """
    found = find_folder(folder)
    try:
        return load_from(found)
    except DataError as error:
        if folder is None and os.environ.get(VARIABLE):
            raise DataError(f"{error}; the environment variable {VARIABLE} names this folder") from error
        raise


def load_from(folder: Path) -> Dataset:
    """The dataset of a folder, whose splits agree in the shape of their images."""
    train, test = (load_split(folder, part) for part in PARTS)
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DataError(
            f"{folder}: training images of shape {train.images.shape[1:]} "
            f"and test images of shape {test.images.shape[1:]}: they must be the same"
        )
    return Dataset(train, test, folder)


def find_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder that :func:`load` reads: the given folder, else the first of the usual places."""
    if folder is None:
        folder = os.environ.get(VARIABLE) or None
    if folder is not None:
        folder = named(folder, "folder")
        return SAMPLE if folder == Path("sample") else folder
    complete = all(find_file(INSTALLED, part, *kind) for part in PARTS for kind in KINDS)
    return INSTALLED if complete else SAMPLE


def class_names(folder: Path) -> tuple[str, ...] | None:
    """What the labels of a folder mean, as a tuple of strings; None if the names are unknown.

    The names are known for the embedded sample and for Debian's package; IDX files hold no names.

    Examples
    --------
    >>> fastconv.data.class_names(fastconv.data.find_folder("sample"))[9]
    'Ankle boot'
    """
    return FASHION if folder in (SAMPLE, INSTALLED) else None


def load_split(folder: Path, part: str) -> Split:
    """The images and labels of one part, equal in number."""
    images, labels = (needed_file(folder, part, *kind) for kind in KINDS)
    split = Split(load_images(images), load_labels(labels))
    if len(split.images) == 0:
        raise DataError(f"{images}: holds no images")
    if len(split.images) != len(split.labels):
        raise DataError(f"{images} holds {len(split.images)} images, {labels} {len(split.labels)} labels")
    return split


def file_names(part: str, what: str, dimensions: int) -> list[str]:
    """The names in use: ``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``, plain, gzip or xz."""
    return [f"{part}-{what}{dot}idx{dimensions}-ubyte{end}" for dot in "-." for end in ("", ".gz", ".xz")]


def find_file(folder: Path, part: str, what: str, dimensions: int) -> Path | None:
    """The path of the file under one of the names in use; None if there is none."""
    found = (folder / name for name in file_names(part, what, dimensions))
    return next((path for path in found if os.path.isfile(path)), None)


def needed_file(folder: Path, part: str, what: str, dimensions: int) -> Path:
    """The path of the file; if there is none, a DataError that says why."""
    path = find_file(folder, part, what, dimensions)
    if path is None:
        reason = unlisted(folder) or f"holds no {part}-{what}-idx{dimensions}-ubyte[.gz|.xz]"
        raise DataError(f"{folder}: {reason}{hint(folder)}")
    return path


def unlisted(folder: Path) -> str | None:
    """Why a folder cannot be looked into; None if it can."""
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        return "no such folder"
    except NotADirectoryError:
        return "is not a folder"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return None


def load_images(path: str | os.PathLike[str]) -> Array:
    """Grey images from an IDX file of bytes (N, H, W), as (N, 1, H, W) float32 in [0, 1].

    Raises
    ------
    DataError
        If the file is damaged (see :func:`read_idx`), or is not an array of bytes with three dimensions.
    """
    return shares(image_bytes(path))


def image_bytes(path: str | os.PathLike[str]) -> Array:
    """The same images as the bytes of the file, (N, 1, H, W)."""
    images = read_idx(path)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape[1:]:
        raise DataError(f"{path}: images must be bytes (N, H, W), got {images.dtype} {images.shape}")
    return images[:, None]


def load_labels(path: str | os.PathLike[str]) -> Array:
    """Labels from an IDX file of bytes (N,), as (N,) int64.

    Raises
    ------
    DataError
        If the file is damaged (see :func:`read_idx`), or is not an array of bytes with one dimension.
    """
    labels = read_idx(path)
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError(f"{path}: labels must be bytes (N,), got {labels.dtype} {labels.shape}")
    return labels.astype(np.int64)
