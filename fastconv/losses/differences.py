"""Losses that grow like the absolute difference."""

from dataclasses import dataclass

from ..arguments.signatures import explained_class
from ..arguments.training import LOSS_SETTINGS
from ..ops import loss
from ..typing import Array, Call
from .base import ShortRepr, ValueLoss, reduction_of, storable
from .settled import settled


@explained_class("L1()", LOSS_SETTINGS)
@settled(LOSS_SETTINGS)
@dataclass(frozen=True, repr=False)
class L1(ShortRepr, ValueLoss):
    """L = mean |y - t|, or the sum: the absolute difference, which outliers move less than the squared one.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"

    Raises
    ------
    ValueError
        For another reduction.

    Notes
    -----
    Targets are values of the output's shape (N, ...) and dtype; see `MSE` for integers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(1, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((2, 3), "float32"), [[1], [3]], losses.L1())
    >>> loss, gradients["linear1.bias"].tolist()
    (2.0, [-1.0])
    """

    reduction: str = "mean"
    function = "l1_loss"

    def __post_init__(self) -> None:
        reduction_of(self, "mean", "sum")

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        return loss.l1_loss_call(y, targets, value, dy, self.reduction)


@explained_class("Huber(delta=1.0)", LOSS_SETTINGS)
@settled(LOSS_SETTINGS)
@dataclass(frozen=True, repr=False)
class Huber(ShortRepr, ValueLoss):
    """L = mean of d^2 / 2 where |d| <= delta, else of delta (|d| - delta / 2), d = y - t (Huber 1964 [32]).

    Parameters
    ----------
    delta : float > 0, default 1
        The difference from which on the loss grows in a straight line.
    reduction : {"mean", "sum"}, default "mean"

    Raises
    ------
    TypeError, ValueError
        For settings that do not fit.

    Notes
    -----
    Targets are values of the output's shape (N, ...) and dtype; see `MSE` for integers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> network = Network(layers.Linear(1, init="zeros"), (3,))
    >>> loss, gradients = network.gradients(np.ones((2, 3), "float32"), [[1], [3]], losses.Huber())
    >>> loss, gradients["linear1.bias"].tolist()
    (1.5, [-1.0])
    """

    delta: float = 1.0
    reduction: str = "mean"
    function = "huber_loss"

    def __post_init__(self) -> None:
        delta = storable(self.delta, "delta")
        if not delta > 0:
            raise ValueError(f"delta must be > 0, got {delta}")
        object.__setattr__(self, "delta", delta)
        reduction_of(self, "mean", "sum")

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        return loss.huber_loss_call(y, targets, value, dy, self.reduction, self.delta)
