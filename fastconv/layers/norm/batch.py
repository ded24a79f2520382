"""Batch norm: each channel normalised with the statistics of the batch.

y = z w + b, z = (x - mean) / sqrt(var + eps), with mean and variance over the batch and the pixels of a channel
db = sum dy, dw = sum dy z, dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy     Ioffe and Szegedy 2015 [21]

prediction   y = scale x + shift, with the running mean and variance; dx = scale dy
"""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ... import init
from ...arguments.attributes import Argument
from ...layer import Array, Bound, Spec, State
from ...ops import check, norm
from ...typing import Call, Shape
from . import synchronised
from .common import Normalisation


def share(value: Any, name: str) -> float:
    """A float from 0 to 1."""
    number = check.number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {value!r}")
    return number


class BatchNorm(Normalisation):
    """Each channel with the mean and variance of the batch in training, with the running ones in prediction.

    (N, C, H, W) -> (N, C, H, W) or (N, C) -> (N, C).

    All arguments are given by name.

    Parameters
    ----------
    eps : float in (0, 1), default 1e-5
        Added to the variance.
    momentum : float from 0 to 1, default 0.1
        The weight of the newest batch: running = (1 - momentum) running + momentum batch, after each training step.
        As in PyTorch; Keras calls 1 - momentum so.
    affine : bool, default True
        Scale and shift each channel by trained numbers.
    name : str, optional
        Prefix of the names of parameters and buffers, see `Layer`.

    Notes
    -----
    Parameters of the network: weight (C,), first 1, and bias (C,), first 0. Buffers: running_mean (C,), running_var
    (C,), and, as in PyTorch, num_batches_tracked (), which counts the training steps. The running variance is the
    unbiased one, the sum of squares divided by m - 1.

    Ioffe and Szegedy 2015 [21], algorithms 1 and 2.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.BatchNorm(name="bn1"), (6, 24, 24))
    >>> list(network.parameters), list(network.buffers)
    (['bn1.weight', 'bn1.bias'], ['bn1.running_mean', 'bn1.running_var', 'bn1.num_batches_tracked'])
    """

    fuses = frozenset({"residual", "activation"})
    fused_backward = True
    folds = True
    two_modes = True
    kind = "bn"
    momentum = Argument(share)

    def __init__(
        self, *, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, name: str | None = None
    ) -> None:
        super().__init__(eps, affine, name)
        self.momentum = momentum

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x; row 0 of the saved mean is the mean, row 1 its rounding error."""
        shape = x_shape[:1]
        state = {
            "running_mean": State(shape, partial(init.zeros, shape=shape)),
            "running_var": State(shape, partial(init.ones, shape=shape)),
            "num_batches_tracked": State((), partial(init.zeros, shape=()), "int64"),
        }
        saved = {"mean": Array((2, *shape), None, False), "invstd": Array(shape, None, False)}
        return Spec(x_shape, self.parameters(shape), state, saved, self.scratch(shape))

    def forward(self, b: Bound) -> list[Call]:
        """y = f(z w + b + residual); in training also the running statistics and one more step counted."""
        if b.training and b.block is not None and b.block.synchronised:
            return synchronised.forward(b, *self.weights(b), self.momentum, self.eps)
        weight, bias = self.weights(b)
        mean, invstd = (b.saved.mean, b.saved.invstd) if b.training else (None, None)
        running = (b.state.running_mean, b.state.running_var)
        arrays = (b.x, b.y, weight, bias, running, mean, invstd)
        call = norm.batch_norm_call(*arrays, self.momentum, self.eps, b.training, b.activation, b.residual)
        steps = b.state.num_batches_tracked
        return [call, partial(np.add, steps, 1, steps)] if b.training else [call]

    def recompute(self, b: Bound) -> list[Call]:
        """y = f(z w + b) from the statistics of the forward pass."""
        if not b.training:
            return self.forward(b)
        arrays = (b.x, b.y, *self.weights(b), b.saved.mean, b.saved.invstd)
        return [norm.batch_norm_recompute_call(*arrays, self.eps, b.activation)]

    def backward(self, b: Bound) -> list[Call]:
        """dw, db, dx and dresidual, in one call; dx may be None."""
        weight, bias = self.weights(b)
        if b.training and b.block is not None and b.block.synchronised:
            return synchronised.backward(b, weight, bias, self.gradients(b))
        arrays = (b.dy, b.x, b.dx, weight, b.saved.mean, b.saved.invstd, self.gradients(b))
        call = norm.batch_norm_backward_call(*arrays, b.training, b.activation, bias, b.y, b.dresidual)
        return [call] if b.training else [partial(self.take_running, b.state, b.saved), call]

    def take_running(self, state: SimpleNamespace, saved: SimpleNamespace) -> None:
        """The running statistics in place of a batch's; the mean has no rounding error."""
        np.copyto(saved.mean[0], state.running_mean)
        np.copyto(saved.mean[1], 0)
        np.copyto(saved.invstd, 1 / np.sqrt(state.running_var.astype("float64") + self.eps), casting="same_kind")

    def scale_and_shift(self, params: SimpleNamespace, state: SimpleNamespace) -> tuple[NDArray[Any], NDArray[Any]]:
        """Float64 (scale, shift) of each channel in prediction: y = scale x + shift."""
        scale = 1 / np.sqrt(state.running_var.astype("float64") + self.eps)
        if self.affine:
            scale = scale * params.weight
        shift = -scale * state.running_mean
        return scale, shift + params.bias if self.affine else shift
