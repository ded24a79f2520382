"""The sum that has a given gradient: it starts a backward pass without a loss."""

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array, Call, Shape


class Along:
    """L = sum(y * t), whose gradient dL / dy is t, an array of the output's shape."""

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of t."""
        return y_shape, dtype

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Call:
        """The call that writes L into `value`, and t into `dy` unless that is None."""

        def call() -> None:
            """Write both."""
            value[...] = np.vdot(y, targets)
            if dy is not None:
                dy[...] = targets

        return call
