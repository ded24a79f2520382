"""Arrays in files: .npy files mapped into memory, and mapped arrays that are pickled by the name of their file."""

import mmap
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..typing import Array, Shape
from .arrays import check_size, read_header
from .files import DataError, reading

__all__ = ["map_npy", "packed", "unpacked"]


class Place(NamedTuple):
    """Where an array lies in a file."""

    path: str
    offset: int
    dtype: np.dtype[Any]
    shape: Shape
    strides: Shape


def map_npy(path: Path) -> Array:
    """The array of a .npy file, mapped read-only; its declared size is first compared with the size of the file."""
    with reading(path) as file:
        shape, fortran_order, dtype = read_header(path, file)
        if dtype.hasobject:
            raise DataError(f"{path}: holds Python objects, which are never opened; save an array of numbers")
        start = file.tell()
        check_size(path, shape, dtype, os.fstat(file.fileno()).st_size - start)
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran_order else "C")


def packed(array: Any) -> Any:
    """What is pickled in place of an array: where it lies, if it is mapped from a file; else the array."""
    root = array
    while isinstance(getattr(root, "base", None), np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or not isinstance(root.base, mmap.mmap) or root.filename is None:
        return array
    if root.mode == "c" or min(array.strides, default=0) < 0 or array.size == 0:
        return np.asarray(array)
    moved = address(array) - address(root)
    return Place(os.fspath(root.filename), int(root.offset) + moved, array.dtype, array.shape, array.strides)


def address(array: Array) -> int:
    """The address of the first element."""
    return int(array.__array_interface__["data"][0])


def unpacked(value: Any) -> Any:
    """The array of `packed`, mapped again."""
    if not isinstance(value, Place):
        return value
    span = sum((extent - 1) * step for extent, step in zip(value.shape, value.strides, strict=True))
    raw = np.memmap(value.path, np.uint8, "r", value.offset, (span + value.dtype.itemsize,))
    array: Array = np.ndarray(value.shape, value.dtype, raw, 0, value.strides)
    return array
