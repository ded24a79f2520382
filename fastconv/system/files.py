"""Opens ordinary files, and refuses pipes, devices and folders before anything waits for them."""

import os
import stat
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


def irregular(mode: int) -> str | None:
    """The kind of file that a mode means, in words; None for an ordinary file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for is_kind, name in KINDS if is_kind(mode)), "of another kind")


def require_regular(path: object, mode: int, error: Callable[[str], Exception]) -> None:
    """Raise `error` unless the mode means an ordinary file."""
    what = irregular(mode)
    if what is not None:
        raise error(f"{path} is not a regular file but {what}")


def open_regular(path: str | os.PathLike[str], error: Callable[[str], Exception]) -> BinaryIO:
    """An ordinary file, open for reading; raises `error` if it is not one, OSError if it cannot be opened.

    The mode is checked before opening, because opening can disturb a device, and again afterwards, because the file may
    have been replaced in between. Opening does not block, because a pipe could block for ever.
    """
    require_regular(path, os.stat(path).st_mode, error)
    handle = os.open(path, os.O_RDONLY | FLAGS)
    try:
        require_regular(path, os.fstat(handle).st_mode, error)
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise
