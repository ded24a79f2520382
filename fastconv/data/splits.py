"""Parts of a data set."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array
from .draws import Draws
from .protocol import DataSet, Images

__all__ = ["Subset", "class_indices", "data_set", "split"]


class Subset:
    """The images of a data set with these indices, as a data set.

    Parameters
    ----------
    data : data set
    indices : array of int
        In any order; an index may be repeated.

    Examples
    --------
    See `split`.
    """

    labels: Array
    classes: tuple[str, ...]

    data: DataSet

    def __init__(self, data: DataSet, indices: Any) -> None:
        self.data = data_set(data)
        self.indices = inside(indices, len(data), "indices")
        if getattr(data, "labels", None) is not None:
            self.labels = class_indices(data)[self.indices]
        if getattr(data, "classes", None) is not None:
            self.classes = data.classes  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {len(self.data)} images of {self.data!r:.200})"

    def __len__(self) -> int:
        """The number of images."""
        return len(self.indices)

    def batch(self, indices: Any) -> tuple[Images, Array]:
        """The images and targets of these indices, counted within this part."""
        return self.data.batch(self.indices[np.asarray(indices)])


def inside(indices: Any, length: int, name: str) -> Array:
    """Indices (N,) as int64; TypeError or ValueError unless all are from 0 to length - 1."""
    array = np.asarray(indices)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise TypeError(f"{name} must be a list of integers, got {check.shown(indices)}")
    if array.size and not 0 <= array.min() <= array.max() < length:
        raise ValueError(f"{name} must be from 0 to {length - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def data_set(data: Any) -> Any:
    """The data set; TypeError for anything else."""
    if isinstance(data, type) or not isinstance(data, DataSet):
        raise TypeError(
            f"data must be a data set, with len(data) and data.batch(indices), got {check.shown(data)}; "
            "arrays in memory become one by fastconv.data.ArrayData(images, targets)"
        )
    return data


def class_indices(data: Any) -> Array:
    """`data.labels` as int64 (N,); ValueError where it has none."""
    labels = getattr(data, "labels", None)
    if labels is None:
        raise ValueError("the data set has no labels, class indices that are known before an image is read")
    array = np.asarray(labels)
    if array.shape != (len(data),) or array.dtype.kind not in "iu":
        raise ValueError(
            f"data.labels must be class indices, integers of shape ({len(data)},), got {array.dtype} {array.shape}"
        )
    return array.astype(np.int64)


def split(data: DataSet, share: float, seed: int = 0, stratify: bool = True) -> tuple[Subset, Subset]:
    """Two parts of a data set, such as training and validation.

    Parameters
    ----------
    data : data set
    share : float
        The share of the images that the second part gets, between 0 and 1.
    seed : int
    stratify : bool
        Each class has this share of its images in the second part, as nearly
        as whole images allow (the largest remainders get one more), and each
        class of two images or more has at least one in both parts. Needs
        ``data.labels``.

    Returns
    -------
    two data sets
        Each with its images in the order of the data set.

    Examples
    --------
    >>> from fastconv.data import split
    >>> class Numbers:
    ...     labels = np.repeat([0, 1], 10)
    ...     def __len__(self):
    ...         return 20
    ...     def batch(self, indices):
    ...         return np.zeros((len(indices), 1, 2, 2)), self.labels[indices]
    >>> training, validation = split(Numbers(), 0.2)
    >>> len(training), len(validation), validation.labels
    (16, 4, array([0, 0, 1, 1]))
    """
    count = len(data_set(data))
    number = check.number(share, "share")
    if not 0 < number < 1:
        raise ValueError(f"share must lie between 0 and 1, the part of the images for validation, got {number}")
    if count < 2:
        raise ValueError(f"a data set of {count} images cannot be split")
    if not check.flag(stratify, "stratify"):
        labels = np.zeros(count, np.int64)
    elif getattr(data, "labels", None) is None:
        raise ValueError("stratify=True needs data.labels, the classes of all images; write stratify=False")
    else:
        labels = class_indices(data)
    order = Draws(seed, 0, np.arange(count)).bits(1)[:, 0].argsort(kind="stable")
    _, members = np.unique(labels, return_inverse=True)
    taken = shares_of(np.bincount(members), number)
    second = np.zeros(count, bool)
    for label, most in enumerate(taken):
        second[order[members[order] == label][:most]] = True
    return Subset(data, np.flatnonzero(~second)), Subset(data, np.flatnonzero(second))


def shares_of(counts: Array, share: float) -> Array:
    """(K,) how many images of each class the second part gets; in all, share of them, by the largest remainders."""
    exact = np.round(counts * share, 9)  # 0.3 * 10 is not 3
    taken = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(taken.sum())
    taken[np.argsort(taken - exact, kind="stable")[: max(missing, 0)]] += 1
    return np.clip(taken, np.minimum(counts // 2, 1), np.maximum(counts - 1, 0))
