"""The sum that has a given gradient: it starts a backward pass without a loss."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..fields import dtype_of
from ..typing import Array, Call, Shape


class Along:
    """L = sum(y * t), whose gradient dL / dy is t, an array of the output's shape; of several outputs, their sum."""

    def target_array(self, y_shape: Any, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of t."""
        if not isinstance(y_shape, dict):
            return y_shape, dtype
        return next(iter(y_shape.values()))[:1], dtype_of({name: s[1:] for name, s in y_shape.items()}, dtype)

    def bind(self, y: Any, targets: Array, value: Array, dy: Any) -> Call:
        """The call that writes L into `value`, and t into `dy` unless that is None."""
        if isinstance(y, dict):
            parts = [np.zeros_like(value) for _ in y]
            pieces = zip(y, parts, strict=True)
            calls = [self.bind(y[name], targets[name], part, dy[name]) for name, part in pieces]
            return partial(total, calls, parts, value)

        def call() -> None:
            """Write both."""
            value[...] = np.vdot(y, targets)
            if dy is not None:
                dy[...] = targets

        return call


def total(calls: Sequence[Call], parts: Sequence[Array], value: Array) -> None:
    """value = the sum of the parts, once the calls have written them."""
    for call in calls:
        call()
    value[...] = sum(parts)
