"""The files of images that a command names: patterns and folders taken apart, and the sizes of their images."""

import os
from collections.abc import Iterable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

from .. import data
from ..data.image_sizes import image_size
from ..data.images import pictures

__all__ = ["expanded", "pieces", "sizes"]


def expanded(files: Sequence[str]) -> Iterator[str]:
    """The files, and in place of a pattern in quotes those that it stands for."""
    for file in files:
        found = sorted(glob(file, recursive=True)) if has_magic(file) and not os.path.lexists(file) else []
        yield from found or [file]


def pieces(file: str) -> list[str]:
    """The pictures of a folder; any other file itself, also one that cannot be read."""
    try:
        return [str(path) for path in pictures(file)] if os.path.isdir(file) else [file]
    except data.DataError:
        return [file]


def sizes(files: Iterable[str]) -> list[tuple[int, int]]:
    """(H, W) of the images in these files, each once and at most two; what cannot be read is left out."""
    found: list[tuple[int, int]] = []
    for piece in (piece for file in expanded(list(files)) for piece in pieces(file)):
        try:
            size = image_size(Path(piece))
        except (data.DataError, OSError, MemoryError):
            continue
        if size not in found:
            found.append(size)
        if len(found) == 2:
            break
    return found
