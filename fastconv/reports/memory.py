"""The memory of a network, known before anything runs."""

import sys
from typing import NamedTuple

from ..executor import Executor
from .table import Table, html


class Footprint(NamedTuple):
    """Bytes. Kernels take some more memory while they run, at most a few MB per thread."""

    values: int  # outputs, saved arrays and gradients of layers, in one arena
    weights: int  # parameters and buffers
    gradients: int
    optimizer: int  # the optimizer's state, such as momentum

    @property
    def total(self) -> int:
        """The sum of all fields."""
        return sum(self)

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {size / 1e6:,.1f}" for name, size in zip(self._fields, self, strict=True) if size)
        return f"{self.total / 1e6:,.1f} MB: {parts}"

    def table(self) -> Table:
        """One row for each field, in megabytes."""
        rows = [(name, f"{size / 1e6:,.1f}") for name, size in zip(self._fields, self, strict=True)]
        return Table(("memory", "MB"), rows, ("total", f"{self.total / 1e6:,.1f}"))

    def _repr_html_(self) -> str:
        """What notebooks show."""
        return html(self.table(), ())


def footprint(executor: Executor, n: int, training: bool, slots: int, fused_update: bool) -> Footprint:
    """A prediction of `n` images, or a training step whose optimizer keeps `slots` arrays per parameter."""
    flat = executor.parameters.flat.nbytes
    weights = flat + sum(array.nbytes for array in executor.buffers.values())
    values = executor.make_plan(n, training, training and fused_update).size
    found = Footprint(values, weights, flat if training and not fused_update else 0, slots * flat if training else 0)
    if found.total > sys.maxsize:
        raise ValueError(f"batch_size={n} with slots={slots} takes {found.total} bytes, more than can be addressed")
    return found
