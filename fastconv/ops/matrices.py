"""Arrays (..., values) as matrices (rows, values)."""

from collections.abc import Callable, Sequence

from ..kernels.runtime.calls import matrices
from ..typing import Array, Call
from .copies import on_copies


def matrix(x: Array) -> Array:
    """(rows, values); a copy only where that must be."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def on_matrices(prepare: Callable[..., Call], inputs: Sequence[Array], outputs: Sequence[Array]) -> Call:
    """The prepared call for views (rows, values) of the arrays, or of copies where rows do not lie at one stride."""
    seen = matrices(*inputs, *outputs)
    if seen is not None:
        return prepare(*seen)
    return on_copies(lambda *arrays: on_matrices(prepare, arrays, ()), inputs, outputs, has_rows)


def has_rows(x: Array) -> bool:
    """Whether the axes but the last are one run, so that there is a view (rows, values)."""
    return matrices(x) is not None
