"""Clipping of gradients.

Numbers in brackets refer to docs/references.md.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf, sqrt

import numpy as np

from .. import kernels
from ..arguments.signatures import explained
from ..parameters import Arrays
from ..typing import Array
from .arrays import lie_apart, mapping_is, plain, writable
from .base import run
from .settings import number


@explained(
    "clip_gradients", "clip_gradients(gradients, 1.0)", dict.fromkeys(("norm", "clip_value", "value"), "max_norm")
)
def clip_gradients(gradients: Mapping[str, Array], max_norm: float) -> float:
    """Scale gradients so that the norm of all of them together is at most `max_norm` (Pascanu et al. 2013 [40]).

    g <- g min(1, max_norm / (|g| + 1e-6)), |g| = sqrt(sum of the squares of all elements)

    Parameters
    ----------
    gradients : mapping name -> array, float32 or float64
        Changed in place; the arrays must not share memory.
    max_norm : float >= 0
        Infinity for no limit.

    Returns
    -------
    float
        The norm before clipping. If it is infinite or NaN and max_norm is finite, the gradients become 0 or NaN.

    Raises
    ------
    TypeError
        Other dtypes.
    ValueError
        A max_norm below 0 or NaN, a read-only array, arrays that share memory.

    Notes
    -----
    Squares are added in double precision over fixed blocks, so any number of threads gives the same bits.

    Examples
    --------
    >>> import numpy as np
    >>> gradients = {"a": np.array([3.0]), "b": np.array([4.0])}
    >>> clip_gradients(gradients, 1.0)
    5.0
    >>> gradients["a"].round(6)
    array([0.6])
    """
    if isinstance(max_norm, Mapping):
        raise TypeError(
            f"max_norm must be a number, got {type(max_norm).__name__}; the gradients come first: "
            "write clip_gradients(gradients, 1.0)"
        )
    max_norm = number(max_norm, "max_norm")
    mapping_is(gradients, "gradients")
    for name, g in gradients.items():
        writable(name, g, "scaled")
    arrays = [gradients.flat] if isinstance(gradients, Arrays) else lie_apart(gradients)
    vectors = [(g if plain(g) else np.array(g, order="C")).reshape(-1) for g in arrays]
    norm = length(vectors)
    factor = max_norm / (norm + 1e-6)
    if max_norm < inf and not factor >= 1:  # smaller, or NaN
        factors = [sqrt(factor)] * 2 if 0 < factor < 1e-30 else [factor]  # a tiny float32 loses digits
        calls = [partial(kernels.load(v.dtype).optim.updates.scale, v, f) for v in vectors for f in factors]
        back = [partial(np.copyto, g, v.reshape(g.shape)) for g, v in zip(arrays, vectors, strict=True) if not plain(g)]
        run([*calls, *back])
    return norm


def length(vectors: Sequence[Array]) -> float:
    """sqrt(sum of the squares of all elements), also if a square overflows or underflows float64."""
    norm = sqrt(sum(kernels.load(v.dtype).optim.updates.sum_of_squares(v) for v in vectors))
    if 1e-150 < norm < inf or norm != norm:
        return norm
    largest = max((float(np.abs(v).max()) for v in vectors if v.size), default=0.0)
    return largest * length([v / largest for v in vectors]) if 0 < largest < inf else largest
