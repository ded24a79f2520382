"""What a network says of images whose classes are known."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import data, metrics
from ..data.renumbered import renumbered
from ..ops import check
from ..typing import Array
from .run import Run

__all__ = ["Results", "given_data", "interval", "results"]

BATCH = 256
NORMAL = 1.959964  # of the standard normal distribution, 95 % lie within so many deviations


class Results:
    """Probabilities (N, K) and labels (N,) of a data set, and what follows from them."""

    def __init__(self, images: Any, probabilities: Array, labels: Array) -> None:
        self.images, self.probabilities, self.labels = images, probabilities, labels
        self.predictions = probabilities.argmax(axis=1)
        self.right = self.predictions == labels
        self.accuracy = float(self.right.mean())

    def __len__(self) -> int:
        return len(self.labels)

    def measures(self) -> list[Array]:
        """Precision, recall and F1 of each class; NaN where there is none."""
        kinds = (metrics.precision, metrics.recall, metrics.f1)
        return [kind(self.probabilities, self.labels, average="none") for kind in kinds]

    def worst(self, count: int) -> Array:
        """The mistakes, those first that give the right class the least probability."""
        wrong = np.flatnonzero(~self.right)
        own = self.probabilities[wrong, self.labels[wrong]]
        return wrong[np.argsort(own, kind="stable")[:count]]

    def examples(self, count: int) -> list[int]:
        """The first image of each class, and last the worst mistake."""
        _, first = np.unique(self.labels, return_index=True)
        mistakes = [int(k) for k in self.worst(1)]
        firsts = [int(k) for k in sorted(first) if k not in mistakes]
        return [*firsts[: max(count - len(mistakes), 0)], *mistakes][:count]

    def taken(self, indices: Sequence[int] | Array) -> Any:
        """The images of these indices, raw."""
        return self.images.batch(np.asarray(indices, np.int64))[0]


def given_data(given: Any) -> Any:
    """The data set; TypeError or ValueError that says what to write."""
    if isinstance(given, tuple | list) and len(given) == 2:
        try:
            given = data.ArrayData(*given)
        except (TypeError, ValueError) as error:
            raise type(error)(f"data: {error}") from None
    if not (hasattr(given, "batch") and hasattr(given, "__len__")):
        path = isinstance(given, str) or hasattr(given, "__fspath__")
        cure = "; write data=fastconv.data.read(path, 'test')" if path else ""
        raise TypeError(f"data must be a data set, or a pair (images, labels), got {check.shown(given)}{cure}")
    if len(given) == 0:
        raise ValueError("data must hold at least one image, got none")
    return given


def results(run: Run, images: Any, place: str | None = None) -> Results:
    """What the network says of all images of a data set; errors name its place."""
    name = place or "data"
    labels = in_order(run, images, labels_of(images, name), name)
    try:
        x = (run.prepared(images.batch(part)[0]) for part in batches(len(images)))
        parts = [run.probabilities(part) for part in x]
    except data.DataError:
        raise
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    probabilities = np.concatenate(parts)
    if not np.isfinite(probabilities).all():
        raise ValueError(f"{name}: the network's outputs are NaN or infinite for some of the images")
    return Results(images, probabilities, labels)


def batches(count: int) -> Iterator[Array]:
    """Indices, a batch at a time."""
    for start in range(0, count, BATCH):
        yield np.arange(start, min(start + BATCH, count))


def labels_of(images: Any, name: str) -> Array:
    """The class indices (N,) of a data set."""
    labels = getattr(images, "labels", None)
    if labels is None:
        labels = np.concatenate([images.batch(part)[1] for part in batches(len(images))])
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise TypeError(f"{name} must have class indices (N,) as labels, got {labels.dtype} of shape {labels.shape}")
    return labels


def in_order(run: Run, images: Any, labels: Array, name: str) -> Array:
    """The labels as the network numbers its classes: by name where both have names."""
    labels = renumbered(labels, getattr(images, "classes", None), run.names, name)
    if not 0 <= labels.min() <= labels.max() < run.outputs:
        raise ValueError(
            f"{name} must have labels from 0 to {run.outputs - 1}, as the network has {run.outputs} classes, "
            f"got {labels.min()} to {labels.max()}"
        )
    return labels


def interval(share: float, count: int) -> tuple[float, float]:
    """Where the true accuracy lies with a confidence of 95 %, by the score interval of Wilson.

    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),  z = 1.96
    """
    z = NORMAL
    middle = share + z**2 / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
