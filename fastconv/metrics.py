"""How good predictions are: functions of outputs or classes, and targets.

    accuracy(y, targets)               the share of right classes
    top_k_accuracy(y, targets, k)      the class is among the k best
    confusion_matrix(y, targets)       how often class i was taken for j
    precision, recall, f1              of each class, or their mean
    intersection_over_union            of each class, or their mean
    mean_squared_error,
    mean_absolute_error                of values

Outputs are logits or probabilities (N, K, ...); classes are integers of the
shape of the targets, (N,) or (N, H, W). Targets that are `ignore_index`
count for nothing. A class that neither occurs nor is predicted has no
precision, recall, F1 or intersection over union: it is NaN, and left out of
the mean.
A mean over nothing is NaN.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .ops import check
from .typing import Array

__all__ = [
    "accuracy",
    "confusion_matrix",
    "f1",
    "intersection_over_union",
    "mean_absolute_error",
    "mean_squared_error",
    "precision",
    "recall",
    "top_k_accuracy",
]


def accuracy(y: ArrayLike, targets: ArrayLike, ignore_index: int | None = -100) -> float:
    """The share of images (and pixels) whose class is the predicted one, from 0 to 1.

    Parameters
    ----------
    y : array (N, K, ...), or class indices (N, ...)
        A NaN among the outputs of an image makes it wrong.
    targets : class indices (N, ...)
    ignore_index : int or None

    Examples
    --------
    >>> fastconv.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    predicted, true, _ = classes(y, targets, ignore_index)
    return mean(predicted == true)


def top_k_accuracy(y: ArrayLike, targets: ArrayLike, k: int = 5, ignore_index: int | None = -100) -> float:
    """The share of images (and pixels) whose class has one of the k largest outputs; of equal ones the first counts.

    Parameters
    ----------
    y : array (N, K, ...)
    targets : class indices (N, ...)
    k : int from 1 to K
    ignore_index : int or None

    Examples
    --------
    >>> fastconv.metrics.top_k_accuracy([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2], k=2)
    0.5
    """
    y = check.given(y, "y")
    if y.dtype.kind != "f" or y.ndim < 2:
        raise TypeError(f"y must be an array (N, K, ...) of outputs, got {y.dtype} of shape {y.shape}")
    k = check.integer(k, "k", 1)
    if k > y.shape[1]:
        raise ValueError(f"k must be at most the number of classes, {y.shape[1]}, got {k}")
    _, true, kept = classes(y, targets, ignore_index)
    scores = np.moveaxis(y, 1, -1)[kept]
    own = np.take_along_axis(scores, true[:, None], 1)
    before = (scores > own) | ((scores == own) & (np.arange(y.shape[1]) < true[:, None])) | np.isnan(scores)
    return mean((before.sum(1) < k) & ~np.isnan(scores).any(1))


def confusion_matrix(
    y: ArrayLike, targets: ArrayLike, num_classes: int | None = None, ignore_index: int | None = -100
) -> Array:
    """C[i, j]: how many images (and pixels) of class i were predicted as class j.

    Parameters
    ----------
    y : array (N, K, ...), or class indices (N, ...)
        An image with a NaN among its outputs is in no column.
    targets : class indices (N, ...)
    num_classes : int, optional
        K, where y is class indices; else the largest index decides.
    ignore_index : int or None

    Returns
    -------
    int64 array (K, K)

    Examples
    --------
    >>> fastconv.metrics.confusion_matrix([0, 1, 1, 1], [0, 0, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    predicted, true, _ = classes(y, targets, ignore_index)
    K = number_of(y, predicted, true, num_classes)
    known = predicted >= 0
    return np.bincount(true[known] * K + predicted[known], minlength=K * K).reshape(K, K)


def precision(y: ArrayLike, targets: ArrayLike, average: str = "macro", ignore_index: int | None = -100) -> Any:
    """Of the images predicted as a class, the share that are of it: C[i, i] / sum_j C[j, i].

    Parameters
    ----------
    y : array (N, K, ...), or class indices (N, ...)
    targets : class indices (N, ...)
    average : {"macro", "none"}
        "macro" is the mean over the classes, "none" gives an array (K,).
    ignore_index : int or None

    Examples
    --------
    >>> fastconv.metrics.precision([0, 1, 1, 1], [0, 0, 1, 1], average="none")
    array([1.        , 0.66666667])
    """
    right, predicted, _ = counts(y, targets, ignore_index)
    return averaged(right, predicted, average)


def recall(y: ArrayLike, targets: ArrayLike, average: str = "macro", ignore_index: int | None = -100) -> Any:
    """Of the images of a class, the share that are predicted as it: C[i, i] / sum_j C[i, j].

    Parameters as of `precision`; an image with a NaN among its outputs is one of its class that was missed.

    Examples
    --------
    >>> fastconv.metrics.recall([0, 1, 1, 1], [0, 0, 1, 1], average="none")
    array([0.5, 1. ])
    """
    right, _, true = counts(y, targets, ignore_index)
    return averaged(right, true, average)


def f1(y: ArrayLike, targets: ArrayLike, average: str = "macro", ignore_index: int | None = -100) -> Any:
    """The harmonic mean of precision and recall: 2 C[i, i] / (sum_j C[i, j] + sum_j C[j, i]).

    Parameters as of `precision`.

    Examples
    --------
    >>> fastconv.metrics.f1([0, 1, 1, 1], [0, 0, 1, 1], average="none")
    array([0.66666667, 0.8       ])
    """
    right, predicted, true = counts(y, targets, ignore_index)
    return averaged(2 * right, predicted + true, average)


def intersection_over_union(
    y: ArrayLike, targets: ArrayLike, average: str = "macro", ignore_index: int | None = -100
) -> Any:
    """Pixels that are of a class and predicted as it, of those that are either: C[i, i] / (row + column - C[i, i]).

    Parameters as of `precision`.

    Examples
    --------
    >>> fastconv.metrics.intersection_over_union([0, 1, 1, 1], [0, 0, 1, 1], average="none")
    array([0.5       , 0.66666667])
    """
    right, predicted, true = counts(y, targets, ignore_index)
    return averaged(right, predicted + true - right, average)


def mean_squared_error(y: ArrayLike, targets: ArrayLike) -> float:
    """mean (y - t)^2, in float64.

    Examples
    --------
    >>> fastconv.metrics.mean_squared_error([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return mean(difference(y, targets) ** 2)


def mean_absolute_error(y: ArrayLike, targets: ArrayLike) -> float:
    """mean |y - t|, in float64.

    Examples
    --------
    >>> fastconv.metrics.mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return mean(np.abs(difference(y, targets)))


# ---------------------------------------------------------------- what they share


def largest(y: Array) -> Array:
    """The first of the largest along axis 1; -1 where one is NaN."""
    best = np.expand_dims(y.argmax(1), 1)  # argmax takes a NaN as the largest
    return np.where(np.isnan(np.take_along_axis(y, best, 1)), -1, best)[:, 0]


def classes(y: ArrayLike, targets: ArrayLike, ignored: int | None) -> tuple[Array, Array, Array]:
    """Predicted and true classes of what counts, one after another, and which of the targets count."""
    y, targets = check.given(y, "y"), check.given(targets, "targets")
    if targets.dtype.kind not in "iu":
        cure = "; use targets.argmax(1)" if targets.ndim > 1 and targets.shape == y.shape else ""
        raise TypeError(f"targets must be integers (class indices), got {targets.dtype}{cure}")
    outputs = y.dtype.kind == "f"
    wanted = (y.shape[0], *y.shape[2:]) if outputs and y.ndim > 1 else y.shape
    if (outputs and y.ndim < 2) or y.dtype.kind not in "iuf":
        raise TypeError(f"y must be outputs (N, K, ...) or class indices (N, ...), got {y.dtype} of shape {y.shape}")
    if targets.shape != wanted:
        raise ValueError(f"targets must have shape {wanted}, one class for each of y {y.shape}, got {targets.shape}")
    predicted = largest(y) if outputs else y.astype(np.int64)
    targets = targets.astype(np.int64)
    kept = np.ones(targets.shape, bool) if ignored is None else targets != ignored
    true = targets[kept]
    K = y.shape[1] if outputs else np.inf
    if true.size and not 0 <= true.min() <= true.max() < K:
        rule = f"from 0 to {K - 1}" if outputs else ">= 0"
        raise ValueError(f"targets must be class indices {rule}, or ignored, got {true.min()} to {true.max()}")
    return predicted[kept], true, kept


def number_of(y: ArrayLike, predicted: Array, true: Array, given: int | None) -> int:
    """K, the number of classes."""
    outputs = np.asarray(y)
    least = 1 + max(predicted.max(initial=-1), true.max(initial=-1))
    K = int(outputs.shape[1]) if outputs.dtype.kind == "f" else int(least)
    if given is None:
        return K
    given = check.integer(given, "num_classes", 1)
    if given < K:
        raise ValueError(f"num_classes must be at least {K}, the number of classes in y and targets, got {given}")
    return given


def counts(y: ArrayLike, targets: ArrayLike, ignored: int | None) -> tuple[Array, Array, Array]:
    """How many of each class were predicted rightly, predicted, and there were."""
    predicted, true, _ = classes(y, targets, ignored)
    K = number_of(y, predicted, true, None)
    right, taken = true[predicted == true], predicted[predicted >= 0]
    of_right, of_taken, of_true = (np.bincount(each, minlength=K) for each in (right, taken, true))
    return of_right, of_taken, of_true


def averaged(part: Array, whole: Array, average: str) -> Any:
    """part / whole of each class, or the mean of the classes that have it."""
    check.choice(average, "average", ("macro", "none"))
    shares = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
    return shares if average == "none" else mean(shares[whole > 0])


def difference(y: ArrayLike, targets: ArrayLike) -> Array:
    """y - t in float64, where the shapes agree."""
    y, targets = check.given(y, "y"), check.given(targets, "targets")
    for name, array in (("y", y), ("targets", targets)):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} must be real numbers, got {array.dtype}")
    if y.shape != targets.shape:
        raise ValueError(f"targets must have the shape of y, {y.shape}, got {targets.shape}")
    return y.astype(np.float64) - targets


def mean(values: Array) -> float:
    """The mean; NaN of nothing."""
    return float(values.mean()) if values.size else float("nan")
