"""The batches of a loader, for training and for the validation; loaded where a data set is trained on."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from ..arguments.batch import batch, shape_of_batch
from ..data.arrays import shares
from ..data.loader import Loader
from ..data.picture_files import FileData
from ..data.splits import Subset, data_set, split
from ..data.transforms import center_crop, described, resize, unchanging
from ..executor import Ranks
from ..executor.tree import bounds
from ..fields import batch_shape, empty, packed, structured
from ..losses.base import prepared, true_classes
from ..losses.weighted import WEIGHT, Weighted, checked_weights, plain, scaled, weighted
from ..network import Network
from ..ops import check
from ..predictor import BATCH, Predictor
from ..saved import UNKNOWN
from ..typing import Array
from .feeds import Batch, same
from .given import begins_with_norm, warn_of_pixels

__all__ = ["LoadedValidation", "LoaderFeed", "divided", "loader_of", "with_weights"]

OPTIONS = ("batch_size", "shuffle", "seed", "drop_last", "transforms", "workers", "processes", "balanced", "mix")


def loader_of(given: Any, batch_size: int, seed: int, drop_last: bool) -> Loader:
    """The loader that was given, or one of a data set."""
    if isinstance(given, Loader):
        return given
    return Loader(data_set(given), batch_size=batch_size, seed=seed, drop_last=drop_last)


def divided(loader: Loader, share: float, drawn: bool) -> tuple[Loader, Loader]:
    """Two loaders: of the part to train on, with all transforms, and of the validation, without the random ones.

    The parts are the same for the same seed. Where the seed was `drawn`, they are those of seed 0: a training that goes
    on draws another seed at first, and must not train on the images of its validation.
    """
    seed, labels = 0 if drawn else loader.seed, getattr(loader.data, "labels", None)
    training, validation = split(loader.data, share, seed, stratify=labels is not None)
    return of_other(part_of(training), loader), held_out(part_of(validation), loader)


def of_other(data: Any, loader: Loader) -> Loader:
    """A loader of other data with the options of this one."""
    return Loader(data, **{name: getattr(loader, name) for name in OPTIONS})


class WeightedSet:
    """A data set whose targets have weights, as `losses.weighted` takes them."""

    def __init__(self, data: Any, weights: Array, loss: Any) -> None:
        self.data, self.loss = data, loss
        self.given, self.weights = weights, scaled(weights, loss)
        for name in ("labels", "classes"):
            if getattr(data, name, None) is not None:
                setattr(self, name, getattr(data, name))

    def __len__(self) -> int:
        return len(self.weights)

    def batch(self, indices: Array) -> tuple[Any, Array]:
        """The images, and their targets with their weights."""
        images, targets = self.data.batch(indices)
        return images, weighted(targets, self.weights[np.asarray(indices)])


def with_weights(loader: Loader, weights: Any, loss: Any) -> Loader:
    """The same loader, of those images whose weight is not 0, with weights beside the targets."""
    weights = checked_weights(weights, len(loader.data))
    if loader.mix is not None:
        raise ValueError("sample_weight needs images that are not mixed: leave out mix= of the loader")
    some = np.flatnonzero(weights)
    data = loader.data if len(some) == len(weights) else Subset(loader.data, some)
    return of_other(WeightedSet(data, weights[some], loss), loader)


def part_of(part: Subset) -> Any:
    """The part of a data set; its weights, if it has any, are scaled anew, because their mean is another."""
    whole = part.data
    if not isinstance(whole, WeightedSet):
        return part
    return WeightedSet(Subset(whole.data, part.indices), whole.given[part.indices], whole.loss)


def held_out(data: Any, loader: Loader | None) -> Loader:
    """A loader of a validation, in its order, with those transforms of another loader that are not random."""
    transforms = () if loader is None else unchanging(loader.transforms)
    return Loader(data_set(data), batch_size=BATCH, shuffle=False, transforms=transforms)


class LoaderFeed:
    """The batches of a `fastconv.data.Loader`, checked as they come."""

    split: tuple[float, int] | None = None
    share: Callable[[int], slice] | None = None

    def __init__(self, network: Network, loader: Loader, loss: Any, drawn: bool) -> None:
        self.network, self.loader = network, loader
        self.loss = Weighted(loss) if isinstance(loader.data, WeightedSet) else loss
        self.drawn = drawn  # whether nobody chose the seed
        self.batch_size, self.first = min(loader.batch_size, len(loader.data)), loader.epochs
        self.images = len(loader) * loader.batch_size if loader.drop_last else len(loader.data)
        self.classes = getattr(loader.data, "classes", None)
        self.preprocessing = preprocessing_of(loader)
        self.warns = not begins_with_norm(network)
        labels = getattr(loader.data, "labels", None)
        if labels is not None and loader.mix is None:  # all of them, before the first image is read
            prepared(loss, labels, batch_shape(len(labels), network.output_shape), network.dtype)

    def batches(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Checked batches of one epoch of the loader."""
        self.loader.epochs = self.first + number
        made = self.loader.epoch(self.first + number - 1, first, self.share)
        for start in range(first * self.batch_size, self.images, self.batch_size):
            size = min(self.batch_size, self.images - start)
            if self.share is not None and not len(range(size)[self.share(size)]):
                yield self.nothing(size)
                continue
            batch = checked(self.network, *next(made), self.loss)._replace(size=size)
            if self.warns:
                warn_of_pixels("images", batch.images)
                self.warns = False
            yield batch

    def nothing(self, size: int) -> Batch:
        """The share of a rank that has no images of a batch."""
        return Batch(empty(0, self.network.input_shape, self.network.dtype), np.zeros(0), None, None, size)

    def state(self) -> dict[str, Any]:
        """The seed and the epoch, which decide everything."""
        loader = self.loader
        sizes = {"all": len(loader.data), "images": self.images, "batch_size": self.batch_size}
        order = {"shuffle": loader.shuffle, "balanced": loader.balanced, "mixed": loader.mix is not None}
        return {**sizes, **order, "seed": loader.seed, "first": self.first}

    def load_state(self, state: Any) -> None:
        """Begin where the broken-off training began."""
        unknown = {"first": None, "seed": None} if self.drawn else {"first": None}
        same(state, {**self.state(), **unknown})
        self.first = check.integer(state["first"], "first", 0)
        self.loader.seed = check.integer(state["seed"], "seed", 0)


def preprocessing_of(loader: Loader) -> Any:
    """What a raw image passes through before the network; UNKNOWN where that is a function of somebody's own."""
    if any(described(transform) is None for transform in loader.transforms):
        return UNKNOWN
    data = loader.data
    while isinstance(data, Subset | WeightedSet):
        data = data.data
    size = data.size if isinstance(data, FileData) else None
    square = (resize(size), center_crop(size)) if isinstance(size, int) else (resize(size),) if size else ()
    return (*square, *unchanging(loader.transforms))


class LoadedValidation:
    """A validation that is read anew after each epoch."""

    def __init__(self, network: Predictor, given: Any, loss: Any, training: Loader | None = None) -> None:
        self.loader = given if isinstance(given, Loader) else held_out(given, training)
        self.loss = Weighted(loss) if isinstance(self.loader.data, WeightedSet) else loss
        self.preprocessing = preprocessing_of(self.loader)
        if self.loader.shuffle or self.loader.drop_last:
            raise ValueError(
                "validation must be all images in their order: give a Loader with shuffle=False, drop_last=False"
            )

    def reserve(self, network: Network) -> None:
        """Plan the size of its batches."""
        network.reserve(min(self.loader.batch_size, len(self.loader.data)))

    def outputs(self, network: Predictor, ranks: Ranks) -> tuple[Array, Array, Array | None]:
        """(output, targets, true classes) of all images; each rank computes some of the batches, one after another."""
        parts, cuts = [], bounds(len(self.loader), ranks.size)
        some = self.loader.epoch(0, cuts[ranks.rank])
        for images, targets in islice(some, cuts[ranks.rank + 1] - cuts[ranks.rank]):
            part = checked(network, images, targets, self.loss)
            parts.append((network._predict_part(part.images), part.targets, part.classes))
        parts = [part for theirs in ranks.objects(parts) for part in theirs]
        y, prepared_targets, classes = zip(*parts, strict=True)
        known = None if any(c is None for c in classes) else np.concatenate(classes)
        return np.concatenate(y), np.concatenate(prepared_targets), known


def floats(images: Any, network: Predictor) -> Any:
    """Images as the network's numbers: bytes divided by 255, floating-point numbers as they are."""
    if isinstance(images, np.ndarray) and images.dtype.names:  # of several inputs
        return structured(network.input_shape, (floats(images[name], network) for name in images.dtype.names))
    if isinstance(images, np.ndarray) and images.dtype == np.uint8:
        return shares(images).astype(network.dtype, copy=False)
    if isinstance(images, np.ndarray) and images.dtype.kind == "f":
        return images.astype(network.dtype, copy=False)
    return images


def checked(network: Predictor, images: Any, targets: Any, loss: Any) -> Batch:
    """The batch that a loader gave; errors say what to change in the data set or its transforms."""
    x, batched = batch(floats(images, network), "images", network.input_shape, network.dtype)
    if not batched or len(x) == 0:
        wanted = shape_of_batch(network.input_shape)
        raise ValueError(f"images of a batch must be {wanted} with N >= 1, got shape {np.shape(images)}")
    y_shape = batch_shape(len(x), network.output_shape)
    given = np.asarray(packed(targets, network.output_shape, "targets"))
    targets = plain(given)
    if targets.dtype.kind == "f":
        targets = targets.astype(network.dtype, copy=False)
    if len(targets) != len(x):
        raise ValueError(f"a batch must have as many targets as images, got {len(targets)} and {len(x)}")
    classes = true_classes(loss.loss if isinstance(loss, Weighted) else loss, targets, y_shape)
    if isinstance(loss, Weighted):
        targets = weighted(targets, given[WEIGHT])
    return Batch(x, prepared(loss, targets, y_shape, network.dtype), classes, None, len(x))
