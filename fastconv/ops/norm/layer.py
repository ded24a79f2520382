"""Layer norm over the last axes, with its backward."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ... import kernels
from ...kernels.runtime.calls import are_like, rows
from ...typing import Array, Call, Shape
from .. import check
from ..call_cache import planned
from ..copies import nothing, on_copies
from ..elementwise import agreeing, like, positive
from ..habits import op
from .group import saved_statistics
from .views import fill_zeros, formed, in_order, new_result, statistics, with_saved


@op
def layer_norm(
    x: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    return_saved: bool = False,
    out: Array | None = None,
) -> Any:  # (y, mean, invstd) with return_saved, else y
    """The last axes with mean 0 and variance 1, then scaled and shifted element by element.

    y = (x - mean) / sqrt(var + eps) weight + bias, mean and var over the axes of normalized_shape

    Parameters
    ----------
    x : array (..., *normalized_shape), float32 or float64
    normalized_shape : int or tuple of ints
        The extents of the last axes of `x`.
    weight, bias : arrays of shape normalized_shape, dtype of `x`, optional
    eps : float > 0
    return_saved : bool
        Also return mean and inverse deviation, for `layer_norm_backward`.
    out : array, optional
        May be `x` itself.

    Returns
    -------
    y : array, shape and dtype of `x`
    mean, invstd : arrays of the shape of the other axes of `x`, only with return_saved

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        Shapes that do not agree, an eps not above 0, an `out` that does not fit.

    Notes
    -----
    A sample has the same bits alone and in any batch. Error as in `batch_norm`. Ba, Kiros and Hinton 2016 [22], eqs. 3
    and 4.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.layer_norm(np.array([[1.0, 3.0], [20.0, 10.0]]), 2, eps=1e-12)
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    x = check.array(x, "x")
    extents: Any = (normalized_shape,) if hasattr(normalized_shape, "__index__") else normalized_shape
    if not isinstance(extents, tuple | list):
        raise TypeError(f"normalized_shape must be an integer or a tuple of integers, got {normalized_shape!r}")
    shape = tuple([check.integer(extent, "normalized_shape", 1) for extent in extents])
    if not shape or x.shape[x.ndim - len(shape) :] != shape or len(shape) > x.ndim:
        raise ValueError(f"normalized_shape must be the extents of the last axes of x, {x.shape}, got {shape}")
    weight, bias = per_element(x, shape, weight=weight, bias=bias)
    eps = positive(eps, "eps")
    rows_of_x = x.shape[: x.ndim - len(shape)]
    form = partial(rows, count=len(rows_of_x))
    y = new_result(x, (form,)) if out is None else like(out, {"weight": weight, "bias": bias, "x": x})
    mean, invstd = statistics(x, rows_of_x)
    run = layer_norm_call(x, y, weight, bias, mean, invstd, eps)
    run()
    saved = (mean, invstd) if check.flag(return_saved, "return_saved") else ()
    return with_saved(check.give(y, out), saved, (y, mean, invstd), run)


@op
def layer_norm_backward(
    dy: Array, x: Array, mean: Array, invstd: Array, weight: Array | None = None, *, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The gradients of `layer_norm`: (dx, dweight, dbias).

    dbias = sum dy;  dweight = sum dy z, z = (x - mean) invstd, over the axes that are not normalised
    dx = invstd (g - mean of g - z (mean of g z)), g = weight dy

    Parameters
    ----------
    dy : array, float32 or float64
    x : array, shape and dtype of `dy`
    mean, invstd : arrays of the shape of the axes that are not normalised, dtype of `dy`
        What `layer_norm` gave with return_saved.
    weight : array of the shape of the normalised axes, dtype of `dy`, optional
    out : array, optional
        Where dx goes; may be `dy` or `x` itself.

    Returns
    -------
    dx : array, shape and dtype of `dy`
    dweight, dbias : arrays of the shape of the normalised axes

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; no `mean` or `invstd`.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    Error as in `batch_norm`. dx of a sample has the same bits in any batch. Ba, Kiros and Hinton 2016 [22].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x, dy = np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]])
    >>> dx, dweight, dbias = fastconv.layer_norm_backward(dy, x, np.array([2.0]), np.array([1.0]))
    >>> dx, dweight
    (array([[0., 0.]]), array([-1.,  1.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    dy, x = arrays.values()
    mean, invstd = saved_statistics(x, mean, invstd)
    outer = mean.ndim
    if outer >= x.ndim or mean.shape != x.shape[:outer]:
        raise ValueError(f"mean must have the shape of the first axes of x, {x.shape}, got {mean.shape}")
    extents = x.shape[outer:]
    (weight,) = per_element(x, extents, weight=weight)
    inputs = {"mean": mean, "invstd": invstd, "weight": weight, **arrays}
    dx = new_result(x, (partial(rows, count=outer),)) if out is None else like(out, inputs)
    dweight, dbias = check.empty(extents, x.dtype), check.empty(extents, x.dtype)
    run = layer_norm_backward_call(dy, x, dx, weight, mean, invstd, dweight, dbias)
    run()
    return planned((check.give(dx, out), dweight, dbias), (dx, dweight, dbias), run)


def per_element(x: Array, shape: Shape, **arrays: Any) -> list[Any]:
    """C-ordered arrays (or None) of this shape and the dtype of `x`."""
    if not are_like(arrays, x, shape):
        arrays = {name: None if a is None else check.array(a, name) for name, a in arrays.items()}
        check.same_dtype(x=x, **arrays)
        for name, a in arrays.items():
            if a is not None:
                check.shape_is(a, name, shape, f"the normalised axes of x, which has shape {x.shape}")
    return [None if a is None else in_order(a) for a in arrays.values()]


def flat(a: Array | None) -> Any:
    """`a`, C-ordered, with one axis; None stays."""
    return a if a is None or a.ndim == 1 else a.reshape(-1)


def layer_norm_call(
    x: Array, y: Array, weight: Array | None, bias: Array | None, mean: Array, invstd: Array, eps: float
) -> Call:
    """All but x and y are C-ordered."""
    if not x.size:
        return nothing
    form, seen = formed((x, y), (partial(rows, count=mean.ndim),))
    if form is None:
        sets = [mean, invstd] if mean.ndim else None  # None: all of x is one
        return on_copies(
            lambda x, y, m=mean, r=invstd: layer_norm_call(x, y, weight, bias, m, r, eps),
            [x],
            [y],
            beside=sets,
            in_place=True,
        )
    vectors = map(flat, (weight, bias, mean, invstd))
    return partial(kernels.load(x.dtype).norm.rows.forward, *seen, *vectors, eps)


def layer_norm_backward_call(
    dy: Array,
    x: Array,
    dx: Array | None,
    weight: Array | None,
    mean: Array,
    invstd: Array,
    dweight: Array,
    dbias: Array,
) -> Call:
    """All but dy, x and dx (which may be None) are C-ordered."""
    if not x.size:
        return partial(fill_zeros, dweight, dbias)
    form, seen = formed((dy, x, dx), (partial(rows, count=mean.ndim),))
    if form is None:
        rest = (weight, mean, invstd, dweight, dbias)
        return on_copies(lambda dy, x, dx: layer_norm_backward_call(dy, x, dx, *rest), [dy, x], [dx], in_place=True)
    vectors = map(flat, (weight, mean, invstd, dweight, dbias))
    return partial(kernels.load(x.dtype).norm.rows.backward, *seen, *vectors)
