"""Cross entropy of several classifiers of one network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.signatures import explained_class
from ..arguments.training import LOSS_SETTINGS
from ..metrics import largest
from ..ops import loss
from ..typing import Array, Call, Shape
from .base import Loss, factor
from .settled import settled
from .targets import class_indices


@explained_class("AuxiliaryCrossEntropy(weights=(1, 0.3, 0.3))", {**LOSS_SETTINGS, "weight": "weights"})
@settled({**LOSS_SETTINGS, "weight": "weights"})
@dataclass(frozen=True)
class AuxiliaryCrossEntropy(Loss):
    """L = sum over heads of weight x cross entropy: a main classifier and auxiliary ones, trained together.

    Parameters
    ----------
    weights : sequence of floats >= 0
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
        If `weights` is empty, or has a number below 0 or one that float32 cannot hold.

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
        object.__setattr__(self, "weights", tuple(factor(weight, "weights") for weight in self.weights))
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

    def predicted_classes(self, y: Array) -> Array:
        """The class that the main classifier, the first head, predicts for each image."""
        return largest(y[:, : y.shape[1] // len(self.weights)])


def total(calls: Sequence[Call], first: Array, parts: Array, weights: Array, value: Array) -> None:
    """value = sum over heads of weights x parts; a head whose `first` logit is -inf in all images is left out.

    Auxiliary heads give -inf in prediction. The first head, the main classifier, always counts.
    """
    for call in calls:
        call()
    left_out = (first == -np.inf).all(0)
    left_out[0] = False
    np.copyto(value, np.sum(np.where(left_out, 0, parts * weights)))
