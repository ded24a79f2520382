"""A scale and a shift for each channel: y = f(scale x + shift + residual), by the kernels of batch norm.

They compute y = f((x - mean) invstd scale + shift + residual), here with mean 0 and invstd 1.
"""

import numpy as np

from ...typing import Array, Call
from ..check import empty
from .batch import batch_norm_backward_call, batch_norm_call


def scale_call(
    x: Array,
    y: Array,
    scale: Array,
    shift: Array | None = None,
    activation: str | None = None,
    residual: Array | None = None,
) -> Call:
    """y[n,c,...] = f(scale[c] x[n,c,...] + shift[c] + residual[n,c,...]); y may be the memory of x or of the residual.

    scale and shift: arrays (C,) of the dtype of x; no shift adds 0.
    """
    constants = no_statistics(x)
    return batch_norm_call(x, y, scale, shift, None, *constants, 0.0, 0.0, False, activation, residual)


def scale_backward_scale_call(dy: Array, x: Array, dscale: Array) -> Call:
    """dscale[c] = sum of dy[n,c,...] x[n,c,...] over samples and pixels."""
    unused = empty(dscale.shape, dscale.dtype)  # the gradient of a shift, which the kernels make too
    return batch_norm_backward_call(dy, x, None, None, *no_statistics(x), (dscale, unused), False)


def no_statistics(x: Array) -> tuple[Array, Array]:
    """Mean 0 and inverse deviation 1 of each channel."""
    return np.zeros(x.shape[1], x.dtype), np.ones(x.shape[1], x.dtype)
