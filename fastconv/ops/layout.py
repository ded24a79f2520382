"""Copies between planar and channels-last memory. The shape stays (N, C, H, W); only strides differ."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from .. import kernels
from ..typing import Array, Call, Kernel, Named, Shape
from . import check
from .copies import in_turn, nothing
from .elementwise import views
from .habits import op


@op
def to_channels_last(x: Array) -> Array:
    """`x` with the channels of a pixel side by side in memory.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64

    Returns
    -------
    y : array, shape, dtype and values of `x`
        A new array, or `x` itself if that is how its memory is ordered.

    Raises
    ------
    TypeError
        A dtype other than float32 and float64.
    ValueError
        An array of neither 3 nor 4 dimensions.

    Notes
    -----
    Every function accepts either layout and returns the one it was given. Convolutions with many channels are quickest
    channels-last. An exact copy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.zeros((1, 3, 8, 8), "float32")
    >>> y = fastconv.to_channels_last(x)
    >>> y.shape, y.strides
    ((1, 3, 8, 8), (768, 4, 96, 12))
    """
    return converted(x, (0, 2, 3, 1), check.CHANNELS_LAST)


@op
def to_planar(x: Array) -> Array:
    """`x` with each plane in one piece of memory, row by row: what NumPy calls C-contiguous.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W), float32 or float64

    Returns
    -------
    y : array, shape, dtype and values of `x`
        A new array, or `x` itself if that is how its memory is ordered.

    Raises
    ------
    TypeError
        A dtype other than float32 and float64.
    ValueError
        An array of neither 3 nor 4 dimensions.

    Notes
    -----
    An exact copy, NaN too. `to_channels_last` is its inverse.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = fastconv.to_channels_last(np.zeros((1, 3, 8, 8), "float32"))
    >>> fastconv.to_planar(x).strides
    (768, 256, 32, 4)
    """
    return converted(x, (0, 1, 2, 3), check.PLANAR)


def converted(x: Array, order: Shape, layout: str) -> Array:
    """`x` itself where its axes in this order are C-contiguous, or a copy in this layout."""
    x = check.array(x, "x", (3, 4))
    images: Array = x if x.ndim == 4 else x[None]
    if images.transpose(order).flags.c_contiguous:
        return x
    y = check.empty(images.shape, x.dtype, layout)
    copy_call(images, y)()
    return y if x.ndim == 4 else y[0]


@op
def concatenate(arrays: Iterable[Array], *, out: Array | None = None) -> Array:
    """Images side by side along their channels.

    y[:, C_0 + ... + C_(i-1) + c] = x_i[:, c]

    Parameters
    ----------
    arrays : sequence of arrays (N, C_i, H, W) or (C_i, H, W), float32 or float64
    out : array, optional

    Returns
    -------
    y : array (N, C_0 + C_1 + ..., H, W), in the layout of the first

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        No arrays, ranks, N, H or W that differ, an `out` that does not fit.

    Notes
    -----
    In channels-last memory a slice of the channels is accepted everywhere as `out`: results that are computed into the
    slices of one array need no copy. An exact copy. The joint of GoogLeNet, Szegedy 2015 [45], and DenseNet, Huang 2017
    [47].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.concatenate([np.zeros((2, 3, 4, 4)), np.ones((2, 5, 4, 4))]).shape
    (2, 8, 4, 4)
    """
    if not isinstance(arrays, Iterable) or isinstance(arrays, str | bytes | dict):
        raise TypeError(f"arrays must be a list of arrays, got {check.described(arrays)}; write concatenate([a, b])")
    named = {f"arrays[{i}]": a for i, a in enumerate(arrays)}
    if not named:
        raise ValueError("arrays must hold at least one array, got none")
    images = {name: check.images(a, name) for name, a in named.items()}
    first, (model, batched) = next(iter(images.items()))
    check.same_dtype(**{name: x for name, (x, _) in images.items()})
    for name, (x, has_batch) in images.items():
        wanted = (model.shape[0], x.shape[1], *model.shape[2:])
        if x.shape != wanted or has_batch != batched:
            own, others = (a.shape[0 if b else 1 :] for a, b in ((x, has_batch), (model, batched)))
            raise ValueError(f"{name} must have the N, H and W of {first}, which has shape {others}, got shape {own}")
    parts = [x for x, _ in images.values()]
    shape = (model.shape[0], sum(x.shape[1] for x in parts), *model.shape[2:])
    inputs: Named = {name: x if batched else x[0] for name, (x, _) in images.items()}
    y = check.output(out, shape, model.dtype, check.layout_of(model), batched, **inputs)
    concatenate_call(parts, y)()
    return check.give(y, out, batched)


def concatenate_call(parts: Sequence[Array], y: Array) -> Call:
    ends = np.cumsum([x.shape[1] for x in parts])
    return in_turn([copy_call(x, y[:, e - x.shape[1] : e]) for x, e in zip(parts, ends, strict=True)])


def copy_call(x: Array, y: Array) -> Call:
    """y = x, of one shape, for any rank and any strides."""
    if not y.size:
        return nothing
    copy = copy_kernel(y.dtype)
    if x.ndim == 4:
        return partial(copy, x, y)
    return in_turn([partial(copy, *group) for group in views([x, y])])


def copy_kernel(dtype: DTypeLike) -> Kernel:
    """The kernel copy(x, y) for arrays (N, C, H, W) of this dtype, not bound to any: y = x, for any strides."""
    kernel: Kernel = kernels.load(dtype).layout.copies.copy
    return kernel
