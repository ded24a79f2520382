"""The product of matrices, one for each image and head, and the gradients of both factors."""

from functools import partial
from typing import Any

from .. import kernels
from ..kernels.runtime.calls import in_four_axes
from ..typing import Array, Call, Shape
from . import check
from .call_cache import planned
from .copies import nothing, on_copies
from .elementwise import of_one_dtype
from .habits import op

MOST_AXES = 4


@op
def matmul(a: Array, b: Array, *, out: Array | None = None) -> Array:
    """The product of the matrices of the last two axes, one by one along the axes before them.

    y[..., m, n] = sum_k a[..., m, k] b[..., k, n]

    Parameters
    ----------
    a : array (M, K), (N, M, K) or (N, heads, M, K), float32 or float64
    b : array (K, N) with the same axes before it, dtype of `a`
    out : array (..., M, N), optional
        Where the result goes.

    Returns
    -------
    y : array (..., M, N)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    Error: within 8 eps K sum |a| |b|. The K terms of a sum are added one after the other, so the bits depend neither on
    the number of threads nor on the other matrices. A matrix that is the same for all rows is `linear`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    a, b = factors(a, b)
    y = check.output(out, (*a.shape[:-1], b.shape[-1]), a.dtype, a=a, b=b)
    run = matmul_call(a, b, y)
    run()
    return planned(check.give(y, out), (y,), run)


@op
def matmul_backward(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The gradients of both factors of `matmul`.

    da = dy b^T
    db = a^T dy

    Parameters
    ----------
    dy : array (..., M, N), dtype of `a`
    a, b : arrays
        As in `matmul`.

    Returns
    -------
    da, db : arrays, shapes of `a` and `b`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree.

    Notes
    -----
    Error: within 8 eps N sum |dy| |b|, and 8 eps M sum |a| |dy|.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> da, db = fastconv.matmul_backward(np.ones((1, 1)), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    >>> da, db.T
    (array([[3., 4.]]), array([[1., 2.]]))
    """
    a, b = factors(a, b)
    dy = of_one_dtype(a=a, dy=dy)["dy"]
    check.shape_is(dy, "dy", (*a.shape[:-1], b.shape[-1]), "the shape of the product")
    da, db = check.empty(a.shape, a.dtype), check.empty(b.shape, b.dtype)
    first, second = matmul_call(dy, transposed(b), da), matmul_call(transposed(a), dy, db)
    first()
    second()
    return planned((da, db), (da, db), first, second)


def factors(a: Any, b: Any) -> tuple[Array, Array]:
    """Both factors, checked."""
    a, b = of_one_dtype(a=a, b=b).values()
    if not agree(a.shape, b.shape) or not 2 <= a.ndim <= MOST_AXES:
        rule = "a and b must be matrices (..., M, K) and (..., K, N) with the same 0, 1 or 2 axes before them"
        raise ValueError(f"{rule}, got {a.shape} and {b.shape}")
    return a, b


def agree(a: Shape, b: Shape) -> bool:
    """Whether there are products of matrices of these shapes, with at least one term each."""
    return len(a) == len(b) >= 2 and a[:-2] == b[:-2] and a[-1] == b[-2] > 0


def transposed(a: Array) -> Array:
    """A view with the last two axes exchanged."""
    return a.swapaxes(-1, -2)


def matmul_call(a: Array, b: Array, y: Array) -> Call:
    """y = a b; y shares no memory with a and b."""
    if not y.size:
        return nothing
    if y.strides[-1] != y.itemsize and y.shape[-1] > 1:
        return on_copies(lambda y: matmul_call(a, b, y), [], [y])
    return partial(kernels.load(y.dtype).dense.linear.matmul, *map(in_four_axes, (a, b, y)))
