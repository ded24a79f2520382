"""Cross entropy of classes, from logits and from logarithms of probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.signatures import explained_class
from ..arguments.training import LOSS_SETTINGS
from ..metrics import largest
from ..ops import check, loss
from ..typing import Array, Call, Shape
from .base import Loss, ShortRepr, array_of, one_for_each, reduction_of, weights_of
from .settled import settled
from .targets import class_indices, class_probabilities

SETTINGS = {**LOSS_SETTINGS, **dict.fromkeys(("weights", "class_weight", "class_weights"), "weight")}


class ClassLoss(Loss):
    """The base of losses of classes: `weight` and `ignore_index` are settings."""

    weight: tuple[float, ...] | None
    ignore_index: int
    reduction: str

    def settle(self) -> None:
        """Check the settings."""
        weights_of(self, "weight", "class")
        object.__setattr__(self, "ignore_index", check.integer(self.ignore_index, "ignore_index"))
        reduction_of(self, "mean", "sum")

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the class indices of one batch: (N,) or (N, H, W), int64."""
        return (y_shape[0], *y_shape[2:]), np.int64

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """int64 class indices, below K or ignored."""
        one_for_each(self.weight, "weight", y_shape[1], "classes")
        return class_indices(targets, y_shape, name, self.ignore_index)


@explained_class("CrossEntropy()", SETTINGS)
@settled(SETTINGS)
@dataclass(frozen=True, repr=False, kw_only=True)
class CrossEntropy(ShortRepr, ClassLoss):
    """L = mean over images (and pixels) of log sum_k exp y[k] - y[target].

    With weights w, label smoothing e and targets t (1 for the class of the image, else 0, or probabilities):

    L = sum of -sum_k g[k] log p[k] / sum of w[target], p = softmax(y), g[k] = w[k] ((1 - e) t[k] + e / K)

    Parameters
    ----------
    weight : sequence of K floats >= 0, optional
        The weight w of each class, for classes of which there are few images. The mean divides by the weights of the
        images (by the number of images where targets are probabilities).
    label_smoothing : float from 0 to 1, default 0
        The share e of each target that is spread over all classes (Szegedy et al. 2016 [33]).
    ignore_index : int, default -100
        Images and pixels with this class count for nothing, neither in the loss nor in the accuracy.
    soft_targets : bool, default False
        Targets are probabilities of the classes, of the output's shape and dtype, as mixup and distillation make them;
        class indices are taken as well, as one-hot vectors.
    reduction : {"mean", "sum"}, default "mean"

    Raises
    ------
    TypeError, ValueError
        For settings that do not fit. A weight for another number of classes is found when targets are given.

    Notes
    -----
    The network ends with Linear or Conv2D, without Softmax, LogSoftmax or Sigmoid, because the loss computes the
    softmax itself. Probabilities are ``fastconv.softmax(network.predict(x))``.

    The output is logits (N, K) or (N, K, H, W), targets are class indices (N,) or (N, H, W): integers of any type. A
    batch in which all is ignored has no mean: its loss is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(4, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.CrossEntropy())
    >>> round(loss, 4)  # log 4
    1.3863
    >>> soft = losses.CrossEntropy(soft_targets=True)
    >>> half = np.array([[0.5, 0.5, 0, 0]], "float32")
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), half, soft)
    >>> gradients["linear1.bias"]
    array([-0.25, -0.25,  0.25,  0.25], dtype=float32)
    """

    weight: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    ignore_index: int = -100
    soft_targets: bool = False
    reduction: str = "mean"
    takes_logits = True

    def __post_init__(self) -> None:
        self.settle()
        smoothing = check.number(self.label_smoothing, "label_smoothing")
        if not 0 <= smoothing <= 1:
            raise ValueError(f"label_smoothing must be from 0 to 1, got {smoothing}")
        object.__setattr__(self, "label_smoothing", float(smoothing))
        check.flag(self.soft_targets, "soft_targets")

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the targets of one batch: class indices (N,) or (N, H, W), or probabilities."""
        return (y_shape, dtype) if self.soft_targets else super().target_array(y_shape, dtype)

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """int64 class indices, below K or ignored; or probabilities of the output's shape and dtype."""
        if not self.soft_targets:
            return super().checked(targets, y_shape, dtype, name)
        one_for_each(self.weight, "weight", y_shape[1], "classes")
        return class_probabilities(targets, y_shape, dtype, name)

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """The class of each image (and pixel); of probabilities the most probable one."""
        if self.soft_targets and np.shape(targets) == y_shape:
            return largest(np.asarray(targets))
        return super().target_classes(targets, y_shape)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        weight = array_of(self.weight, y.dtype)
        numbers = (weight, self.ignore_index, self.reduction, self.label_smoothing)
        return loss.cross_entropy_call(y, targets, value, dy, *numbers)


@explained_class("NLL()", SETTINGS)
@settled(SETTINGS)
@dataclass(frozen=True, repr=False, kw_only=True)
class NLL(ShortRepr, ClassLoss):
    """L = mean over images (and pixels) of -y[target], y = log of probabilities: the negative log-likelihood.

    With weights w: L = sum of -w[target] y[target] / sum of w[target].

    Parameters
    ----------
    weight : sequence of K floats >= 0, optional
        The weight w of each class.
    ignore_index : int, default -100
        Images and pixels with this class count for nothing, neither in the loss nor in the accuracy.
    reduction : {"mean", "sum"}, default "mean"

    Raises
    ------
    TypeError, ValueError
        For settings that do not fit. A weight for another number of classes is found when targets are given.

    Notes
    -----
    The network ends with LogSoftmax. `CrossEntropy` is the same for a network that ends with logits, and faster.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses, sequential
    >>> model = sequential(layers.Linear(4, init="zeros"), layers.LogSoftmax())
    >>> network = Network(model, (3,))
    >>> loss, gradients = network.gradients(np.ones((1, 3), "float32"), [1], losses.NLL())
    >>> round(loss, 4)  # log 4
    1.3863
    """

    weight: tuple[float, ...] | None = None
    ignore_index: int = -100
    reduction: str = "mean"
    function = "nll_loss"

    def __post_init__(self) -> None:
        self.settle()

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        weight = array_of(self.weight, y.dtype)
        return loss.nll_loss_call(y, targets, value, dy, weight, self.ignore_index, self.reduction)
