"""Group norm over groups of channels, with its backward."""

from functools import partial
from typing import Any

from ... import kernels
from ...kernels.runtime.calls import by_set, planes, sets
from ...typing import Array, Call
from .. import check
from ..call_cache import planned
from ..copies import nothing
from ..elementwise import agreeing, like, positive
from ..habits import op
from .views import (
    Form,
    channels,
    fill_zeros,
    formed,
    in_order,
    needed,
    new_result,
    on_near_copies,
    per_channel,
    pixels,
    statistics,
    with_saved,
)


@op
def group_norm(
    x: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    return_saved: bool = False,
    out: Array | None = None,
) -> Any:  # (y, mean, invstd) with return_saved, else y
    """Each group of channels of each sample with mean 0 and variance 1, then scaled and shifted by channel.

    y[n,c,...] = (x[n,c,...] - mean[n,g]) / sqrt(var[n,g] + eps) weight[c] + bias[c], g = floor(c num_groups / C)

    Parameters
    ----------
    x : array (N, C) or (N, C, ...), float32 or float64
    num_groups : int that divides C
        1: one mean for all channels; C: `instance_norm`.
    weight, bias : arrays (C,), dtype of `x`, optional
    eps : float > 0
    return_saved : bool
        Also return mean and inverse deviation, for `group_norm_backward`.
    out : array, optional
        May be `x` itself.

    Returns
    -------
    y : array, shape and dtype of `x`
    mean, invstd : arrays (N, num_groups), only with return_saved

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        Shapes that do not agree, groups that do not divide the channels, an eps not above 0, an `out` that does not
        fit.

    Notes
    -----
    A sample has the same bits alone and in any batch. Error as in `batch_norm`. Wu and He 2018 [23].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=1e-12)
    array([[-1.,  1., -1.,  1.]])
    """
    x = channels(x, "x")
    return normalise(x, groups_of(num_groups, x), weight, bias, eps, return_saved, out)


@op
def group_norm_backward(
    dy: Array, x: Array, mean: Array, invstd: Array, weight: Array | None = None, *, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The gradients of `group_norm`: (dx, dweight, dbias).

    dbias[c] = sum dy;  dweight[c] = sum dy z, z = (x - mean) invstd, over samples and pixels
    dx = invstd (g - mean of g - z (mean of g z)), g = weight dy, the means over the group of the sample

    Parameters
    ----------
    dy : array (N, C) or (N, C, ...), float32 or float64
    x : array, shape and dtype of `dy`
    mean, invstd : arrays (N, num_groups), dtype of `dy`
        What `group_norm` gave with return_saved.
    weight : array (C,), dtype of `dy`, optional
    out : array, optional
        Where dx goes; may be `dy` or `x` itself.

    Returns
    -------
    dx : array, shape and dtype of `dy`
    dweight, dbias : arrays (C,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; no `mean` or `invstd`.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    Error as in `batch_norm`. dx of a sample has the same bits in any batch. Wu and He 2018 [23].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x, dy = np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]])
    >>> dx, dweight, dbias = fastconv.group_norm_backward(dy, x, np.array([[2.0]]), np.array([[1.0]]))
    >>> dx, dweight
    (array([[0., 0.]]), array([-1.,  1.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    dy, x = channels(arrays["dy"], "dy"), arrays["x"]
    (weight,) = per_channel(x, weight=weight)
    mean, invstd = saved_statistics(x, mean, invstd)
    if mean.ndim != 2 or mean.shape[0] != x.shape[0] or not mean.shape[1] or x.shape[1] % mean.shape[1]:
        raise ValueError(
            f"mean must have shape (N, num_groups), num_groups a divisor of the channels of x, which has shape "
            f"{x.shape}, got {mean.shape}"
        )
    return normalise_backward(dy, x, mean, invstd, weight, out)


def normalise(
    x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float, return_saved: bool, out: Array | None
) -> Any:  # (y, mean, invstd) with return_saved, else y
    """`group_norm` of checked groups."""
    eps = positive(eps, "eps")
    weight, bias = per_channel(x, weight=weight, bias=bias)
    y = new_result(x, forms_of(x)) if out is None else like(out, {"weight": weight, "bias": bias, "x": x})
    mean, invstd = statistics(x, (x.shape[0], groups))
    run = group_norm_call(x, y, weight, bias, mean, invstd, eps)
    run()
    saved = (mean, invstd) if check.flag(return_saved, "return_saved") else ()
    return with_saved(check.give(y, out), saved, (y, mean, invstd), run)


def normalise_backward(
    dy: Array, x: Array, mean: Array, invstd: Array, weight: Array | None, out: Array | None
) -> tuple[Array, Array, Array]:
    """`group_norm_backward` of checked arrays."""
    inputs = {"mean": mean, "invstd": invstd, "weight": weight, "dy": dy, "x": x}
    dx = new_result(x, forms_of(x)) if out is None else like(out, inputs)
    extents = x.shape[1:2]
    dweight, dbias = check.empty(extents, x.dtype), check.empty(extents, x.dtype)
    run = group_norm_backward_call(dy, x, dx, weight, mean, invstd, dweight, dbias)
    run()
    return planned((check.give(dx, out), dweight, dbias), (dx, dweight, dbias), run)


def groups_of(num_groups: int, x: Array) -> int:
    """`num_groups`, checked."""
    groups = check.integer(num_groups, "num_groups", 1)
    if x.shape[1] % groups:
        raise ValueError(f"num_groups must divide the channels of x, which has shape {x.shape}, got {groups}")
    return groups


def saved_statistics(x: Array, mean: Array, invstd: Array) -> tuple[Array, Array]:
    """C-ordered arrays of one shape."""
    needed(mean=mean, invstd=invstd)
    mean, invstd = agreeing({"mean": mean, "invstd": invstd}).values()
    check.same_dtype(x=x, mean=mean)
    return in_order(mean), in_order(invstd)


def group_norm_call(
    x: Array, y: Array, weight: Array | None, bias: Array | None, mean: Array, invstd: Array, eps: float
) -> Call:
    """mean and invstd: (N, groups) results."""
    if not x.size:
        return nothing
    form, seen = formed((x, y), forms_of(x))
    if form is None:
        return on_near_copies(
            lambda x, y, mean, invstd: group_norm_call(x, y, weight, bias, mean, invstd, eps), [x], [y], [mean, invstd]
        )
    groups = mean.shape[1]
    rest = ((mean, None, invstd), None, eps, True, 0, True)
    if form is planes:
        operands = [sets(a, groups) for a in (*seen, None)]
        vectors = by_set(weight, 0, groups), by_set(bias, 0, groups)
        return partial(kernels.load(x.dtype).norm.planes.forward, *operands, *vectors, *rest)
    return partial(kernels.load(x.dtype).norm.pixels.forward, *seen, None, weight, bias, *rest)


def group_norm_backward_call(
    dy: Array,
    x: Array,
    dx: Array | None,
    weight: Array | None,
    mean: Array,
    invstd: Array,
    dweight: Array,
    dbias: Array,
) -> Call:
    """dx may be None."""
    if not x.size:
        return partial(fill_zeros, dweight, dbias)
    form, seen = formed((dy, x, dx), forms_of(x))
    if form is None:
        given = (weight, mean, invstd, dweight, dbias)
        return on_near_copies(lambda dy, x, dx: group_norm_backward_call(dy, x, dx, *given), [dy, x], [dx])
    dy, x, dx = seen
    seen, groups = [dy, x, None, dx, None], mean.shape[1]
    rest = ((mean, None, invstd), dweight, dbias, True, 0)
    if form is planes:
        seen = [sets(a, groups) for a in seen]
        vectors = (by_set(weight, 0, groups), None)
        return partial(kernels.load(x.dtype).norm.planes.backward, *seen, *vectors, *rest)
    return partial(kernels.load(x.dtype).norm.pixels.backward, *seen, weight, None, *rest)


def forms_of(x: Array) -> tuple[Form, Form]:
    """The forms of memory, the quicker one first."""
    return (planes, pixels) if x.ndim > 2 else (pixels, planes)
