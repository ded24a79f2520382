"""The squared error."""

from dataclasses import dataclass

from ..arguments.signatures import explained_class
from ..arguments.training import LOSS_SETTINGS
from ..ops import loss
from ..typing import Array, Call
from .base import ValueLoss, reduction_of
from .settled import settled


@explained_class("MSE('mean')", {**LOSS_SETTINGS, "reduce": "reduction"})
@settled({**LOSS_SETTINGS, "reduce": "reduction"})
@dataclass(frozen=True)
class MSE(ValueLoss):
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
    function = "mse_loss"

    def __post_init__(self) -> None:
        reduction_of(self, "half_sum", "mean", "sum")

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes the loss into `value`, and its gradient into `dy` unless that is None."""
        return loss.mse_loss_call(y, targets, value, dy, self.reduction)
