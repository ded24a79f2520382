"""Losses: one number from a network's output and its targets, and the gradient it starts backpropagation with.

A loss is a value: two with the same settings are equal. `prepare` checks what a person gives, once; the executor then
binds the loss to fixed memory.

A loss of your own is any object that can be hashed and has

    prepare(targets, y_shape, dtype)   checked targets, an array whose first axis is the images
    target_array(y_shape, dtype)       (shape, dtype) of such an array for one batch
    bind(y, targets, value, dy)        a callable that writes the loss into `value` and its gradient into `dy` (or None)

and, optionally, `target_classes(targets, y_shape)`: the class of each output, or None if targets are not classes; and
`reduction`: "sum" if the loss of several batches is the sum of their losses and not the mean.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..ops import check, loss
from .targets import class_indices, one_each, one_hot, one_of_several, values

LARGEST = float(np.finfo(np.float32).max)


class Loss:
    """The base of the losses here; `checked` takes the name by which errors call the targets."""

    def prepare(self, targets, y_shape, dtype):
        return self.checked(targets, y_shape, dtype, "targets")

    def target_classes(self, targets, y_shape):
        return one_each(targets, y_shape)


@dataclass(frozen=True)
class MSE(Loss):
    """Squares of the differences between output and target.

    "half_sum"  L = 1/(2N) sum (y - t)^2: half the sum of squares of each image (Zhang 2016, eq. 13), mean over images
    "mean"      L = mean (y - t)^2
    "sum"       L = sum (y - t)^2

    Targets are values of the output's shape (N, ...) and dtype; an output (N, 1, ...) also takes (N, ...). Integers
    and bools become numbers of that dtype; integers that it cannot hold exactly (beyond 2**24 in float32, 2**53 in
    float64) are refused. Integers (N,) for an output (N, K) with K > 1 are class indices and become one-hot vectors.

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

    def checked(self, targets, y_shape, dtype, name):
        if one_of_several(check.given(targets, name, f"numbers of shape {y_shape}"), y_shape) is None:
            return values(targets, y_shape, dtype, name)
        return one_hot(class_indices(targets, y_shape, name), y_shape[1], dtype)

    def target_classes(self, targets, y_shape):
        return one_of_several(targets, y_shape)

    def bind(self, y, targets, value, dy):
        return loss.mse_loss_call(y, targets, value, dy, self.reduction)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """L = mean over images (and pixels) of log sum_k exp y[k] - y[target].

    The output is logits (N, K) or (N, K, H, W), targets are class indices (N,) or (N, H, W): integers of any type. For
    probabilities, class weights and label smoothing use the function `cross_entropy`.

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

    def checked(self, targets, y_shape, dtype, name):
        return class_indices(targets, y_shape, name)

    def bind(self, y, targets, value, dy):
        return loss.cross_entropy_call(y, targets, value, dy)


@dataclass(frozen=True)
class AuxiliaryCrossEntropy(Loss):
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
        if not isinstance(self.weights, tuple | list | np.ndarray) or getattr(self.weights, "ndim", 1) == 0:
            raise TypeError(f"weights must be one number for each head, such as (1, 0.3), got {self.weights!r}")
        object.__setattr__(self, "weights", tuple(map(head_weight, self.weights)))
        if not self.weights:
            raise ValueError("weights must be one number for each head, got ()")

    def target_array(self, y_shape, dtype):
        return y_shape[:1], np.int64

    def checked(self, targets, y_shape, dtype, name):
        return class_indices(targets, (y_shape[0], self.class_count(y_shape)), name)

    def class_count(self, y_shape):
        if len(y_shape) != 2 or y_shape[1] % len(self.weights):
            raise ValueError(f"the output must be logits (N, {len(self.weights)} K), got {y_shape}")
        return y_shape[1] // len(self.weights)

    def bind(self, y, targets, value, dy):
        count = self.class_count(y.shape)
        parts = np.zeros(len(self.weights), y.dtype)
        calls = []
        for head, weight in enumerate(self.weights):
            own = slice(head * count, (head + 1) * count)
            gradient = None if dy is None else dy[:, own]
            calls.append(loss.cross_entropy_call(y[:, own], targets, parts[head : head + 1], gradient, dy=weight))
        return partial(total, calls, y[:, ::count], parts, np.array(self.weights, y.dtype), value)


def head_weight(value):
    """A number that float32 can hold."""
    number = value if isinstance(value, int) and abs(value) > LARGEST else check.number(value, "weights")
    if not abs(number) <= LARGEST:
        raise ValueError(f"weights must be numbers up to {LARGEST:.2e}, the largest float32, got {number}")
    return number


def predicted_classes(loss, y):
    """The predicted class of each image (and pixel): the first of the largest logits; -1 if a logit is NaN.

    Of several heads the first one predicts.
    """
    heads = len(loss.weights) if isinstance(loss, AuxiliaryCrossEntropy) else 1
    logits = y[:, : y.shape[1] // heads]
    best = np.expand_dims(logits.argmax(1), 1)  # argmax takes a NaN as the largest
    return np.where(np.isnan(np.take_along_axis(logits, best, 1)), -1, best)[:, 0]


def true_classes(loss, targets, y_shape):
    """The true class of each image (and pixel); None if targets are values.

    For a loss without `target_classes`, integers (N,) for an output (N, K) are classes.
    """
    return getattr(loss, "target_classes", one_of_several)(targets, y_shape)


def prepared(loss, labels, y_shape, dtype):
    """The checked targets; errors of the losses in this file call them labels."""
    if getattr(type(loss), "prepare", None) is Loss.prepare:
        return loss.checked(labels, y_shape, dtype, "labels")
    return loss.prepare(np.asarray(labels), y_shape, dtype)


def total(calls, first, parts, weights, value):
    """value = sum of weights x parts; a head that is left out in prediction has -inf for its first logit."""
    for call in calls:
        call()
    left_out = (first == -np.inf).all(0)
    left_out[0] = False
    np.copyto(value, np.sum(np.where(left_out, 0, parts * weights)))
