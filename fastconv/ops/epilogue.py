"""What a kernel does to a result just before it stores it: y = f(result + residual), f none, relu or relu6.

The kernels take `f` as a number (0 none, 1 max(v, 0), 2 min(max(v, 0), 6)); NaN comes through all of them.
"""

import numpy as np

from ..typing import Array, Shape
from . import check

CODES: dict[str | None, int] = {None: 0, "relu": 1, "relu6": 2}
OTHERS = {  # functions that kernels do not store through
    *("elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "selu", "sigmoid", "silu"),
    *("softmax", "softplus", "tanh"),
}


def code(activation: str | None) -> int:
    """The kernels' number of an activation; ValueError for any other name."""
    if activation is None:
        return 0
    if isinstance(activation, str) and activation in CODES:
        return CODES[activation]
    word = activation.lower() if isinstance(activation, str) else ""
    cure = f"; write activation={word!r}" if word in CODES else ""
    if word in OTHERS:
        cure = f"; write y = fastconv.{word}(y) after it"
    if word in ("linear", "none", "identity"):
        cure = "; leave it out for none"
    raise ValueError(f"activation must be None, 'relu' or 'relu6', got {activation!r}{cure}")


def residual_of(residual: Array | None, batched: bool, shape: Shape) -> Array | None:
    """A checked residual as (N, K, OH, OW); None as it is."""
    if residual is None:
        return None
    residual = check.array(residual, "residual")
    check.shape_is(residual, "residual", shape if batched else shape[1:], "the shape of the result")
    return residual if batched else residual[None]


def finish(values: Array, residual: Array, activation: int, y: Array) -> None:
    """y = f(values + residual), a pass of its own for kernels that cannot store so."""
    with np.errstate(all="ignore"):
        np.add(values, residual, out=y)
        if activation:
            np.maximum(y, 0, out=y)
        if activation == CODES["relu6"]:
            np.minimum(y, 6, out=y)
