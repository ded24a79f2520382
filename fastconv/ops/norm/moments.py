"""Mean and sum of squares of each channel, for batch norm of a batch that is computed in blocks."""

from functools import partial

import numpy as np

from ... import kernels
from ...kernels.runtime.calls import planes, sets
from ...typing import Array, Call
from ..copies import on_copies
from .batch import forms_of
from .views import formed


def batch_moments_call(x: Array, moments: Array) -> Call:
    """moments (3, C), float64: of each channel the number of values, their mean and the sum of squares around it.

    The variance is rounded to the dtype of x; of a single value it is 0.
    """
    count, (c, dtype) = x.size // x.shape[1], (x.shape[1], x.dtype)
    mean, low, invstd, var = (np.zeros((1, c), dtype) for _ in range(4))
    form, seen = formed((x,), forms_of(x))
    if form is None:
        return on_copies(lambda x: batch_moments_call(x, moments), [x], [])
    rest = ((mean, low, invstd), (np.zeros(c, dtype), var[0], 1.0), 1.0, True, 0, True)
    if form is planes:
        run = partial(kernels.load(dtype).norm.planes.forward, *map(sets, seen), None, None, None, None, *rest)
    else:
        run = partial(kernels.load(dtype).norm.pixels.forward, *seen, None, None, None, None, *rest)

    def measure() -> None:
        """Run the kernel, and undo the division by m - 1."""
        run()
        moments[0], moments[1] = count, mean[0]
        moments[1] += low[0]
        moments[2] = var[0] if count > 1 else 0
        moments[2] *= count - 1

    return measure
