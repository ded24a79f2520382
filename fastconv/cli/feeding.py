"""How the images of `fastconv train` reach the network: as arrays in memory, or from a loader."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import data
from ..data.arrays import shares
from ..data.draws import Draws
from ..data.in_memory import ArrayData
from ..data.splits import Subset
from ..data.transforms import IMAGENET_MEAN, IMAGENET_STD, apply
from ..typing import Array
from .recipe import augmentation, preprocessing
from .training_data import Given

__all__ = ["Feed", "fed"]

AT_ONCE = 1000  # images that are changed at a time
MOST_BYTES = 1 << 31  # of floats that are made of all images before training
LOOKED_AT = 10_000  # images whose mean and deviation are taken
BATCH = 250  # of the validation


class Feed(NamedTuple):
    """What `fit` is given, and what every image passes through."""

    training: Any
    validation: Any
    test: Any
    preprocessing: list[Any] | None  # None where bytes are divided by 255 and nothing else happens


def fed(options: Namespace, given: Given) -> Feed:
    """Arrays where images stay the same in all epochs and have room in memory; else a loader."""
    numbers = normalization(options, given)
    always = preprocessing(options, numbers)
    changes = augmentation(options, given.shape)
    kept = always if len(always) > 1 or numbers is not None else None
    sets = (given.training, given.validation, given.test)
    size = 4 * int(np.prod(given.shape)) * sum(len(each) for each in sets if each is not None)
    loads = options.workers is not None or options.processes
    if not (changes or options.balanced or loads) and size <= MOST_BYTES and all(map(is_held, sets)):
        training, validation, test = (each if each is None else arrays(each, always) for each in sets)
        return Feed(training, validation, test, kept)
    loader = data.Loader(
        given.training,
        options.batch_size,
        seed=options.seed,
        transforms=[*always[:-1], *changes, always[-1]],
        workers=1 if options.workers is None else options.workers,
        processes=options.processes,
        balanced=options.balanced,
    )
    _, validation, test = (looked_at(each, always) for each in sets)
    return Feed(loader, validation, test, kept)


def looked_at(found: Any, always: Sequence[Any]) -> Any:
    """The loader of images that are not trained on; None of none."""
    return None if found is None else data.Loader(found, BATCH, shuffle=False, transforms=always)


def is_held(found: Any) -> bool:
    """Whether the images are in memory, or are none."""
    inner = found.data if isinstance(found, Subset) else found
    return inner is None or (isinstance(inner, ArrayData) and not isinstance(inner.images, np.memmap))


def arrays(found: Any, always: Sequence[Any]) -> tuple[Array, Array]:
    """(images, labels) of all, as floats."""
    parts = [np.arange(start, min(start + AT_ONCE, len(found))) for start in range(0, len(found), AT_ONCE)]
    images = [apply(always, found.batch(part)[0], Draws(0, 0, part)) for part in parts]
    return np.concatenate(images), found.labels


def normalization(options: Namespace, given: Given) -> tuple[Sequence[float], Sequence[float]] | None:
    """(mean, std) of the channels, those of ImageNet or of the training images; None for images from 0 to 1."""
    channels = given.shape[0]
    if options.normalize is None:
        return None
    if options.normalize == "imagenet":
        if channels != 3:
            raise ValueError(f"--normalize imagenet is for colour, 3 channels; these images have {channels}")
        return IMAGENET_MEAN, IMAGENET_STD
    looked = np.arange(0, len(given.training), max(1, len(given.training) // LOOKED_AT))
    sums, squares, count = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(looked), AT_ONCE):
        images, _ = given.training.batch(looked[start : start + AT_ONCE])
        for image in images:
            values = shares(image).astype(float).reshape(channels, -1)
            sums, squares, count = sums + values.sum(1), squares + (values**2).sum(1), count + values.shape[1]
    mean = sums / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return tuple(np.round(mean, 4).tolist()), tuple(np.maximum(np.round(deviation, 4), 1e-4).tolist())
