"""The sum of two arrays, and an activation of it, in one pass."""

from typing import Any

import numpy as np

from ..typing import Array, Call
from . import check
from .call_cache import planned
from .elementwise import agreeing, call, like
from .epilogue import code
from .habits import op


@op
def add(a: Array, b: Array, *, activation: str | None = None, out: Array | None = None) -> Array:
    """The sum of two arrays of one shape.

    y = f(a + b), f the identity, relu or relu6  (He 2016 [46], eq. 1)

    Parameters
    ----------
    a : array of any shape, float32 or float64
    b : array, shape and dtype of `a`
    activation : None, "relu" or "relu6"
    out : array, optional
        Where the result goes; any strides, or the memory of an input.

    Returns
    -------
    y : array, shape and dtype of `a`; in the memory order of `b`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ (nothing is broadcast), another activation, an `out` that does not fit.

    Notes
    -----
    Exact but for one rounding. NaN gives NaN, whatever the activation. He 2016 [46]: the sum of a residual block.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.add(np.array([1.0, 2.0]), np.array([-3.0, 1.0]), activation="relu")
    array([0., 3.])
    """
    code(activation)
    try:
        arrays = agreeing({"a": a, "b": b})
    except (TypeError, ValueError) as error:
        check_broadcast(a, b)
        raise error
    y = like(out, arrays)
    run = add_call(arrays["a"], arrays["b"], y, activation)
    run()
    return planned(check.give(y, out), (y,), run)


def check_broadcast(a: Any, b: Any) -> None:
    """ValueError for a number, or arrays of different shapes that NumPy could add, with the line to write."""
    try:
        arrays = [np.asarray(each) for each in (a, b)]
        np.broadcast_shapes(*(each.shape for each in arrays))
    except ValueError:
        return
    a, b = arrays
    if a.shape != b.shape and a.dtype.kind == "f" and b.dtype.kind in "biuf":
        raise ValueError(f"b must have shape {a.shape} (the shape of a), got {b.shape}; write a + b, which broadcasts")


def add_call(a: Array, b: Array, y: Array, activation: str | None = None) -> Call:
    """y = f(a + b); y may be the memory of a or b."""
    return call(f"add_{activation}" if code(activation) else "add", a, b, y)
