"""Data sets of the command line: which parts a path has, and one part of it, read for a network or for training."""

import os
from collections.abc import Sequence
from typing import Any

from .. import data
from ..data import DataError
from ..data.folder import class_folders
from ..data.found import find, holds
from ..data.numpy_files import chosen, holds_arrays, member_names
from ..data.parts import PARTS
from ..typing import Array
from .streams import warnings_in_lines

__all__ = ["held_out_part", "labels_of", "parts_of", "read", "refuse_unreadable"]

ARCHIVE = ".npz"


def parts_of(path: str) -> tuple[str, ...]:
    """The parts that the data has: some of train, test and validation; none where it is whole."""
    place = find(path)
    if not place.is_dir():
        return named_arrays(path, member_names(place)) if place.suffix.lower() == ARCHIVE else ()
    if holds(place):
        return ("train", "test")
    if holds_arrays(place):
        return named_arrays(path, [each.stem for each in place.glob("*.npy")])
    inside = class_folders(place)
    found = tuple(part for part, words in PARTS.items() if any(word in inside for word in words))
    return found if "train" in found and len(found) >= max(2, len(inside)) else ()


def refuse_unreadable(place: str, faults: Sequence[object], count: int) -> None:
    """DataError that names the pictures that cannot be read, if there are any; `count`: of how many."""
    if faults:
        names = "; ".join(map(str, faults))
        raise DataError(
            f"{place}: {len(faults)} of {count} pictures cannot be read: {names}; remove them, or add --skip-unreadable"
        )


def named_arrays(path: str, names: Sequence[str]) -> tuple[str, ...]:
    """The parts for which there are arrays; none if the arrays have no part in their names."""
    return tuple(part for part in PARTS if has(path, names, part))


def has(path: Any, names: Sequence[str], part: str) -> bool:
    """Whether two of the arrays are the images and targets of this part."""
    try:
        chosen(path, names, part)
    except DataError:
        return False
    return True


def held_out_part(parts: Sequence[str]) -> str | None:
    """The part that says how good a network is; None where the data is whole."""
    return next((part for part in ("test", "validation", "train") if part in parts), None)


def read(path: str, part: str | None, channels: int | None, size: Any, skip: bool = False) -> Any:
    """One part of the data at a path; `channels` and `size` are those that pictures are brought to.

    Arrays stay as they are.
    """
    place = find(path)
    arrays = holds(place) or holds_arrays(place) if place.is_dir() else place.suffix.lower() == ARCHIVE
    pictures = {} if arrays else {"channels": channels, "size": size, "skip_unreadable": skip}
    with warnings_in_lines():
        return data.read(path, part, **pictures)


def labels_of(found: Any, path: object) -> Array:
    """The class of each image; DataError where targets are no classes."""
    labels: Array | None = found.labels
    if labels is None:
        kind = f"{found.targets.dtype} of shape {found.targets.shape}"
        cure = "; for one-hot rows save labels.argmax(1)" if found.targets.ndim == 2 else ""
        raise DataError(f"{os.fspath(str(path))}: labels must be class indices or names of classes, got {kind}{cure}")
    return labels
