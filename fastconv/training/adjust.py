"""What happens to the gradients of a batch before the update: they wait for further batches, and are clipped."""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np

from ..ops import check
from ..optim.clipping import clip_gradients, length
from ..parameters import Arrays

__all__ = ["Adjust", "checked_norm"]


def checked_norm(max_norm: Any) -> float:
    """A number > 0; infinity for None."""
    if max_norm is None:
        return inf
    number = check.number(max_norm, "max_norm")
    if not number > 0:
        raise ValueError(f"max_norm must be > 0, the largest norm of all gradients together, got {max_norm}")
    return float(number)


class Adjust:
    """The mean of the gradients of several batches, and its norm, which is limited.

    Of a loss that is a sum over the images the gradients are added instead. `group` is set before each batch: its
    images, those of all batches before the update, and whether it is the last of them. `complete`, where it is set,
    makes the sum of several batches whole: it adds those of other ranks.
    """

    def __init__(self, max_norm: float, is_sum: bool) -> None:
        self.max_norm, self.is_sum = max_norm, is_sum
        self.total: Arrays | None = None  # of the batches so far, each times its number of images
        self.begun = False
        self.group = 1, 1, True
        self.complete: Callable[[Arrays], None] | None = None
        self.norm, self.largest = np.nan, 0.0  # of the gradients of an update; the largest so far

    def __call__(self, gradients: Arrays) -> bool:
        """Add the gradients of a batch; after the last of a group they become those of the update, and it is True."""
        images, of, last = self.group
        if images != of:
            self.accumulate(gradients, 1.0 if self.is_sum else images / of)
            if not last:
                return False
            assert self.total is not None, "accumulate has made it"
            np.copyto(gradients.vector, self.total.vector)
            self.begun = False
            if self.complete is not None:
                self.complete(gradients)
        self.norm = length([gradients.vector])
        if not isfinite(self.norm):
            raise FloatingPointError("a gradient is NaN or infinite")
        self.largest = max(self.largest, self.norm)
        if self.norm > self.max_norm:
            clip_gradients(gradients, self.max_norm)
        return True

    def accumulate(self, gradients: Arrays, share: float) -> None:
        """total <- total + share * gradients; the first batch of a group begins anew."""
        if share != 1:
            gradients.vector *= gradients.vector.dtype.type(share)
        if self.total is None:
            self.total = gradients.like()
        if self.begun:
            self.total.vector += gradients.vector
        else:
            np.copyto(self.total.vector, gradients.vector)
        self.begun = True

    def forget(self) -> None:
        """Drop a group that was not finished."""
        self.begun = False
