"""Images and targets without meaning, to measure a network with."""

from typing import Any

import numpy as np

from .. import losses
from ..executor.logits import last_activation
from ..fields import for_each, several
from ..network import Network
from ..typing import Array, Shape

__all__ = ["images", "loss_for", "targets"]


def images(network: Network, count: int) -> Any:
    """(count, C, H, W) numbers from 0 to 1, of the network's dtype, for each input."""
    draws = np.random.default_rng(0)

    def numbers(shape: Shape) -> Array:
        """(count, *shape)"""
        return draws.random((count, *shape), np.float32).astype(network.dtype, copy=False)

    return for_each(network.input_shape, numbers)


def loss_for(network: Network) -> Any:
    """Cross-entropy for a network that gives logits, half the sum of squares for one that ends with Sigmoid.

    The mean of squares for each output of all others.
    """
    if has_classes(network):
        return losses.MSE() if last_activation(network.output) else losses.CrossEntropy()
    return for_each(network.output_shape, lambda _: losses.MSE("mean"))


def targets(network: Network, count: int) -> Any:
    """Class indices (count,), which both losses take; zeros for other outputs than (K,)."""
    if has_classes(network):
        return np.arange(count) % network.output_shape[0]
    return for_each(network.output_shape, lambda shape: np.zeros((count, *shape), network.dtype))


def has_classes(network: Network) -> bool:
    """Whether the network has one output, (K,)."""
    return several(network.output_shape) is None and len(network.output_shape) == 1
