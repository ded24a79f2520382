"""Losses, each with its gradient in the same pass over the data: `<loss>(..., return_gradient=True)`. All families.

Each has two halves: the public function checks, takes or makes the results, and runs a prepared call; the `_call` makes
that prepared call from checked arrays. Networks use the `_call` alone.

Sums are made in double over fixed blocks in their order: the same bits for any number of threads. A mean over nothing
(an empty batch, or every target ignored) is NaN, as in PyTorch.
"""

from .absolute import huber_loss, huber_loss_backward, huber_loss_call, l1_loss, l1_loss_backward, l1_loss_call
from .binary import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_call,
)
from .cross_entropy import cross_entropy, cross_entropy_backward, cross_entropy_call
from .nll import nll_loss, nll_loss_backward, nll_loss_call
from .squares import mse_loss, mse_loss_backward, mse_loss_call

__all__ = [
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_call",
    "cross_entropy",
    "cross_entropy_backward",
    "cross_entropy_call",
    "huber_loss",
    "huber_loss_backward",
    "huber_loss_call",
    "l1_loss",
    "l1_loss_backward",
    "l1_loss_call",
    "mse_loss",
    "mse_loss_backward",
    "mse_loss_call",
    "nll_loss",
    "nll_loss_backward",
    "nll_loss_call",
]
