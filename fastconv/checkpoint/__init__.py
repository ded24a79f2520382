"""Weights on disk: a crash while writing loses nothing, and reading a stranger's file runs nothing.

The suffix says what is written: .safetensors, else an .npz of plain arrays with JSON beside them. Files of either kind
by PyTorch or NumPy are read too, and state dicts that `torch.save` wrote. Names, shapes, dtypes and sizes are checked
before any array is allocated, and all arrays are read before the first weight changes.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..system.files import AnyPath
from ..system.interrupt import held_back
from ..system.paths import named, text_of
from ..system.replace import check_target, replacing
from ..typing import Array
from . import dtypes, npz, safetensors
from .contents import Contents, read_all
from .errors import CheckpointError, Mismatch, blamed_on, shortened
from .memory import Memory
from .metadata import FORMAT
from .names import Comparison, Loaded, Rename, compared, mismatch
from .translation import arranged

if TYPE_CHECKING:
    from .kinds import Reader  # it knows many formats, and many programs neither save nor load

__all__ = [
    "FORMAT",
    "CheckpointError",
    "Loaded",
    "Mismatch",
    "check_path",
    "comparison",
    "everything",
    "load",
    "metadata",
]
__all__ += ["save"]

NO_METADATA: Mapping[str, Any] = MappingProxyType({})
WRITERS = {safetensors.SUFFIX: safetensors.write, ".npz": npz.write}
LONGEST_NAME = 60_000  # bytes of an array's name; a zip archive can hold 65,535


def save(path: AnyPath, arrays: Mapping[str, Array], metadata: Any = NO_METADATA) -> None:
    """Write the arrays (a mapping) and the metadata (what JSON can hold); the old file stays until the new is whole.

    The suffix decides the format: .safetensors, else .npz. `system.replace` says how the old file is replaced.
    """
    from .kinds import suffix_to_write

    check_order(path, arrays)
    path = check_path(path)
    write = WRITERS[suffix_to_write(path)]
    arrays = {check_name(name): dtypes.writable(name, array) for name, array in arrays.items()}
    metadata = {} if metadata is NO_METADATA else metadata
    with replacing(path, CheckpointError) as file:
        write(file, arrays, metadata)


def check_order(path: object, arrays: object) -> None:
    """TypeError unless the path comes first and the arrays are a mapping; it says what to write."""
    if isinstance(arrays, Mapping):
        return
    if isinstance(arrays, str | os.PathLike):
        raise TypeError(f"path comes before arrays: write checkpoint.save({os.fspath(arrays)!r}, arrays)")
    if hasattr(arrays, "save"):
        raise TypeError(f"arrays must be a dict of arrays, got {type(arrays).__name__}: write network.save(path)")
    raise TypeError(f"arrays must be a dict of arrays, got {type(arrays).__name__}: write {{'name': array, ...}}")


def check_path(path: AnyPath) -> str:
    """The path as text; ValueError, TypeError or OSError if `save` cannot write there."""
    from .kinds import suffix_to_write

    path = text_of(path, CheckpointError)
    if suffix_to_write(path) == safetensors.SUFFIX:
        safetensors.library(path)
    return check_target(path, CheckpointError)


def check_name(name: str) -> str:
    """The name, if both formats can store it; else ValueError."""
    try:
        if "\0" not in name and 0 < len(name.encode()) <= LONGEST_NAME and name != safetensors.OTHERS:
            return name
    except UnicodeEncodeError:
        pass
    rule = f"text that UTF-8 can encode in 1 to {LONGEST_NAME:,} bytes, without NUL"
    raise ValueError(f"an array's name must be {rule}, got {name!r:.50}")


def metadata(path: AnyPath) -> Any:
    """The metadata given to `save`; {} if another program wrote the file."""
    path = text_of(path, CheckpointError)
    with opened(path) as file:
        return file.metadata


@contextmanager
def opened(source: AnyPath | Mapping[str, Any]) -> "Iterator[Reader]":
    """A reader for a file, whose errors name it as the caller typed it, or for a dict of arrays."""
    if isinstance(source, Mapping):
        yield Memory(source)
        return
    from .kinds import open_weights

    path = text_of(source, CheckpointError)
    with named(path), open_weights(path) as file:
        yield file


def everything(path: AnyPath) -> Contents:
    """All arrays of a file under the names that they have there, and its metadata."""
    path = text_of(path, CheckpointError)
    with opened(path) as file:
        return read_all(file, os.path.getsize(path), isinstance(file, npz.NpzFile))


def comparison(path: AnyPath, arrays: Mapping[str, Array]) -> Comparison:
    """Which arrays of the file are which of these, by name, shape and dtype; none is read."""
    with opened(path) as file:
        return compared(file.entries, arrays, None)


def load(
    path: AnyPath | Mapping[str, Any],
    arrays: Mapping[str, Array],
    strict: bool = True,
    rename: Rename | None = None,
    model: Mapping[str, Any] | None = None,
) -> Any:
    """Fill the arrays from the file, or from a dict of arrays; returns the metadata. If not all fits, nothing changes.

    With `strict=False`, fill the arrays that fit and return a report (`Loaded`). Counters and states of random number
    generators may be missing from the file; such arrays stay as they are. `model`, a name and arguments, says which
    network it is: weights of a program that computes something else with them give a warning.
    """
    if not isinstance(strict, bool | np.bool_):
        raise TypeError(f"strict must be True or False, got {strict!r}")
    with opened(path) as file:
        found = compared(file.entries, arrays, rename, model)
        if strict and (found.missing or found.unknown or found.misshapen):
            raise mismatch(file.path, found)
        values, rounded = read(file, found, arrays)
    if (strict and found.misshapen) or (not strict and not values):
        raise mismatch(file.path, found)
    for name in values:
        if not arrays[name].flags.writeable:
            raise ValueError(f"{name} must be writable, got a read-only array; its setflags(write=True) makes it so")
    if strict and rounded:  # before anything changes, because a warning may be an error
        warnings.warn(f"{file.path}: rounded to the network's dtype: {shortened(rounded)}", stacklevel=3)
    if found.notice:
        warnings.warn(f"{file.path}: {found.notice}", stacklevel=3)
    with held_back():
        for name, value in values.items():
            np.copyto(arrays[name], value.reshape(arrays[name].shape))
    return (
        file.metadata
        if strict
        else Loaded(file.metadata, list(values), found.missing, found.unknown, found.misshapen, rounded)
    )


def read(file: "Reader", found: Comparison, arrays: Mapping[str, Array]) -> tuple[dict[str, Array], list[str]]:
    """(name -> values in the array's dtype, names of rounded arrays); an array that would lose values is misshapen."""
    values, rounded = {}, []
    for name, source in list(found.fitting.items()):
        with blamed_on(file.path):
            value = arranged(file.read(source.name), source.form)
            value = value - file.read(source.minus) if source.minus else value
        try:
            values[name], inexact = dtypes.converted(value, arrays[name].dtype, file.entries[source.name].stored)
        except ValueError as error:
            del found.fitting[name]
            found.misshapen[name] = str(error)
            continue
        if inexact:
            rounded.append(name)
    return values, rounded
