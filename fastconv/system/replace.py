"""Writes a file whole or not at all, for every writer of the package.

The new file is written under another name in the same folder, forced to disk, and renamed. Until then the old file
stays, and whatever fails leaves it as it was. A process that is killed (SIGKILL, a power cut) while it writes may leave
the other file, .NAME.<16 hex digits>, which nothing reads: it may be deleted once no process writes there. The new file
has the permissions and the owner of the old one; if there is none, its permissions follow the umask. A symbolic link
stays a link; other hard links keep the old file.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from .files import AnyPath, irregular
from .paths import named, text_of

__all__ = ["check_target", "replacing"]

LONGEST = 100  # bytes of the target's name that the temporary file's name contains
ACCESS = {"effective_ids": True} if os.access in os.supports_effective_ids else {}


@contextmanager
def replacing(path: AnyPath, error: Callable[[str], Exception]) -> Iterator[BinaryIO]:
    """A file, open for writing, that takes the place of `path` if the block ends without an error."""
    path = check_target(path, error)
    with named(path):
        target = os.path.realpath(path)  # a link stays a link
        temporary = beside(target)
        try:
            with created(temporary, target) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            if os.path.lexists(temporary):
                os.unlink(temporary)
            raise
        sync_folder(os.path.dirname(target))


def check_target(path: AnyPath, error: Callable[[str], Exception]) -> str:
    """The path as text; `error`, TypeError or OSError if a file there would destroy something, or cannot be."""
    path = text_of(path, error)
    with named(path):
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            folder = os.path.dirname(path) or os.curdir
            if os.path.islink(path):
                why = f"{path} is a link to {os.readlink(path)}, which does not exist"
                raise error(f"{why}: remove the link, or choose another name") from None
            if not os.path.isdir(folder):
                raise
            if os.path.basename(path) in ("", os.curdir, os.pardir):
                raise error(f"{path} is no name of a file") from None
        else:
            check_old(path, mode, error)
    return path


def check_old(path: str, mode: int, error: Callable[[str], Exception]) -> None:
    """Raises unless what has this path and mode may be replaced: an ordinary file that the user may write."""
    what = irregular(mode)
    if what is not None:
        cure = "choose the name of a file in it" if stat.S_ISDIR(mode) else "choose the name of a file"
        raise error(f"{path} is not a regular file but {what}, and stays as it is: {cure}")
    if not os.access(path, os.W_OK, **ACCESS):  # the folder alone would allow to replace it
        cure = "the file is read-only: make it writable (chmod u+w), or choose another name"
        raise PermissionError(errno.EACCES, f"{os.strerror(errno.EACCES)}: {cure}", path)


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
