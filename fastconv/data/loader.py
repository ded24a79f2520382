"""Batches of a data set, made ahead on threads or processes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..fields import joined
from ..ops import check
from ..typing import Array
from .ahead import made_ahead
from .draws import Draws
from .protocol import DataSet
from .sampling import balanced_order, in_file_order, occurrences, shuffled_order
from .splits import class_indices, data_set
from .transforms import Mix, Transform, apply

__all__ = ["Loader"]

MIX = 1 << 33  # beside the numbers of transforms and of the shuffle


class Job(NamedTuple):
    """Which batch to make: the epoch, the indices of its images, and how often each was drawn before."""

    epoch: int
    indices: Array
    times: Array


class Maker(NamedTuple):
    """All that a thread or a process needs to make any batch; the same job gives the same bits anywhere."""

    data: Any
    seed: int
    transforms: tuple[Transform, ...]
    mix: Mix | None

    def make(self, job: Job) -> tuple[Array, Array]:
        """The images, an array (N, C, H, W), and targets of a batch."""
        images, targets = pair_of(self.data, job.indices)
        draws = Draws(self.seed, job.epoch, job.indices, job.times)
        images = apply(self.transforms, images, draws)
        if isinstance(images, list):
            shapes = ", ".join(sorted({str(image.shape) for image in images})[:3])
            raise ValueError(
                f"the images of a batch must have one shape, got {shapes}; add to the transforms one that gives them "
                "one size: resize((H, W)), center_crop(size) or random_resized_crop(size)"
            )
        return (images, targets) if self.mix is None else self.mix(images, targets, draws.of(MIX))


class Loader:
    """The batches of a data set, epoch after epoch: shuffled, transformed, and made ahead of their use.

    Results do not depend on the number of workers, or on whether they are
    threads or processes: each batch has the same bits. An error of a worker is
    raised where its batch would come.

    Parameters
    ----------
    data : data set
        Any object with ``len(data)`` and ``data.batch(indices)``.
    batch_size : int
        The last batch of an epoch is smaller where it does not divide the
        number of images.
    shuffle : bool
        Each epoch has an order of its own, by the seed.
    seed : int
    drop_last : bool
        Leave out a last batch that is smaller.
    transforms : function or sequence of functions
        (images, draws) -> images, of `fastconv.data.transforms`.
    workers : int
        The threads or processes that make batches; 0 makes each when it is
        asked for. At most workers + 1 batches wait.
    processes : bool
        Processes in place of threads, for work that holds Python's lock. Each
        gets one copy of the data set, by pickle, and they start anew in each
        epoch. As always with processes, a script needs
        ``if __name__ == "__main__":``.
    balanced : bool
        Draw each class as often as any other; images of rare classes are
        repeated, each time with random numbers of their own. Needs
        ``data.labels`` and shuffle=True.
    mix : function, optional
        (images, targets, draws) -> (images, targets), such as `mixup`.

    Examples
    --------
    >>> from fastconv.data import Loader, transforms
    >>> class Numbers:
    ...     def __len__(self):
    ...         return 5
    ...     def batch(self, indices):
    ...         return np.zeros((len(indices), 1, 2, 2), np.uint8), np.asarray(indices)
    >>> loader = Loader(Numbers(), batch_size=2, shuffle=False, transforms=transforms.to_float())
    >>> len(loader)
    3
    >>> for images, targets in loader.epoch(0):
    ...     print(images.dtype, targets)
    float32 [0 1]
    float32 [2 3]
    float32 [4]
    """

    def __init__(
        self,
        data: DataSet,
        batch_size: int = 50,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        transforms: Transform | Sequence[Transform] = (),
        workers: int = 1,
        processes: bool = False,
        balanced: bool = False,
        mix: Mix | None = None,
    ) -> None:
        self.data = data_set(data)
        self.batch_size = check.integer(batch_size, "batch_size", 1)
        self.shuffle, self.balanced = check.flag(shuffle, "shuffle"), check.flag(balanced, "balanced")
        self.drop_last, self.processes = check.flag(drop_last, "drop_last"), check.flag(processes, "processes")
        self.workers = check.integer(workers, "workers", 0)
        self.seed = check.integer(seed, "seed", 0)
        self.transforms = functions(transforms)
        if mix is not None and not callable(mix):
            raise TypeError(f"mix must be a function, such as mixup(0.2, classes=10), got {check.shown(mix)}")
        self.mix = mix
        self.epochs = 0  # begun by plain iteration
        if len(self) == 0:
            why = f", fewer than batch_size={batch_size}, and drop_last=True" if len(data) else ""
            raise ValueError(f"a loader needs images for at least one batch, got {len(data)} images{why}")
        if self.balanced and not self.shuffle:
            raise ValueError("balanced=True draws in random order: leave out shuffle=False")
        self._labels = class_indices(data) if self.balanced else None

    def __repr__(self) -> str:
        return f"Loader({len(self)} batches of {self.batch_size} of {self.data!r:.200})"

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        whole, rest = divmod(len(self.data), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        """The batches of the next epoch: 0 the first time, then 1, ..."""
        self.epochs += 1
        return self.epoch(self.epochs - 1)

    def order(self, number: int) -> Array:
        """(N,) the indices of the images in the order in which this epoch visits them."""
        number = check.integer(number, "number", 0)
        if self._labels is not None:
            return balanced_order(self._labels, self.seed, number)
        count = len(self.data)
        return shuffled_order(count, self.seed, number) if self.shuffle else in_file_order(count)

    def epoch(
        self, number: int, first: int = 0, share: Callable[[int], slice] | None = None
    ) -> Iterator[tuple[Array, Array]]:
        """The batches (images, targets) of this epoch, from the batch `first` on.

        Workers end with the iterator, also where it is left early.

        `share`: n -> which images of a batch of n are made, where several processes share it; batches of which there
        are none are left out. With `mix` all images of the batch are made first, because it mixes them.
        """
        order, first = self.order(number), check.integer(first, "first", 0)
        times = occurrences(order)
        starts = range(first * self.batch_size, len(self) * self.batch_size, self.batch_size)
        parts = (np.arange(start, min(start + self.batch_size, len(order))) for start in starts)
        if share is not None and self.mix is None:
            parts = (part[share(len(part))] for part in parts)
        jobs = (Job(number, order[part], times[part]) for part in parts if len(part))
        maker = Maker(self.data, self.seed, self.transforms, self.mix)
        made = made_ahead(maker, jobs, self.workers, self.processes)
        if share is None or self.mix is None:
            return made
        return ((images[share(len(images))], targets[share(len(images))]) for images, targets in made)


def as_one(values: Any, name: str) -> Any:
    """A dict of arrays, for networks with several inputs or outputs, as one array with fields; all else stays."""
    if not isinstance(values, dict):
        return values
    return joined({key: np.asarray(value) for key, value in values.items()}, name)


def pair_of(data: Any, indices: Array) -> tuple[Any, Array]:
    """The images and targets that a data set gives; TypeError or ValueError if its `batch` returns something else."""
    found = data.batch(indices)
    rule = f"{type(data).__name__}.batch(indices) must return (images, targets)"
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise TypeError(f"{rule}, got {check.shown(found)}")
    images, targets = found
    images, targets = as_one(images, "images"), as_one(targets, "targets")
    images = images if isinstance(images, np.ndarray) else [np.asarray(image) for image in images]
    targets = np.asarray(targets)
    if targets.ndim == 0 or not len(images) == len(targets) == len(indices):
        counts = f"{len(images)} images and targets of shape {targets.shape}"
        raise ValueError(f"{rule} for {len(indices)} indices, got {counts}")
    return images, targets


def functions(transforms: Any) -> tuple[Callable[..., Any], ...]:
    """One transform or several as a tuple; TypeError for what is none."""
    found = (transforms,) if callable(transforms) else tuple(transforms)
    for transform in found:
        if not callable(transform) or isinstance(transform, type):
            rule = "each transform must be a function (images, draws) -> images"
            raise TypeError(f"{rule}, got {check.shown(transform)}")
        if is_factory(transform):
            raise TypeError(f"a transform is made first: write transforms.{transform.__name__}(...)")
    return found


def is_factory(function: Any) -> bool:
    """Whether this is a function of `fastconv.data.transforms` that makes a transform, given without being called."""
    from . import transforms

    name = getattr(function, "__name__", "")
    return name in transforms.__all__ and getattr(transforms, name) is function
