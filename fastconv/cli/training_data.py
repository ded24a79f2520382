"""What `fastconv train` learns from: the images for training, for the look after each epoch, and for the last test."""

import os
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from .. import data
from ..data.found import find, holds_idx
from ..data.in_memory import ArrayData
from ..data.picture_files import FileData
from ..typing import Array, Shape
from .architectures import usual_input
from .datasets import labels_of, parts_of, read, refuse_unreadable
from .words import counted

__all__ = ["Given", "given"]

SHARE = 0.1  # of the images that are kept for validation where no part is for it
IN_MEMORY = 1 << 30  # bytes of pictures that are decoded once, before training
PIECE = 64  # pictures that one thread reads at a time
DIGITS = 10  # the classes of IDX files, which hold no names
SHOWN = 3  # sizes that one message names


class Given(NamedTuple):
    """The data sets, and what their classes are."""

    place: str
    training: Any
    validation: Any
    held_out: str  # what the validation is: "test" or "validation"
    test: Any  # None where the validation is the test, or there is none
    shape: Shape
    classes: tuple[str, ...] | None
    outputs: int  # that the network must have


def given(options: Namespace) -> Given:
    """All that the options name, read and checked; DataError says what is wrong with a file."""
    place = found_place(options.data)
    try:
        parts = parts_of(place)
        sets = {part: opened(place, part, options) for part in parts} or {"train": opened(place, None, options)}
        return divided(place, sets, options)
    except data.DataError as error:
        raise ValueError(f"{typed(options.data)}{error}") from None


def found_place(path: str | None) -> str:
    """The folder or file; without --data that of $FASTCONV_DATA, else what is installed, else the sample."""
    if path is not None:
        return path
    try:
        return str(data.find_folder())
    except data.DataError as error:
        raise ValueError(f"{typed(path)}{error}") from None


def typed(path: str | None) -> str:
    """How the place was given."""
    return "--data " if path else "FASTCONV_DATA=" if os.environ.get("FASTCONV_DATA") else ""


def opened(place: str, part: str | None, options: Namespace) -> Any:
    """One part; its pictures are tried, and kept in memory where they are few enough."""
    channels = options.channels or usual_input(options.model)[0]
    found = read(place, part, channels, options.size, options.skip_unreadable)
    labels_of(found, place)
    if isinstance(found, FileData):
        return kept(found, place)
    if isinstance(found.images, list) and options.size is None:
        refuse_sizes(place, {image.shape for image in found.images})
    return found


def kept(found: FileData, place: str) -> Any:
    """The pictures in memory, or in their files if they are too many; DataError if they cannot be trained on."""
    pieces = [range(start, min(start + PIECE, len(found))) for start in range(0, len(found), PIECE)]
    keeps = found.batch([0])[0][0].nbytes * len(found) <= IN_MEMORY
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        tried = [result for piece in pool.map(lambda piece: attempts(found, piece, keeps), pieces) for result in piece]
    refuse_unreadable(place, [result for result in tried if isinstance(result, data.DataError)], len(found))
    refuse_sizes(place, {result if isinstance(result, tuple) else result.shape for result in tried})
    return ArrayData(tried, found.targets, found.classes) if keeps else found


def attempts(found: FileData, indices: Sequence[int], keeps: bool) -> list[Any]:
    """For each picture its pixels, or their shape where they are not kept, or the error."""
    results: list[Any] = []
    for index in indices:
        try:
            image = found.batch([index])[0][0]
            results.append(image if keeps else image.shape)
        except data.DataError as error:
            results.append(error)
    return results


def refuse_sizes(place: str, shapes: set[Shape]) -> None:
    """DataError if images differ in size."""
    if len(shapes) > 1:
        sizes = [" x ".join(map(str, shape[1:])) for shape in sorted(shapes)]
        more = f" and {len(sizes) - SHOWN} more" if len(sizes) > SHOWN else ""
        raise data.DataError(
            f"{place}: holds images of different sizes, {', '.join(sizes[:SHOWN])}{more}; "
            "add --size N, such as --size 64, which cuts out the middle square of each and resizes it to N x N"
        )


def divided(place: str, sets: dict[str, Any], options: Namespace) -> Given:
    """Training and validation: a part of the data, or a share of the training images."""
    training, test = sets["train"], sets.get("test")
    if options.validation is None and "validation" in sets:
        validation, held_out = sets["validation"], "validation"
    elif options.validation is None and test is not None:
        validation, held_out, test = test, "test", None
    else:
        training, validation = shared(place, training, options.validation or SHARE, options.seed)
        held_out = "validation"
    classes = training.classes if hasattr(training, "classes") else None
    labels = [each.labels for each in (training, validation, test) if each is not None]
    most = max(int(each.max()) for each in labels) + 1
    count = len(classes) if classes else max(most, DIGITS if is_idx(place) else 1)
    refuse_one_class(place, training.labels, classes)
    shape = shape_of(training, options.size)
    return Given(place, training, validation, held_out, test, shape, classes, count)


def shared(place: str, found: Any, share: float, seed: int) -> tuple[Any, Any]:
    """(training, validation) of the images, of each class as many as it has."""
    if len(found) < 2:
        raise data.DataError(f"{place}: holds {counted(len(found), 'image')}, too few to keep some for validation")
    training, validation = data.split(found, share, seed)
    if not len(training) or not len(validation):
        raise data.DataError(f"{place}: of {counted(len(found), 'image')} a share of {share:g} leaves none")
    return training, validation


def refuse_one_class(place: str, labels: Array, classes: Sequence[str] | None) -> None:
    """DataError unless there are images of at least two classes."""
    present = np.unique(labels)
    if len(present) < 2:
        name = classes[int(present[0])] if classes else present[0]
        raise data.DataError(f"{place}: all images are of one class, {name}; a classifier learns to tell two or more")


def is_idx(place: str) -> bool:
    """Whether the data are IDX files, whose classes are digits or are named elsewhere."""
    folder = find(place)
    return folder.is_dir() and holds_idx(folder)


def shape_of(found: Any, size: Any) -> Shape:
    """(C, H, W) of the images, once they have their size."""
    images, _ = found.batch(np.zeros(1, int))
    channels, *plane = images[0].shape
    if size is not None:
        plane = [size, size] if isinstance(size, int) else list(size)
    return (channels, *plane)
