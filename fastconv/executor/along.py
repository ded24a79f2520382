"""The sum that has a given gradient: it starts a backward pass without a loss."""

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
        several = isinstance(y, dict)
        each = [(y[name], targets[name], dy[name]) for name in y] if several else [(y, targets, dy)]

        def call() -> None:
            """Write both."""
            value[...] = sum(np.vdot(own, t) for own, t, _ in each)
            for _, t, slope in each:
                if slope is not None:
                    slope[...] = t

        return call
