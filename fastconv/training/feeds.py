"""Where the batches of an epoch come from: here, arrays in memory."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from ..typing import Array, Generator
from .epoch import Data

__all__ = ["ArrayFeed", "Batch", "Feed", "same"]


class Batch(NamedTuple):
    """Checked images with targets; `indices`: which of the images of `fit` they are, where those are an array.

    `size`: the images of the whole batch, of which these are the share of one of several ranks.
    """

    images: Array
    targets: Array
    classes: Array | None
    indices: Array | None
    size: int


class Feed(Protocol):
    """What gives the batches of each epoch."""

    images: int  # of an epoch
    loss: Any  # of its batches: the one that fit was given, or that with weights
    batch_size: int
    classes: tuple[str, ...] | None
    preprocessing: Any  # the transforms that are not random, or None
    split: tuple[float, int] | None  # the share of the validation, and the seed that drew its images
    share: Callable[[int], slice] | None  # n -> the images of this rank in a batch of n; None: all of them

    def batches(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Those of an epoch, which count from 1, without the first so many."""

    def state(self) -> dict[str, Any]:
        """What decides the order of the images, for a file."""

    def load_state(self, state: Any) -> None:
        """Take back what `state` gave."""


class ArrayFeed:
    """Images in memory, in an order that a generator of random numbers draws for each epoch."""

    classes: tuple[str, ...] | None = None
    preprocessing: Any = None
    split: tuple[float, int] | None = None
    share: Callable[[int], slice] | None = None

    def __init__(self, data: Data, batch_size: int, images: int, rng: Generator) -> None:
        self.data, self.batch_size, self.images, self.rng = data, batch_size, images, rng
        self.loss = data.loss
        self.began = rng.bit_generator.state  # before the order of the epoch that runs was drawn

    def batches(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Images by index, with their targets."""
        data, size = self.data, self.batch_size
        self.began = self.rng.bit_generator.state
        order = self.rng.permutation(len(data.images))[: self.images]
        for start in range(first * size, self.images, size):
            whole = order[start : start + size]
            part = whole if self.share is None else whole[self.share(len(whole))]
            classes = None if data.classes is None else data.classes[part]
            yield Batch(data.images[part], data.targets_of(part), classes, part, len(whole))

    def state(self) -> dict[str, Any]:
        """The number of images, and the state of the generator before the epoch that runs."""
        return {"all": len(self.data.images), "images": self.images, "batch_size": self.batch_size, "rng": self.began}

    def load_state(self, state: Any) -> None:
        """Take back the state of the generator."""
        same(state, {**self.state(), "rng": None})
        try:
            self.rng.bit_generator.state = state["rng"]
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(
                f"the order of its images comes from another generator of random numbers: {error}"
            ) from None


def same(stored: Any, given: dict[str, Any]) -> None:
    """ValueError unless a training that goes on has the images and batches with which it began."""
    words = {"all": "images", "images": "images an epoch", "batch_size": "batch_size", "seed": "seed of the loader"}
    words |= {"shuffle": "shuffle of the loader", "balanced": "balanced of the loader", "mixed": "mix of the loader"}
    if not isinstance(stored, dict) or stored.keys() != given.keys():
        raise ValueError("it was trained on arrays, and now a loader is given, or the other way round")
    for name, word in words.items():
        if given.get(name) is not None and stored[name] != given[name]:
            raise ValueError(f"{word}: {stored[name]} when it was written, now {given[name]}; both must agree")
