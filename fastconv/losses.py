"""Losses: one number from a network's output and its targets, and the gradient it starts backpropagation with.

A loss is a value: two with the same settings are equal. `prepare` checks what a person gives, once; the executor then
binds the loss to fixed memory.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .ops import check, loss


@dataclass(frozen=True)
class MSE:
    """Squares of the differences between output and target.

    "half_sum"  L = 1/(2N) sum (y - t)^2: half the sum of squares of each image (Zhang 2016, eq. 13), mean over images
    "mean"      L = mean (y - t)^2
    "sum"       L = sum (y - t)^2

    Targets have the output's shape (N, ...); class indices (N,) become vectors with a 1 in their place.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(2, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.MSE())
    >>> loss
    0.5
    >>> gradients["linear1.bias"]
    array([ 0., -1.], dtype=float32)
    """

    reduction: str = "half_sum"

    def __post_init__(self):
        check.choice(self.reduction, "reduction", ("half_sum", "mean", "sum"))

    def target_array(self, y_shape, dtype):
        return y_shape, dtype

    def prepare(self, targets, y_shape, dtype):
        targets = np.asarray(targets)
        if targets.dtype.kind in "iu" and targets.ndim == 1 and len(y_shape) == 2:
            return one_hot(class_indices(targets, y_shape), y_shape[1], dtype)
        targets = check.array(targets, "targets")
        check.shape_is(targets, "targets", y_shape, "the network's output")
        check.same_dtype(output=np.empty(0, dtype), targets=targets)
        return targets

    def bind(self, y, targets, value, dy):
        return loss.mse_loss_call(y, targets, value, dy, self.reduction)


@dataclass(frozen=True)
class CrossEntropy:
    """L = mean over images of log sum_k exp y[k] - y[target].

    The output is logits (N, K) or (N, K, H, W), targets are class indices (N,) or (N, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(4, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.CrossEntropy())
    >>> round(loss, 4)  # log 4
    1.3863
    """

    def target_array(self, y_shape, dtype):
        return (y_shape[0], *y_shape[2:]), np.int64

    def prepare(self, targets, y_shape, dtype):
        return class_indices(np.asarray(targets), y_shape)

    def bind(self, y, targets, value, dy):
        return loss.cross_entropy_call(y, targets, value, dy)


@dataclass(frozen=True)
class AuxiliaryCrossEntropy:
    """L = sum over heads of weight x cross entropy: a main classifier and auxiliary ones, trained together.

    The output is the logits of all heads one after another, (N, heads K), as `models.googlenet(aux_logits=True)` gives
    them; targets are class indices (N,). Weights of Szegedy et al. 2014, section 5. Where the logits of an auxiliary
    head are -inf, as in prediction, it does not count.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(6, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.AuxiliaryCrossEntropy())
    >>> round(loss, 4)  # 1.6 log 2
    1.109
    """

    weights: tuple = (1.0, 0.3, 0.3)

    def __post_init__(self):
        object.__setattr__(self, "weights", tuple(check.number(w, "weights") for w in self.weights))
        if not self.weights:
            raise ValueError("weights must be one number for each head, got ()")

    def target_array(self, y_shape, dtype):
        return y_shape[:1], np.int64

    def prepare(self, targets, y_shape, dtype):
        return class_indices(np.asarray(targets), (y_shape[0], self.classes(y_shape)))

    def classes(self, y_shape):
        if len(y_shape) != 2 or y_shape[1] % len(self.weights):
            raise ValueError(f"the output must be logits (N, {len(self.weights)} K), got {y_shape}")
        return y_shape[1] // len(self.weights)

    def bind(self, y, targets, value, dy):
        count = self.classes(y.shape)
        parts = np.zeros(len(self.weights), y.dtype)
        calls = []
        for head, weight in enumerate(self.weights):
            own = slice(head * count, (head + 1) * count)
            gradient = None if dy is None else dy[:, own]
            calls.append(loss.cross_entropy_call(y[:, own], targets, parts[head : head + 1], gradient, dy=weight))
        return partial(total, calls, y[:, ::count], parts, np.array(self.weights, y.dtype), value)


def predicted_classes(loss, y):
    """The class of each image that an output stands for; of several heads the first speaks."""
    heads = len(loss.weights) if isinstance(loss, AuxiliaryCrossEntropy) else 1
    return y[:, : y.shape[1] // heads].argmax(1)


def total(calls, first, parts, weights, value):
    """value = sum of weights x parts; a head that is left out in prediction has -inf for its first logit."""
    for call in calls:
        call()
    left_out = (first == -np.inf).all(0)
    left_out[0] = False
    np.copyto(value, np.sum(np.where(left_out, 0, parts * weights)))


def class_indices(targets, y_shape):
    """int64 indices below the number of classes, one an image (and pixel)."""
    if targets.dtype.kind not in "iu":
        raise TypeError(f"targets must be integers (class indices), got {targets.dtype}; use targets.astype('int64')")
    check.shape_is(targets, "targets", (y_shape[0], *y_shape[2:]), "one class for each output")
    if targets.size and not (targets.min() >= 0 and targets.max() < y_shape[1]):
        raise ValueError(
            f"targets must be class indices from 0 to {y_shape[1] - 1}, got {targets.min()} to {targets.max()}"
        )
    return targets.astype(np.int64)


def one_hot(indices, classes, dtype):
    """t[n, k] = 1 where k is the class of n, else 0."""
    vectors = np.zeros((len(indices), classes), dtype)
    vectors[np.arange(len(indices)), indices] = 1
    return vectors
