"""Arrays (..., values) as matrices (rows, values)."""

from collections.abc import Callable, Sequence

from ..kernels.runtime.calls import run_stride, view
from ..typing import Array, Call
from .elementwise import on_copies


def matrix(x: Array) -> Array:
    """(rows, values); a copy only where that must be."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def on_matrices(prepare: Callable[..., Call], inputs: Sequence[Array], outputs: Sequence[Array]) -> Call:
    """The prepared call for views (rows, values) of the arrays, or of copies where rows do not lie at one stride."""

    def of_views(*arrays: Array) -> Call:
        """The same where there are such views."""
        return prepare(*map(seen, arrays))

    if all(map(has_rows, (*inputs, *outputs))):
        return of_views(*inputs, *outputs)
    return on_copies(of_views, inputs, outputs, has_rows)


def has_rows(x: Array) -> bool:
    """Whether the axes but the last are one run, so that there is a view (rows, values)."""
    return x.ndim == 2 or run_stride(x, 0, x.ndim - 1) is not None


def seen(x: Array) -> Array:
    """That view."""
    stride = None if x.ndim == 2 else run_stride(x, 0, x.ndim - 1)
    return x if stride is None else view(x, (x.size // x.shape[-1], x.shape[-1]), (stride, x.strides[-1]))
