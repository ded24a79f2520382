"""What batch norm needs of the running statistics and of its batch."""

from collections.abc import Sequence
from math import prod

import numpy as np

from ...kernels.runtime.calls import are_apart, are_writeable_in_order, overlap
from ...typing import Array, Named, Shape
from ..overlap import overlaps_itself


def running_statistics(training: bool, given: Named) -> bool:
    """Whether the kernel updates the running statistics, which then lie in no other array's memory.

    given: all arrays of the call by name, or None; x, which is checked, the running statistics, weight and bias.
    """
    mean, var = given["running_mean"], given["running_var"]
    if (mean is None) != (var is None):
        raise ValueError("running_mean and running_var must both be given or both be None")
    if mean is None and not training:
        raise ValueError("running_mean and running_var must be given unless training=True")
    if training and mean is not None and not (are_writeable_in_order([mean, var]) and are_apart([*given.values()])):
        may_be_written(given)
    return training and mean is not None


def may_be_written(given: Named) -> None:
    """TypeError or ValueError unless the running statistics are arrays that may be written."""
    for name in ("running_mean", "running_var"):
        a = given[name]
        if not isinstance(a, np.ndarray):
            raise TypeError(f"{name} must be a numpy.ndarray, for it is updated, got {type(a).__name__}")
        if not a.flags.writeable or overlaps_itself(a):
            raise ValueError(f"{name} must be writable and not overlap itself, for it is updated")
    for name in ("running_mean", "running_var"):
        a = given[name]
        for other, b in given.items():
            if other != name and b is not None and overlap(a, np.asarray(b)) and np.shares_memory(a, b):
                raise ValueError(f"{name} must not share memory with {other}, for it is updated")


def update(given: Named, running: Sequence[Array]) -> None:
    """Copy what the kernel has written to where it is not yet."""
    mean, var = given["running_mean"], given["running_var"]
    if running[0] is not mean:
        np.copyto(mean, running[0])
    if running[1] is not var:
        np.copyto(var, running[1])


def more_than_one_value(shape: Shape) -> None:
    """ValueError if a channel of this shape has one value only, whose deviation is 0."""
    if prod(shape[2:]) * shape[0] == 1:
        raise ValueError(
            f"x must have more than one value per channel in training, got shape {tuple(shape)}; "
            "give a batch of two or more"
        )
