"""The memory of a network, known before anything runs."""

import sys
from typing import NamedTuple


class Footprint(NamedTuple):
    """Bytes. Kernels take some memory of their own while they run, at most a few MB a thread."""

    values: int  # what layers give, save and hand back, sharing one arena
    weights: int  # parameters and buffers
    gradients: int
    optimizer: int  # what the optimiser remembers

    @property
    def total(self):
        return sum(self)

    def __str__(self):
        parts = ", ".join(f"{name} {size / 1e6:,.1f}" for name, size in zip(self._fields, self, strict=True) if size)
        return f"{self.total / 1e6:,.1f} MB: {parts}"


def footprint(executor, n, training, slots, lean):
    """Of a batch of `n`: prediction, or a training step whose optimiser keeps `slots` arrays for each parameter."""
    flat = executor.parameters.flat.nbytes
    weights = flat + sum(array.nbytes for array in executor.buffers.values())
    values = executor.steps(n, training, training and lean).size
    found = Footprint(values, weights, flat if training and not lean else 0, slots * flat if training else 0)
    if found.total > sys.maxsize:
        raise ValueError(f"batch_size={n} with slots={slots} takes {found.total} bytes, more than can be addressed")
    return found
