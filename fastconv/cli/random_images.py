"""Images and targets without meaning, to measure a network with."""

import numpy as np

from .. import losses
from ..executor.logits import last_activation
from ..network import Network
from ..typing import Array

__all__ = ["images", "loss_for", "targets"]


def images(network: Network, count: int) -> Array:
    """(count, C, H, W) numbers from 0 to 1, of the network's dtype."""
    numbers = np.random.default_rng(0).random((count, *network.input_shape), np.float32)
    return numbers.astype(network.dtype, copy=False)


def loss_for(network: Network) -> losses.Loss:
    """Cross-entropy for a network that gives logits, half the sum of squares for one that ends with Sigmoid."""
    return losses.MSE() if last_activation(network.output) else losses.CrossEntropy()


def targets(network: Network, count: int) -> Array:
    """Class indices (count,), which both losses take."""
    return np.arange(count) % network.output_shape[0]
