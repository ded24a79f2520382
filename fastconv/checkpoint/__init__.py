"""Weights on disk: a crash while writing loses nothing, and reading a stranger's file runs nothing.

The suffix says what is written: .safetensors, else an .npz of plain arrays with JSON beside them. Files of either kind
by PyTorch or NumPy are read too, and state dicts that `torch.save` wrote. Names, shapes, dtypes and sizes are checked
before any array is allocated, and all arrays are read before the first weight changes.
"""

import os
import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from ..system.files import AnyPath, require_regular
from ..system.interrupt import held_back
from ..typing import Array
from . import dtypes, npz, safetensors
from .errors import CheckpointError, Mismatch, blamed_on, shortened
from .kinds import SAFETENSORS, Reader, open_weights, suffix_to_write
from .metadata import FORMAT
from .names import Comparison, Loaded, Rename, compared, mismatch

__all__ = ["FORMAT", "CheckpointError", "Loaded", "Mismatch", "check_path", "load", "metadata", "save"]

NO_METADATA: Mapping[str, Any] = MappingProxyType({})
WRITERS = {SAFETENSORS: safetensors.write, ".npz": npz.write}
LONGEST_NAME = 60_000  # bytes of an array's name; a zip archive can hold 65,535
LONGEST = 100  # bytes of the target's name that the temporary file's name contains


def save(path: AnyPath, arrays: Mapping[str, Array], metadata: Any = NO_METADATA) -> None:
    """Write the arrays (a mapping) and the metadata (what JSON can hold); the old file stays until the new is whole.

    The new file is written under another name in the same folder, forced to disk, and renamed to `path`. It has the
    permissions and the owner of the old one. A symbolic link stays a link; other hard links keep the old file.
    """
    path = check_path(path)
    write = WRITERS[suffix_to_write(path)]
    arrays = {check_name(name): dtypes.writable(name, array) for name, array in arrays.items()}
    metadata = {} if metadata is NO_METADATA else metadata
    with named(path):
        target = os.path.realpath(path)  # a link stays a link
        temporary = beside(target)
        try:
            with created(temporary, target) as file:
                write(file, arrays, metadata)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            if os.path.lexists(temporary):
                os.unlink(temporary)
            raise
        sync_folder(os.path.dirname(target))


def check_path(path: AnyPath) -> str:
    """The path as text; ValueError, TypeError or OSError if `save` cannot write there."""
    path = text_of(path)
    suffix_to_write(path)
    with named(path):
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            folder = os.path.dirname(path) or os.curdir
            if os.path.islink(path):
                raise CheckpointError(f"{path} is a link to {os.readlink(path)}, which does not exist") from None
            if not os.path.isdir(folder):
                raise
            if os.path.basename(path) in ("", os.curdir, os.pardir):
                raise CheckpointError(f"{path} is no name of a file") from None
        else:
            require_regular(path, mode, CheckpointError)
    return path


def text_of(path: AnyPath) -> str:
    """The path as text, as the caller typed it."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"path must be text or a pathlib.Path, got {type(path).__name__}: {path!r:.50}")
    path = os.fsdecode(path)
    if not path or "\0" in path or not can_be_encoded(path):
        raise CheckpointError(f"path must be the name of a file, got {path!r}")
    return path


def can_be_encoded(path: str) -> bool:
    """Whether the system has bytes for the text; it has none for half of a surrogate pair."""
    try:
        return bool(os.fsencode(path))
    except UnicodeEncodeError:
        return False


@contextmanager
def named(path: str) -> Iterator[None]:
    """OSErrors name the path that the caller typed, not the resolved or the temporary one."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        folder = os.path.dirname(path)
        if isinstance(error, FileNotFoundError) and folder and not os.path.isdir(folder):
            home = "; write os.path.expanduser(path) if ~ is your home folder" if path.startswith("~") else ""
            reason = f"{reason}: there is no folder {folder}{home}"
        raise OSError(error.errno, reason, path) from error


def check_name(name: str) -> str:
    """The name, if both formats can store it; else ValueError."""
    try:
        if "\0" not in name and 0 < len(name.encode()) <= LONGEST_NAME and name != safetensors.OTHERS:
            return name
    except UnicodeEncodeError:
        pass
    rule = f"text that UTF-8 can encode in 1 to {LONGEST_NAME:,} bytes, without NUL"
    raise ValueError(f"an array's name must be {rule}, got {name!r:.50}")


def beside(target: str) -> str:
    """The name of a temporary file in the same folder, cut so that it is not too long."""
    folder, name = os.path.split(target)
    start = os.fsdecode(os.fsencode(name)[:LONGEST])
    return os.path.join(folder, f".{start}.{os.urandom(8).hex()}")


@contextmanager
def created(temporary: str, target: str) -> Iterator[BinaryIO]:
    """A new file, open for writing, with the permissions and the owner of the target if that exists."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        old = None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(temporary, flags, 0o600 if old else 0o666)
    with open(handle, "wb") as file:
        if old and hasattr(os, "fchmod"):
            take_over(handle, old)
        yield file


def take_over(handle: int, old: os.stat_result) -> None:
    """Give the open file the permissions of the old one, and its owner and group as far as the system allows it."""
    for owner in ((old.st_uid, old.st_gid), (-1, old.st_gid)):
        try:
            os.fchown(handle, *owner)
            break
        except OSError:  # only root may change the owner
            continue
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def sync_folder(folder: str) -> None:
    """Make the rename itself survive a power cut, where folders can be opened at all."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def metadata(path: AnyPath) -> Any:
    """The metadata given to `save`; {} if another program wrote the file."""
    path = text_of(path)
    with named(path), open_weights(path) as file:
        return file.metadata


def load(path: AnyPath, arrays: Mapping[str, Array], strict: bool = True, rename: Rename | None = None) -> Any:
    """Fill the arrays from the file and return its metadata; if anything does not fit, nothing changes.

    With `strict=False`, fill the arrays that fit and return a report (`Loaded`). Counters and states of random number
    generators may be missing from the file; such arrays stay as they are.
    """
    path = text_of(path)
    if not isinstance(strict, bool | np.bool_):
        raise TypeError(f"strict must be True or False, got {strict!r}")
    with named(path), open_weights(path) as file:
        comparison = compared(file.entries, arrays, rename)
        if strict and any(comparison[1:]):
            raise mismatch(path, comparison)
        values, rounded = read(file, comparison, arrays)
    if (strict and comparison.misshapen) or (not strict and not values):
        raise mismatch(path, comparison)
    for name in values:
        if not arrays[name].flags.writeable:
            raise ValueError(f"{name} must be writable, got a read-only array; its setflags(write=True) makes it so")
    if strict and rounded:  # before anything changes, because a warning may be an error
        warnings.warn(f"{path}: rounded to the network's dtype: {shortened(rounded)}", stacklevel=3)
    with held_back():
        for name, value in values.items():
            np.copyto(arrays[name], value.reshape(arrays[name].shape))
    return (
        file.metadata
        if strict
        else Loaded(file.metadata, list(values), comparison.missing, comparison.unknown, comparison.misshapen, rounded)
    )


def read(file: Reader, comparison: Comparison, arrays: Mapping[str, Array]) -> tuple[dict[str, Array], list[str]]:
    """(name -> values in the array's dtype, names of rounded arrays); an array that would lose values is misshapen."""
    values, rounded = {}, []
    for name, original in list(comparison.fitting.items()):
        with blamed_on(file.path):
            value = file.read(original)
        try:
            values[name], inexact = dtypes.converted(value, arrays[name].dtype, file.entries[original].stored)
        except ValueError as error:
            del comparison.fitting[name]
            comparison.misshapen[name] = str(error)
            continue
        if inexact:
            rounded.append(name)
    return values, rounded
