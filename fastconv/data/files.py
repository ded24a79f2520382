"""What all readers of data share: one error class, and the check for ordinary files."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..system.files import AnyPath, open_regular, require_regular
from ..system.paths import check_type

__all__ = ["DataError", "first_bytes", "named", "reading", "regular_file"]


class DataError(ValueError):
    """A data file or folder that is missing, damaged, or not what it says it is.

    Every reader of ``fastconv.data`` raises this one class for whatever is wrong with a file; the message
    names the file and the rule that it breaks.
    """


def named(path: AnyPath, argument: str = "path") -> Path:
    """The path as a ``Path``; DataError for an empty name, which ``Path`` would take for the current folder."""
    check_type(path, argument)
    path = os.fsdecode(path)
    if not path:
        raise DataError(f"{argument} must be the name of a file or a folder, got ''")
    return Path(path)


def regular_file(path: AnyPath) -> Path:
    """The path as a ``Path``, once it is known to be an ordinary file (a pipe would wait for ever)."""
    path = named(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    require_regular(path, mode, DataError)
    return path


@contextmanager
def reading(path: AnyPath) -> Iterator[BinaryIO]:
    """An ordinary file, open for reading; errors while it is read become DataErrors that name it."""
    path = regular_file(path)
    try:
        with open_regular(path, DataError) as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def first_bytes(path: AnyPath, count: int) -> bytes:
    """The first bytes of an ordinary file, which tell its format."""
    with reading(path) as file:
        return file.read(count)
