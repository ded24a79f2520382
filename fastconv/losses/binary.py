"""Cross entropy of yes-or-no questions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.signatures import explained_class
from ..arguments.training import LOSS_SETTINGS
from ..ops import loss
from ..typing import Array, Call, Shape
from .base import ShortRepr, ValueLoss, array_of, one_for_each, reduction_of, weights_of
from .settled import settled
from .targets import probabilities, yes_or_no


@explained_class("BCEWithLogits()", LOSS_SETTINGS)
@settled(LOSS_SETTINGS)
@dataclass(frozen=True, repr=False)
class BCEWithLogits(ShortRepr, ValueLoss):
    """L = mean of -(w t log s + (1 - t) log(1 - s)), s = sigmoid(y): yes-or-no questions, each by itself.

    Parameters
    ----------
    pos_weight : sequence of K floats >= 0, optional
        The weight w of the yes of each of the K outputs (channels), for questions to which few answers are yes.
    reduction : {"mean", "sum"}, default "mean"

    Raises
    ------
    TypeError, ValueError
        For settings that do not fit. A weight for another number of outputs is found when targets are given.

    Notes
    -----
    The network ends with Linear or Conv2D, without Sigmoid, because the loss computes it itself. Probabilities are
    ``fastconv.sigmoid(network.predict(x))``.

    Targets are 0, 1, or numbers between, of the output's shape (N, K, ...); an output (N, 1, ...) also takes targets
    (N, ...). The accuracy is the share of questions whose answer, y > 0, is right (t >= 0.5). For one class of several
    take `CrossEntropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(1, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((2, 3), "float32"), [0, 1], losses.BCEWithLogits())
    >>> round(loss, 4)  # log 2
    0.6931
    """

    pos_weight: tuple[float, ...] | None = None
    reduction: str = "mean"
    takes_logits = True
    makes_probabilities = "sigmoid"
    function = "binary_cross_entropy_with_logits"

    def __post_init__(self) -> None:
        weights_of(self, "pos_weight", "output")
        reduction_of(self, "mean", "sum")

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """Numbers from 0 to 1, of the output's shape and dtype."""
        one_for_each(self.pos_weight, "pos_weight", y_shape[1], "outputs")
        return probabilities(targets, y_shape, dtype, name)

    def target_classes(self, targets: Any, y_shape: Shape) -> Array:
        """1 where the answer is yes, else 0: one for each output."""
        return yes_or_no(np.asarray(targets), y_shape)

    def predicted_classes(self, y: Array) -> Array:
        """1 where y > 0, else 0; -1 where it is NaN."""
        return np.where(np.isnan(y), -1, y > 0)

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        weight = array_of(self.pos_weight, y.dtype)
        if weight is not None:
            weight = np.broadcast_to(weight.reshape(-1, *(1,) * (y.ndim - 2)), y.shape)
        return loss.binary_cross_entropy_with_logits_call(y, targets, value, dy, self.reduction, weight)
