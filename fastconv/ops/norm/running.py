"""What batch norm needs of the running statistics and of its batch."""

from math import prod
from typing import Any

import numpy as np

from ...kernels.runtime.calls import are_apart, overlap
from ...typing import Array, Named, Shape
from ..overlap import overlaps_itself
from .views import per_channel


def running_statistics(
    x: Array, mean: Array | None, var: Array | None, training: bool, **others: Array | None
) -> tuple[Any, Any] | None:
    """The running statistics as the kernel may read and, in training, write them (in no other array's memory)."""
    if (mean is None) != (var is None):
        raise ValueError("running_mean and running_var must both be given or both be None")
    if mean is None and not training:
        raise ValueError("running_mean and running_var must be given unless training=True")
    if training and mean is not None:
        for name, a in (("running_mean", mean), ("running_var", var)):
            if not isinstance(a, np.ndarray):
                raise TypeError(f"{name} must be a numpy.ndarray, for it is updated, got {type(a).__name__}")
            if not a.flags.writeable or overlaps_itself(a):
                raise ValueError(f"{name} must be writable and not overlap itself, for it is updated")
        if not are_apart([mean, var, x, *[a for a in others.values() if a is not None]]):
            share_nothing(mean, var, {"x": x} | others)
    mean, var = per_channel(x, running_mean=mean, running_var=var)
    return None if mean is None else (mean, var)


def share_nothing(mean: Array, var: Any, others: Named) -> None:
    """ValueError where the memory of a running statistic is that of another array (or None)."""
    for name, a, rest in (("running_mean", mean, {"running_var": var}), ("running_var", var, {})):
        for other, b in (rest | others).items():
            if b is not None and overlap(np.asarray(a), np.asarray(b)) and np.shares_memory(a, b):
                raise ValueError(f"{name} must not share memory with {other}, for it is updated")


def more_than_one_value(shape: Shape) -> None:
    """ValueError if a channel of this shape has one value only, whose deviation is 0."""
    if prod(shape[2:]) * shape[0] == 1:
        raise ValueError(
            f"x must have more than one value per channel in training, got shape {tuple(shape)}; "
            "give a batch of two or more"
        )
