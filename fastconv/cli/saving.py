"""Where `fastconv train` saves a network: refused before training if nothing can be written there, or a file exists."""

import os
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from .. import checkpoint
from .words import quoted

__all__ = ["Place"]


class Place:
    """The file that will hold a trained network; no file is replaced unless `overwrite` is true.

    `out` is what --out says. Without it the name is that of the model: zhang2016.npz, or where that exists
    zhang2016-2.npz, zhang2016-3.npz ...
    """

    def __init__(self, out: str | None, model: str, overwrite: bool) -> None:
        self.out, self.overwrite = out, overwrite
        self.wanted = out or f"{model}.npz"
        self.path: str | None = None  # chosen when the network is saved

    def check(self) -> None:
        """ValueError if a network cannot be saved there; called before training."""
        path = self.wanted if self.out or self.overwrite else next(free(self.wanted))
        try:
            check_writable(path)
        except (OSError, ValueError) as error:
            raise ValueError(self.blamed(error)) from None
        if self.out and not self.overwrite and os.path.lexists(path):
            raise ValueError(
                f"--out {path} exists; add --overwrite to replace it, or choose another name: "
                f"--out {quoted(next(free(path)))}"
            )

    def blamed(self, error: Exception) -> str:
        """The error, with the option as it was typed."""
        if isinstance(error, OSError):
            text = f"{error.filename or self.wanted}: {error.strerror}"
        else:
            text = str(error)
        if not self.out:
            return f"{text}; choose another place with --out FILE"
        return f"--out {text.removeprefix('path ')}"

    def save(self, write: Callable[[str], object]) -> str:
        """Let `write` save the network; returns the name of the file. ValueError if it cannot be saved."""
        try:
            self.path = self.path or (self.wanted if self.overwrite else reserved(self.wanted))
            write(self.path)
        except BaseException as error:
            path, self.path = self.path or self.wanted, None
            remove_empty(path)
            if isinstance(error, MemoryError) or not isinstance(error, Exception):
                raise
            why = getattr(error, "strerror", None) or error  # for a full disk safetensors raises its own exceptions
            raise ValueError(f"{path}: the network cannot be saved: {why}") from error
        return self.path


def check_writable(path: str) -> None:
    """OSError or ValueError if the path cannot be written; tries it with a file beside it."""
    named = Path(checkpoint.check_path(path))
    real = Path(os.path.realpath(named))
    try:
        trial = real.parent / f".{secrets.token_hex(8)}{named.suffix}"
        checkpoint.save(trial, {})
        trial.unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"{path}: a file cannot be written there: {why}") from None


def names(path: str) -> Iterator[str]:
    """``a.npz``, ``a-2.npz``, ``a-3.npz`` ..."""
    stem, suffix = os.path.splitext(path)
    yield path
    for number in count(2):
        yield f"{stem}-{number}{suffix}"


def free(path: str) -> Iterator[str]:
    """Those of the names that no file has."""
    return (name for name in names(path) if not os.path.lexists(name))


def reserved(path: str) -> str:
    """The first of the names that no file has, as an empty file, so that no other process takes it."""
    for name in names(path):
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            continue
        break
    return name


def remove_empty(path: str) -> None:
    """Remove a file that was reserved and not written."""
    try:
        if os.path.isfile(path) and os.path.getsize(path) == 0:
            os.unlink(path)
    except OSError:
        pass  # an empty file does no harm
