"""Ordinary files, told from pipes, devices and folders before anything waits for them."""

import os
import stat

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


def irregular(mode):
    """What the mode of a path says it is, in words; None for an ordinary file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for is_kind, name in KINDS if is_kind(mode)), "of another kind")


def require_regular(path, mode, error):
    """Raise `error` where the mode is not that of an ordinary file."""
    what = irregular(mode)
    if what is not None:
        raise error(f"{path} is not a regular file but {what}")


def open_regular(path, error):
    """An ordinary file, open to be read; `error` is raised where it is none, OSError where it cannot be opened.

    It is asked before it is opened, which can disturb a device, and again once it is open, for it may have been
    replaced in between: a pipe would wait for ever, so the file is opened without waiting.
    """
    require_regular(path, os.stat(path).st_mode, error)
    handle = os.open(path, os.O_RDONLY | FLAGS)
    try:
        require_regular(path, os.fstat(handle).st_mode, error)
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise
