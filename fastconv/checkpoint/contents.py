"""All that a file of weights holds, to write it again in another format or under other names."""

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array
from . import dtypes
from .errors import CheckpointError, blamed_on

if TYPE_CHECKING:
    from .kinds import Reader

__all__ = ["Contents", "read_all", "with_floats"]

MOST_SHARED = 8  # numbers of arrays for each byte of a file whose arrays are not compressed: they may share memory


class Contents(NamedTuple):
    """The arrays of a file, and what became of the others."""

    arrays: dict[str, Array]
    metadata: Any
    widened: dict[str, str]  # name -> the dtype in the file, which NumPy does not have
    left_out: dict[str, str]  # name -> what it is; it cannot be read


def read_all(file: "Reader", length: int, compressed: bool) -> Contents:
    """All arrays of an open file of `length` bytes; CheckpointError if they are views of far more numbers."""
    readable = {name: entry for name, entry in file.entries.items() if entry.dtype is not None}
    count = sum(prod(entry.shape) for entry in readable.values())
    if not compressed and count > MOST_SHARED * length:
        raise CheckpointError(f"{file.path} has {length:,} bytes, but its arrays are views of {count:,} numbers")
    with blamed_on(file.path):
        arrays = {name: file.read(name) for name in readable}
    widened = {name: entry.stored for name, entry in readable.items() if entry.stored != str(entry.dtype)}
    left_out = {name: entry.stored for name, entry in file.entries.items() if entry.dtype is None}
    return Contents(arrays, file.metadata, widened, left_out)


def with_floats(arrays: Mapping[str, Array], dtype: DTypeLike, kept: str = "") -> tuple[dict[str, Array], list[str]]:
    """(the arrays with floats in this dtype, the names of those that were rounded).

    Names that begin with `kept` stay as they are. ValueError if a finite number would become infinite.
    """
    wanted, result, rounded = np.dtype(dtype), dict(arrays), []
    for name, array in arrays.items():
        if array.dtype.kind != "f" or (kept and name.startswith(kept)):
            continue
        try:
            result[name], inexact = dtypes.converted(array, wanted, str(array.dtype))
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        if inexact:
            rounded.append(name)
    return result, rounded
