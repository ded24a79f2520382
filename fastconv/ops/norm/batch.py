"""Batch normalisation, and what the normalisations share: the forms of memory that their kernels read.

    planes   (N, C, ...) whose trailing axes are one run with unit stride
    pixels   the channels have unit stride, the other axes are one run of pixels (channels-last memory)

Any other memory is copied when the call runs: to pixels where the channels of the result lie side by side, else to C
order, planes.
"""

from functools import partial
from typing import Any

from ... import kernels
from ...kernels.runtime.calls import by_set, planes, sets
from ...typing import Array, Call
from .. import check, epilogue
from ..call_cache import planned
from ..copies import nothing
from ..elementwise import agreeing, like, positive
from ..habits import op
from .running import more_than_one_value, running_statistics, update
from .views import (
    Form,
    all_pixels,
    channels,
    fill_zeros,
    formed,
    needed,
    new_result,
    on_near_copies,
    per_channel,
    pixels_in,
    statistics,
    with_saved,
)


@op
def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    return_saved: bool = False,
    out: Array | None = None,
) -> Any:  # (y, mean, invstd) with return_saved, else y
    """Each channel with mean 0 and variance 1, then scaled and shifted.

    y[n,c,...] = (x[n,c,...] - mean[c]) / sqrt(var[c] + eps) weight[c] + bias[c]

    In training mean and var are the batch's, var = sum (x - mean)^2 / m over the m values of the channel, and the
    running statistics are updated in place: running = (1 - momentum) running + momentum batch, with the unbiased
    variance sum (x - mean)^2 / (m - 1). Otherwise mean and var are the running statistics.

    Parameters
    ----------
    x : array (N, C) or (N, C, ...), float32 or float64
    running_mean, running_var : arrays (C,), dtype of `x`; or, in training, both None
    weight, bias : arrays (C,), dtype of `x`, optional
    training : bool
    momentum : float from 0 to 1
    eps : float > 0
    return_saved : bool
        Also return the mean and the inverse deviation that were used, for `batch_norm_backward`.
    out : array, optional
        May be `x` itself.

    Returns
    -------
    y : array, shape and dtype of `x`
    mean, invstd : arrays (C,), only with return_saved

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        Shapes that do not agree, a momentum outside 0 ... 1, an eps not above 0, one value per channel in training,
        running statistics that cannot be written, an `out` that does not fit.

    Notes
    -----
    Moments are sums around a mean of nearby values, block by block, merged in double (Chan 1983 [11]): right at mean
    1e4 and deviation 1 in float32, and where squares overflow float32 (deviation 1e30; gradients are right up to 1e20,
    and a running variance beyond the dtype is inf). Error: within 3e-6 (float32) or 2e-14 (float64) times the largest
    value of each result, at least 1, where mean and deviation of x are of order 1. A constant channel gives the bias.
    NaN and infinities stay in their channel. Momentum 0 keeps the running statistics, as an empty batch does; momentum
    1 replaces them, NaN too. Ioffe 2015 [21], alg. 1.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> fastconv.batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True, eps=1e-12)
    array([[-1.],
           [ 1.]])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    x = channels(x, "x")
    training = check.flag(training, "training")
    vectors = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    given = {**vectors, "x": x}
    updated = running_statistics(training, given)
    *running, weight, bias = per_channel(x, **vectors)
    momentum, eps = check.number(momentum, "momentum"), positive(eps, "eps")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
    y = new_result(x, forms_of(x)) if out is None else like(out, given)
    mean, invstd = statistics(x, (1, x.shape[1]))  # as the kernels take them
    both = None if running_mean is None else (running[0], running[1])
    run = batch_norm_call(x, y, weight, bias, both, mean, invstd, momentum, eps, training)
    run()
    if updated:
        update(given, running)
    saved = (mean[0], invstd[0]) if check.flag(return_saved, "return_saved") else ()
    return with_saved(check.give(y, out), saved, (y, mean, invstd), run, writes=updated)


@op
def batch_norm_backward(
    dy: Array,
    x: Array,
    mean: Array,
    invstd: Array,
    weight: Array | None = None,
    training: bool = True,
    *,
    out: Array | None = None,
) -> tuple[Array, Array, Array]:
    """The gradients of `batch_norm`: (dx, dweight, dbias).

    dbias = sum dy;  dweight = sum dy z, z = (x - mean) invstd, over the m values of each channel
    dx = weight invstd (dy - dbias / m - z dweight / m);  not training: dx = weight invstd dy

    Parameters
    ----------
    dy : array (N, C) or (N, C, ...), float32 or float64
    x : array, shape and dtype of `dy`
        The input of `batch_norm`.
    mean, invstd : arrays (C,), dtype of `dy`
        What `batch_norm` gave with return_saved.
    weight : array (C,), dtype of `dy`, optional
    training : bool
        As in `batch_norm`: whether mean and variance came from the batch.
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
    Error as in `batch_norm`. Ioffe 2015 [21], section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x, dy = np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]])
    >>> fastconv.batch_norm_backward(dy, x, np.array([2.0]), np.array([1.0]), training=False)
    (array([[1.],
           [2.]]), array([1.]), array([3.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    dy, x = channels(arrays["dy"], "dy"), arrays["x"]
    training = check.flag(training, "training")
    mean, invstd, weight = per_channel(x, mean=mean, invstd=invstd, weight=weight)
    needed(mean=mean, invstd=invstd)
    inputs = {"mean": mean, "invstd": invstd, "weight": weight, **arrays}
    dx = new_result(x, forms_of(x)) if out is None else like(out, inputs)
    dweight, dbias = check.empty(x.shape[1:2], x.dtype), check.empty(x.shape[1:2], x.dtype)
    run = batch_norm_backward_call(dy, x, dx, weight, mean, invstd, (dweight, dbias), training)
    run()
    return planned((check.give(dx, out), dweight, dbias), (dx, dweight, dbias), run)


def batch_norm_call(
    x: Array,
    y: Array,
    weight: Array | None,
    bias: Array | None,
    running: tuple[Array, Array] | None,
    mean: Array | None,
    invstd: Array | None,
    momentum: float,
    eps: float,
    training: bool,
    activation: str | None = None,
    residual: Array | None = None,
) -> Call:
    """y = activation(norm(x) + residual); running: (mean, variance); mean and invstd: (C,) results, or both None.

    mean and invstd may be (1, C), or mean (2, C): row 1 holds the rounding error of row 0. If it is absent, backward
    cannot see that error, so forward (with an activation, without a residual) leaves it out as well: both then compute
    the same mask from x.
    Training with one value per channel is refused here too.
    """
    if training:
        more_than_one_value(x.shape)
    if not x.size:
        return nothing
    form, seen = formed((x, y, residual), forms_of(x))
    if form is None:
        given = (weight, bias, running, mean, invstd, momentum, eps, training, activation)
        beside = None if training else ()
        return on_near_copies(lambda x, z, y: batch_norm_call(x, y, *given, z), [x, residual], [y], beside)
    exact = (mean is not None and mean.shape[0] == 2 and mean.ndim == 2) or activation is None or residual is not None
    updated = None if running is None else (*running, momentum)
    rest = (saved_rows(mean, invstd), updated, eps, bool(training), epilogue.CODES[activation], exact)
    if form is planes:
        vectors = by_set(weight, x.shape[0]), by_set(bias, x.shape[0])
        return partial(kernels.load(x.dtype).norm.planes.forward, *map(sets, seen), *vectors, *rest)
    return partial(kernels.load(x.dtype).norm.pixels.forward, *seen, weight, bias, *rest)


def batch_norm_recompute_call(
    x: Array,
    y: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    invstd: Array,
    eps: float,
    activation: str | None,
) -> Call:
    """y of a call that gave this mean and invstd, bit for bit (without a residual)."""
    return batch_norm_call(x, y, weight, bias, None, mean, invstd, 0.0, eps, False, activation)


def batch_norm_backward_call(
    dy: Array,
    x: Array,
    dx: Array | None,
    weight: Array | None,
    mean: Array,
    invstd: Array,
    gradients: tuple[Array, Array],
    training: bool,
    activation: str | None = None,
    bias: Array | None = None,
    y: Array | None = None,
    dresidual: Array | None = None,
) -> Call:
    """The gradients of `batch_norm_call`, behind its activation: dz = dy where 0 < y (< 6), else 0.

    gradients: (dweight, dbias). dx may be None, the memory of dy or of x. y None: the mask is made from x (and bias),
    as the forward pass made it without a residual. dresidual, where it is wanted, takes dz; it may be the memory of dy,
    but not that of dx.
    """
    if not x.size:
        return partial(fill_zeros, *gradients)
    y = None if activation is None else y
    form, seen = formed((dy, x, y, dx, dresidual), forms_of(x))
    if form is None:
        given = (weight, mean, invstd, gradients, training, activation, bias)
        return on_near_copies(
            lambda dy, x, y, dx, dz: batch_norm_backward_call(dy, x, dx, *given, y, dz), [dy, x, y], [dx, dresidual]
        )
    rest = (saved_rows(mean, invstd), *gradients, bool(training), epilogue.CODES[activation])
    if form is planes:
        vectors = by_set(weight, x.shape[0]), by_set(bias, x.shape[0])
        return partial(kernels.load(x.dtype).norm.planes.backward, *map(sets, seen), *vectors, *rest)
    return partial(kernels.load(x.dtype).norm.pixels.backward, *seen, weight, bias, *rest)


def forms_of(x: Array) -> tuple[Form, Form]:
    """The forms of memory, the quicker one for such images first."""
    return (planes, all_pixels) if pixels_in(x) > 1 else (all_pixels, planes)


def saved_rows(mean: Array | None, invstd: Any) -> tuple[Array, Array | None, Array] | None:
    """(mean, its rounding error or None, invstd), each as (1, C), or None: what the kernels take."""
    if mean is None:
        return None
    if mean.ndim == 1:
        return mean[None], None, invstd[None]
    return (mean, None, invstd) if len(mean) == 1 else (mean[:1], mean[1:], invstd[None])
