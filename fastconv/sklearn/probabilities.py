"""Probabilities from what a network gives, as its loss understands it."""

from typing import Any

import numpy as np

from .. import sigmoid, softmax
from ..typing import Array

__all__ = ["probabilities"]


def probabilities(loss: Any, y: Array, count: int) -> Array:
    """p (N, K), each row with the sum 1, for outputs y (N, K); of several heads the first counts.

    softmax of logits; exp of logarithms (NLL); sigmoids, or other outputs, each divided by the sum of its row.
    """
    y = y[:, :count].astype(np.float64)  # in which the sum of a row is 1 for all that check it
    if getattr(loss, "takes_logits", False):
        if getattr(loss, "makes_probabilities", "softmax") == "softmax":
            return softmax(y)
        p = sigmoid(y)
    elif type(loss).__name__ == "NLL":
        p = np.exp(y)
    else:
        p = np.maximum(y, 0)
    total = p.sum(1, keepdims=True)
    shares: Array = np.divide(p, total, out=np.full_like(p, 1 / count), where=total > 0)
    return shares
