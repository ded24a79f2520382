"""A loss in which each image counts as much as its weight says: what `fit(..., sample_weight=)` trains with."""

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..ops import check
from ..typing import Array, Call, Shape
from .base import predicted_classes, prepared, true_classes
from .per_output import PerOutput

__all__ = ["Weighted", "checked_weights", "plain", "scaled", "weighted"]

TARGET, WEIGHT = "target", "weight"  # the fields of a weighted target


def checked_weights(weights: Any, count: int, name: str = "sample_weight") -> Array:
    """float64 numbers >= 0, one for each of `count` images, not all of them 0."""
    given = check.given(weights, name, "one number for each image")
    if given.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be numbers, one for each image, got {given.dtype}")
    if given.shape != (count,):
        raise ValueError(f"{name} must be one number for each image, shape ({count},), got shape {given.shape}")
    numbers = given.astype(np.float64)
    if count == 0:
        raise ValueError(f"{name} must be one number for each image, and there are none")
    if not np.isfinite(numbers).all() or numbers.min() < 0:
        wrong = numbers[~(numbers >= 0) | np.isinf(numbers)][0]
        raise ValueError(f"{name} must be finite numbers >= 0, got {wrong}")
    if numbers.max() == 0:
        raise ValueError(f"{name} must be above 0 for some image, got only zeros")
    return numbers


def weighted(targets: Any, weights: Array) -> Array:
    """Targets with their weights: an array (N,) of the two fields, which `Weighted` takes."""
    targets = np.asarray(targets)
    both = np.empty(len(targets), [(TARGET, targets.dtype, targets.shape[1:]), (WEIGHT, np.float64)])
    both[TARGET], both[WEIGHT] = targets, weights
    return both


def plain(targets: Array) -> Array:
    """The targets without their weights."""
    return targets[TARGET] if targets.dtype.names == (TARGET, WEIGHT) else targets


def scaled(weights: Array, loss: Any) -> Array:
    """Weights by which parts of the loss are multiplied: of the mean 1, so that a mean stays one; of a sum as given."""
    if getattr(loss, "reduction", None) == "sum":
        return weights
    shares: Array = weights / weights.max()  # whose sum is not infinite
    shares /= shares.mean()
    return shares


@dataclass(frozen=True)
class Weighted:
    """L = sum over images of w[n] L[n], where the loss of the batch is the sum of the parts L[n] of its images.

    For a mean over N images L[n] = l[n] / N. Targets are those that `weighted` returns.
    """

    loss: Any

    def __getattr__(self, name: str) -> Any:
        if name == "loss":
            raise AttributeError(name)  # of a copy that is being made
        return getattr(self.loss, name)  # reduction, ignore_index, takes_logits

    def prepare(self, targets: Any, y_shape: Shape, dtype: DTypeLike) -> Array:
        """The checked targets, with their weights."""
        return weighted(prepared(self.loss, targets[TARGET], y_shape, dtype), targets[WEIGHT])

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the targets of one batch: (N,), of two fields."""
        shape, kind = self.loss.target_array(y_shape, dtype)
        return shape[:1], np.dtype([(TARGET, kind, shape[1:]), (WEIGHT, np.float64)])

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """The class of each image, if targets are classes."""
        return true_classes(self.loss, targets[TARGET], y_shape)

    def predicted_classes(self, y: Array) -> Array:
        """The class that each output predicts."""
        return predicted_classes(self.loss, y)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The loss and its gradient as if all weights were 1, then the part of each image times its weight."""
        if isinstance(self.loss, PerOutput):
            return bind_each(self.loss.with_each(Weighted), y, targets, value, dy)
        shape, kind = self.loss.target_array(y.shape, y.dtype)
        own, total = np.zeros(shape, kind), np.zeros((), y.dtype)
        whole = self.loss.bind(y, own, total, dy)
        return partial(call, whole, Alone(self.loss, y, own), (targets, own), (total, value), dy)


def bind_each(loss: PerOutput, y: Any, targets: Array, value: Array, dy: Any) -> Call:
    """The same for several outputs: each loss has the weights."""
    own = np.zeros(*loss.target_array({name: y[name].shape for name in loss.names}, value.dtype))
    return partial(call_each, loss.bind(y, own, value, dy), loss.names, targets, own)


def call_each(bound: Call, names: Sequence[str], given: Array, own: Array) -> None:
    """Hand the targets and weights on to each loss."""
    for name in names:
        own[name][TARGET], own[name][WEIGHT] = given[TARGET][name], given[WEIGHT]
    bound()


class Alone:
    """The losses l (N,) of the images of a batch, each by itself; over the pixels of an image they are added.

    `share`: what each is multiplied with to be its part of the loss of the batch; None where that depends on targets.
    """

    def __init__(self, loss: Any, y: Array, targets: Array) -> None:
        self.share: float | None = 1.0 if getattr(loss, "reduction", None) == "sum" else 1 / len(y)
        if is_dataclass(loss) and hasattr(loss, "reduction"):  # one of the losses here, which may ignore images
            loss, self.share = replace(loss, reduction="sum"), None  # type: ignore[type-var]
        self.y, self.targets = y, targets
        self.one, self.target = np.zeros_like(y[:1], order="C"), targets[:1].copy()
        self.value, self.each = np.zeros((), y.dtype), np.zeros(len(y))
        self.bound = loss.bind(self.one, self.target, self.value, None)

    def __call__(self) -> Array:
        for image in range(len(self.each)):
            np.copyto(self.one, self.y[image])
            np.copyto(self.target, self.targets[image])
            self.bound()
            self.each[image] = self.value
        return self.each


def call(
    whole: Call, alone: Alone, targets: tuple[Array, Array], values: tuple[Array, Array], dy: Array | None
) -> None:
    """value = sum w[n] l[n] / Z, dy[n] <- w[n] dy[n], where sum l[n] / Z is the loss of the batch."""
    (given, own), (total, value) = targets, values
    np.copyto(own, given[TARGET])
    whole()
    each, weights = alone(), given[WEIGHT]
    added, share = each.sum(), alone.share
    if share is None:
        share = float(total) / added if added else 0.0
    value[...] = (weights * each).sum() * share
    if dy is not None:
        dy *= weights.astype(dy.dtype).reshape(-1, *(1,) * (dy.ndim - 1))
