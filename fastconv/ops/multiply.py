"""The product of two arrays, one of which may be repeated, and the gradients of both factors."""

from functools import partial
from typing import Any

import numpy as np

from .. import kernels
from ..kernels.runtime.calls import view
from ..typing import Array, Call, Shape
from . import check
from .call_cache import planned
from .copies import on_copies
from .elementwise import call, like, new_like, of_one_dtype
from .habits import op


@op
def multiply(a: Array, b: Array, *, out: Array | None = None) -> Array:
    """The product of two arrays, element by element; `b` may have one value for each channel, or for each pixel.

    y = a b

    Parameters
    ----------
    a : array of any shape, float32 or float64
    b : array, dtype of `a`
        The shape of `a`; or, for images (N, C, H, W), (N, C, 1, 1), (N, 1, H, W) or (N, 1, 1, 1).
    out : array of the shape of `a`, optional
        Where the result goes; any strides, or the memory of `a`.

    Returns
    -------
    y : array, shape, dtype and memory order of `a`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Other shapes, an `out` that does not fit.

    Notes
    -----
    Exact but for one rounding. Hu 2018 [68]: the scaling of a squeeze-and-excitation block.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.ones((1, 2, 1, 3), "float32")
    >>> fastconv.multiply(x, np.array([2, 5], "float32").reshape(1, 2, 1, 1))[0, :, 0]
    array([[2., 2., 2.],
           [5., 5., 5.]], dtype=float32)
    """
    a, b = factors(a, b)
    y = like(out, {"b": b, "a": a}) if a.shape == b.shape else result_like(out, a, b)
    run = multiply_call(a, b, y)
    run()
    return planned(check.give(y, out), (y,), run)


@op
def multiply_backward(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The gradients of both factors of `multiply`.

    da = dy b
    db = dy a, summed over the axes along which b is repeated

    Parameters
    ----------
    dy : array, shape and dtype of `a`
    a, b : arrays
        As in `multiply`.

    Returns
    -------
    da, db : arrays, shapes of `a` and `b`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Factors that do not fit, a `dy` of another shape.

    Notes
    -----
    Sums join one in double after at most 128 products for each lane. The bits do not depend on the number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dy = np.ones((1, 1, 2, 2))
    >>> da, db = fastconv.multiply_backward(dy, 3 * dy, np.full((1, 1, 1, 1), 2.0))
    >>> da.ravel(), db.ravel()
    (array([2., 2., 2., 2.]), array([12.]))
    """
    a, b = factors(a, b)
    dy = of_one_dtype(a=a, dy=dy)["dy"]
    check.shape_is(dy, "dy", a.shape, "the shape of a")
    da, db = new_like(a), check.empty(b.shape, b.dtype)
    sums, products = sums_call(dy, a, db), multiply_call(dy, b, da)
    sums()
    products()
    return planned((da, db), (da, db), sums, products)


def factors(a: Any, b: Any) -> tuple[Array, Array]:
    """Both factors, checked."""
    a, b = of_one_dtype(a=a, b=b).values()
    if not repeats(a.shape, b.shape):
        ones = " or for images (N, C, 1, 1), (N, 1, H, W), (N, 1, 1, 1)"
        raise ValueError(f"b must have the shape of a, {a.shape},{ones}, got {b.shape}")
    return a, b


def repeats(a: Shape, b: Shape) -> bool:
    """Whether a factor of shape `b` fits one of shape `a`: equal, or repeated along channels or pixels of images."""
    return a == b or (len(a) == len(b) == 4 and b in ((*a[:2], 1, 1), (a[0], 1, *a[2:]), (a[0], 1, 1, 1)))


def result_like(out: Array | None, a: Array, b: Array) -> Array:
    """The result: `out`, which shares no memory with the repeated factor, or a new array."""
    if out is None:
        return new_like(a)
    found = check.output(out, a.shape, a.dtype, elementwise=True, a=a)
    return check.output(found, a.shape, a.dtype, b=b)


def multiply_call(a: Array, b: Array, y: Array) -> Call:
    """y = a b; y may be the memory of a, and that of b if b has the same shape."""
    return call("multiply", a, np.broadcast_to(b, a.shape), y)


def grouped(a: Array, kept: tuple[int, ...], summed: tuple[int, ...]) -> Array | None:
    """An image array (N, C, H, W) as (N, kept, summed), without a copy; None where its strides do not allow it."""
    axes = [one_axis(a, group) for group in (kept, summed)]
    if None in axes:
        return None
    extents, strides = zip(*axes, strict=True)
    return view(a, (len(a), *extents), (a.strides[0], *strides))


def one_axis(a: Array, axes: tuple[int, ...]) -> tuple[int, int] | None:
    """(extent, stride) of neighbouring axes as one; None where they do not follow one another in memory."""
    extent, stride = 1, a.itemsize
    for axis in reversed(axes):
        if a.shape[axis] == 1:
            continue
        if extent == 1:
            stride = a.strides[axis]
        elif a.strides[axis] != stride * extent:
            return None
        extent *= a.shape[axis]
    return extent, stride


def sums_call(dy: Array, a: Array, db: Array) -> Call:
    """db = dy a, summed over the axes along which b is repeated."""
    if db.shape == a.shape:
        return call("multiply", dy, a, db)
    if not a.size:
        return partial(db.fill, 0)
    kept = tuple(i for i in (1, 2, 3) if db.shape[i] == a.shape[i])
    summed = tuple(i for i in (1, 2, 3) if i not in kept)
    first, second, sums = (grouped(each, kept, summed) for each in (dy, a, db))
    if first is None or second is None or sums is None or not has_unit_axis(first, second):
        return on_copies(sums_call, [dy, a], [db])
    return partial(kernels.load(a.dtype).activation.pointwise.sums_of_products, first, second, sums[:, :, 0])


def has_unit_axis(a: Array, b: Array) -> bool:
    """Whether the values along the second or the third axis lie side by side in both."""
    return any(a.strides[axis] == b.strides[axis] == a.itemsize for axis in (1, 2))
