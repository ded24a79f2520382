"""Names of files as people type them: checked, and named in every error."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .files import AnyPath

__all__ = ["check_type", "named", "text_of"]


def check_type(path: object, argument: str = "path") -> None:
    """TypeError unless this is a path; a number would be a descriptor that somebody else has open."""
    if isinstance(path, str | bytes | os.PathLike):
        return
    name = getattr(path, "name", None)  # of an open file
    cure = f"; write {name!r}" if hasattr(path, "fileno") and isinstance(name, str) else ""
    shown = f"an array of shape {path.shape}" if hasattr(path, "shape") else " ".join(repr(path).split())
    raise TypeError(f"{argument} must be text or a pathlib.Path, got {type(path).__name__}: {shown:.50}{cure}")


def text_of(path: AnyPath, error: Callable[[str], Exception]) -> str:
    """The path as text, as the caller typed it; raises `error` if no file can have this name."""
    check_type(path)
    path = os.fsdecode(path)
    if not path or "\0" in path or not can_be_encoded(path):
        raise error(f"path must be the name of a file, got {path!r}")
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
