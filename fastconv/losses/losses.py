"""The losses of networks, and how their targets and predictions are read as classes.

Numbers in brackets refer to docs/references.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.signatures import explained_class, no_attribute
from ..arguments.training import LOSS_SETTINGS, OF_LOSSES
from ..ops import check, loss
from ..typing import Array, Call, Shape
from .settled import settled
from .targets import class_indices, one_each, one_hot, one_of_several, values


class Loss:
    """The base of the losses here, which say in `checked` how targets are checked."""

    takes_logits = False  # whether the output must not have passed through a softmax

    def __getattr__(self, name: str) -> Any:
        if isinstance(own := getattr(type(self), name, None), property):
            return own.__get__(self)  # which raised an AttributeError of its own: let it say what was missing
        no_attribute(self, name, OF_LOSSES)

    def __call__(self, *arrays: object, **named: object) -> NoReturn:
        """Refused, because the functions of the ops compute losses of arrays."""
        function = "mse_loss" if isinstance(self, MSE) else "cross_entropy"
        raise TypeError(
            f"{type(self).__name__} is an object for training, not a function: write fastconv.{function}(y, targets), "
            f"or give the object to fit, train_step or network.gradients: loss={self!r}"
        )

    def prepare(self, targets: Any, y_shape: Shape, dtype: DTypeLike) -> Array:
        """The checked targets, an array whose first axis is the images."""
        return self.checked(targets, y_shape, dtype, "targets")

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """The checked targets; errors call them `name`."""
        raise NotImplementedError

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """The class of each image (and pixel); None if targets are values."""
        return one_each(targets, y_shape)


@explained_class("MSE('mean')", {**LOSS_SETTINGS, "reduce": "reduction"})
@settled({**LOSS_SETTINGS, "reduce": "reduction"})
@dataclass(frozen=True)
class MSE(Loss):
    """Squared error: half the sum of the squares of each image, averaged over images, or (reduction="mean") the mean.

    "half_sum"  L = 1/(2N) sum (y - t)^2: half the sum of squares of each image (Zhang 2016 [1], eq. 13), averaged
    "mean"      L = mean (y - t)^2, as in other libraries
    "sum"       L = sum (y - t)^2

    For an output of D values per image "half_sum" is D/2 times "mean", and so are its gradients: 392 times for images
    of 28 x 28. A usual learning rate, 0.1 or 0.01, fits "half_sum" for few values (classes as one-hot vectors), and
    "mean" for many (an autoencoder, whose output is an image).

    Parameters
    ----------
    reduction : {"half_sum", "mean", "sum"}, default "half_sum"
        How the squares make one number. "sum" grows with the batch as well.

    Raises
    ------
    ValueError
        For another reduction.

    Notes
    -----
    The last layer gives values of any size: Linear or Conv2D without an activation, or Sigmoid for targets from 0 to 1.
    Targets are values of the output's shape (N, ...) and dtype; an output (N, 1, ...) also takes targets (N, ...).
    Integers and bools become numbers of that dtype. Integers that the dtype cannot hold exactly (beyond 2**24 in
    float32, 2**53 in float64) are refused. Integers (N,) for an output (N, K) with K > 1 are class indices and become
    one-hot vectors.

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

    def __post_init__(self) -> None:
        if isinstance(self.reduction, str):
            object.__setattr__(self, "reduction", self.reduction.lower())
        check.choice(self.reduction, "reduction", ("half_sum", "mean", "sum"))

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the targets of one batch, equal to shape and dtype of the output."""
        return y_shape, dtype

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """Values of the output's shape and dtype; class indices as one-hot vectors."""
        if one_of_several(check.given(targets, name, f"numbers of shape {y_shape}"), y_shape) is None:
            return values(targets, y_shape, dtype, name)
        return one_hot(class_indices(targets, y_shape, name), y_shape[1], dtype)

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """Class indices (N,) for an output (N, K) with K > 1; None if targets are values."""
        return one_of_several(targets, y_shape)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        return loss.mse_loss_call(y, targets, value, dy, self.reduction)


@explained_class("CrossEntropy()", LOSS_SETTINGS)
@settled(LOSS_SETTINGS)
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """L = mean over images (and pixels) of log sum_k exp y[k] - y[target].

    Notes
    -----
    The network ends with Linear or Conv2D, without Softmax, LogSoftmax or Sigmoid, because the loss computes the
    softmax itself. Probabilities are ``fastconv.softmax(network.predict(x))``.

    The output is logits (N, K) or (N, K, H, W), targets are class indices (N,) or (N, H, W): integers of any type. The
    function `cross_entropy` also takes probabilities, class weights and label smoothing (Szegedy et al. 2016 [33]).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(4, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.CrossEntropy())
    >>> round(loss, 4)  # log 4
    1.3863
    """

    takes_logits = True

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the class indices of one batch: (N,) or (N, H, W), int64."""
        return (y_shape[0], *y_shape[2:]), np.int64

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """int64 class indices below K."""
        return class_indices(targets, y_shape, name)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        return loss.cross_entropy_call(y, targets, value, dy)


@explained_class("AuxiliaryCrossEntropy(weights=(1, 0.3, 0.3))", {**LOSS_SETTINGS, "weight": "weights"})
@settled({**LOSS_SETTINGS, "weight": "weights"})
@dataclass(frozen=True)
class AuxiliaryCrossEntropy(Loss):
    """L = sum over heads of weight x cross entropy: a main classifier and auxiliary ones, trained together.

    Parameters
    ----------
    weights : sequence of float
        One number per head, first the main classifier. The default is GoogLeNet's choice (Szegedy et al. 2015
        [45], section 5).

    Attributes
    ----------
    weights : tuple of float

    Raises
    ------
    TypeError
        If `weights` is not a sequence of numbers.
    ValueError
        If `weights` is empty, or has a number that float32 cannot hold.

    Notes
    -----
    The output holds the logits of all heads side by side, (N, heads K), as in `models.googlenet(aux_logits=True)`.
    Targets are class indices (N,). Classes are predicted by the main classifier alone. Auxiliary heads whose logits are
    -inf, as in prediction, do not count.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(6, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.AuxiliaryCrossEntropy())
    >>> round(loss, 4)  # 1.6 log 2
    1.109
    """

    weights: tuple[float, ...] = (1.0, 0.3, 0.3)
    takes_logits = True

    def __post_init__(self) -> None:
        if not isinstance(self.weights, tuple | list | np.ndarray) or getattr(self.weights, "ndim", 1) == 0:
            raise TypeError(f"weights must be one number for each head, such as (1, 0.3), got {self.weights!r}")
        object.__setattr__(self, "weights", tuple(map(head_weight, self.weights)))
        if not self.weights:
            raise ValueError("weights must be one number for each head, got ()")

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the class indices of one batch: (N,), int64."""
        return y_shape[:1], np.int64

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """int64 class indices below K, the same for all heads."""
        return class_indices(targets, (y_shape[0], self.class_count(y_shape)), name)

    def class_count(self, y_shape: Shape) -> int:
        """K, the number of classes of each head."""
        if len(y_shape) != 2 or y_shape[1] % len(self.weights):
            raise ValueError(f"the output must be logits (N, {len(self.weights)} K), got {y_shape}")
        return y_shape[1] // len(self.weights)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """One cross entropy L_h per head, on its slice y_h of the logits: L = sum_h w_h L_h, dy_h = w_h dL_h / dy_h."""
        count = self.class_count(y.shape)
        parts = np.zeros(len(self.weights), y.dtype)
        calls = []
        for head, weight in enumerate(self.weights):
            own = slice(head * count, (head + 1) * count)
            gradient = None if dy is None else dy[:, own]
            calls.append(loss.cross_entropy_call(y[:, own], targets, parts[head : head + 1], gradient, dy=weight))
        return partial(total, calls, y[:, ::count], parts, np.array(self.weights, y.dtype), value)


def head_weight(value: Any) -> float:
    """The weight of a head, which float32 must be able to hold."""
    number = value if isinstance(value, int) and abs(value) > check.LARGEST else check.number(value, "weights")
    if not abs(number) <= check.LARGEST:
        raise ValueError(f"weights must be numbers up to {check.LARGEST:.2e}, the largest float32, got {number}")
    return number


def predicted_classes(loss: object, y: Array) -> Array:
    """The predicted class of each image (and pixel): the first of the largest logits; -1 if a logit is NaN.

    If the loss has several heads, the first head predicts.
    """
    heads = len(loss.weights) if isinstance(loss, AuxiliaryCrossEntropy) else 1
    logits = y[:, : y.shape[1] // heads]
    best = np.expand_dims(logits.argmax(1), 1)  # argmax takes a NaN as the largest
    return np.where(np.isnan(np.take_along_axis(logits, best, 1)), -1, best)[:, 0]


def true_classes(loss: object, targets: Any, y_shape: Shape) -> Array | None:
    """The true class of each image (and pixel); None if targets are values.

    For a loss without `target_classes`, integers (N,) for an output (N, K) are classes.
    """
    target_classes: Callable[[Any, Shape], Array | None] = getattr(loss, "target_classes", one_of_several)
    return target_classes(targets, y_shape)


def prepared(loss: Any, labels: Any, y_shape: Shape, dtype: DTypeLike) -> Array:
    """The checked targets; errors of the losses in this file call them labels."""
    if getattr(type(loss), "prepare", None) is Loss.prepare:
        checked: Array = loss.checked(labels, y_shape, dtype, "labels")
    else:
        checked = loss.prepare(np.asarray(labels), y_shape, dtype)
    return checked


def total(calls: Sequence[Call], first: Array, parts: Array, weights: Array, value: Array) -> None:
    """value = sum over heads of weights x parts; a head whose `first` logit is -inf in all images is left out.

    Auxiliary heads give -inf in prediction. The first head, the main classifier, always counts.
    """
    for call in calls:
        call()
    left_out = (first == -np.inf).all(0)
    left_out[0] = False
    np.copyto(value, np.sum(np.where(left_out, 0, parts * weights)))
