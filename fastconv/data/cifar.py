"""CIFAR-10 and CIFAR-100 in their binary version: records of labels, then 3 x 32 x 32 bytes.

CIFAR-10     1 byte, the class            data_batch_1.bin ... data_batch_5.bin, test_batch.bin
CIFAR-100    2 bytes, the coarse class    train.bin, test.bin
             and the fine class
"""

import os
from pathlib import Path

import numpy as np

from ..system.files import AnyPath
from ..typing import Shape
from .files import DataError, named, reading
from .in_memory import ArrayData

__all__ = ["holds_cifar", "read_cifar"]

IMAGE: Shape = (3, 32, 32)
PIXELS = 3 * 32 * 32
TEN = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
HUNDRED = {"train": ["train.bin"], "test": ["test.bin"]}
PICKLED = {"data_batch_1": 10, "test_batch": 10, "batches.meta": 10, "train": 100, "test": 100, "meta": 100}


def read_cifar(folder: AnyPath, part: str = "train", *, coarse: bool = False) -> ArrayData:
    """CIFAR-10 or CIFAR-100 from the files of its binary version.

    Parameters
    ----------
    folder : str, bytes or os.PathLike
        The folder ``cifar-10-batches-bin`` or ``cifar-100-binary``.
    part : {"train", "test"}
        Which of the two.
    coarse : bool
        The 20 coarse classes of CIFAR-100 in place of its 100.

    Returns
    -------
    ArrayData
        Images (N, 3, 32, 32), uint8, with their classes.

    Raises
    ------
    DataError
        If files are missing or damaged, or those of the version for Python.

    Examples
    --------
    >>> from fastconv.data import read_cifar
    >>> read_cifar("cifar-10-batches-bin")
    Traceback (most recent call last):
        ...
    fastconv.data.files.DataError: cifar-10-batches-bin: no such folder
    """
    path = named(folder, "folder")
    if part not in TEN:
        raise ValueError(f'part must be "train" or "test", got {part!r}')
    if not path.is_dir():
        raise DataError(f"{path}: {'is a file; name its folder' if os.path.exists(path) else 'no such folder'}")
    ten = any((path / name).exists() for names in TEN.values() for name in names)
    files = [path / name for name in (TEN if ten else HUNDRED)[part]]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}{binary(path)}")
    if ten and coarse:
        raise ValueError("coarse classes are those of CIFAR-100; these are the files of CIFAR-10")
    count = 10 if ten else 20 if coarse else 100
    column, head = (0, 1) if ten else (0 if coarse else 1, 2)
    records = np.concatenate([read_records(file, head) for file in files])
    labels = records[:, column]
    if len(labels) and labels.max() >= count:
        raise DataError(f"{path}: a label must be below {count}, got {labels.max()}: the files are damaged")
    name = "batches.meta.txt" if ten else f"{'coarse' if coarse else 'fine'}_label_names.txt"
    return ArrayData(records[:, head:].reshape(-1, *IMAGE), labels, class_names(path / name, count))


def read_records(path: Path, head: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The records of one file, (N, head + 3072)."""
    length = head + PIXELS
    with reading(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0 or size % length:
            raise DataError(f"{path}: must be a multiple of {length} bytes, got {size}; the file is damaged")
        return np.fromfile(file, np.uint8).reshape(-1, length)


def class_names(path: Path, count: int) -> list[str] | None:
    """The names of the classes, one a line; None if the file is missing or holds another number."""
    if not path.is_file():
        return None
    with reading(path) as file:
        lines = [line.strip() for line in file.read(1 << 16).decode(errors="replace").splitlines()]
    names = [line for line in lines if line]
    return names if len(names) == len(set(names)) == count else None


def holds_cifar(path: Path) -> bool:
    """Whether a folder holds files of CIFAR, of the binary version or of that for Python."""
    names = [name for parts in (TEN, HUNDRED) for files in parts.values() for name in files]
    return any((path / name).is_file() for name in (*names, *PICKLED))


def binary(path: Path) -> str:
    """'; ...' where the folder holds the version for Python, with the file to take instead."""
    number = next((number for name, number in PICKLED.items() if (path / name).is_file()), None)
    if number is None:
        return ""
    return (
        "; it holds the version for Python, pickles, which are never opened: "
        f"take the binary version, cifar-{number}-binary.tar.gz, from https://www.cs.toronto.edu/~kriz/cifar.html"
    )
