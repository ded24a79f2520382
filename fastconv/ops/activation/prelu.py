"""PReLU: a rectifier whose slope below 0 is learned."""

from functools import partial

from ... import kernels
from ...kernels.runtime.calls import view
from ...typing import Array, Call, Shape
from .. import check
from ..call_cache import planned
from ..copies import on_copies
from ..elementwise import agreeing, call, like, new_like, views
from ..habits import op

MAX_SUMS = 4096  # a single weight is summed over each channel first, unless there are more of them


@op
def prelu(x: Array, weight: Array, *, out: Array | None = None) -> Array:
    """The identity, with another, learned slope below zero.

    y[n,c,...] = x where x > 0, else weight[c] x (0 where the weight is 0, for x = -inf too)

    Parameters
    ----------
    x : array (N, C, ...) or of any shape, float32 or float64
    weight : array (C,), or of one element for all channels; dtype of `x`
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        A `weight` that has neither one element nor one for each index of the second axis, an `out` that does not fit.

    Notes
    -----
    Exact but for one rounding; NaN gives NaN. He 2015 [15].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.prelu(np.array([[-1.0, -1.0]]), np.array([0.5, 0.25]))
    array([[-0.5 , -0.25]])
    """
    x, weight = channel_weight(x, weight)
    y = like(out, {"weight": weight, "x": x})
    run = prelu_call(x, weight, y)
    run()
    return planned(check.give(y, out), (y,), run)


@op
def prelu_backward(dy: Array, x: Array, weight: Array, *, out: Array | None = None) -> tuple[Array, Array]:
    """The gradients of `prelu`: (dx, dweight).

    dx = dy where x > 0, else weight[c] dy;  dweight[c] = sum over n and pixels of dy x where x <= 0

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    weight : array (C,), or of one element; dtype of `dy`
    out : array, optional
        Where dx goes.

    Returns
    -------
    dx : array, shape and dtype of `dy`
    dweight : array, shape and dtype of `weight`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that differ, a `weight` that has neither one element nor one for each index of the second axis, an `out`
        that does not fit.

    Notes
    -----
    The slope is the weight at the kink, x = 0, and where x is NaN, which makes dweight of its channel NaN. The sums of
    dweight are joined in double, in a fixed order. He 2015 [15].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.prelu_backward(np.ones((1, 2)), np.array([[-3.0, 2.0]]), np.array([0.5, 0.25]))
    (array([[0.5, 1. ]]), array([-3.,  0.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    x, weight = channel_weight(arrays["x"], weight)
    dx = new_like(x) if out is None else like(out, {"weight": weight, **arrays})
    dweight = check.empty(weight.shape, weight.dtype)
    calls = prelu_backward_weight_call(arrays["dy"], x, dweight), prelu_backward_call(arrays["dy"], x, weight, dx)
    for run in calls:
        run()
    return planned((check.give(dx, out), dweight), (dx, dweight), *calls)


def channel_weight(x: Array, weight: Array) -> tuple[Array, Array]:
    """x and the weight of its channels, checked."""
    x, weight = check.array(x, "x"), check.array(weight, "weight", (0, 1))
    check.same_dtype(x=x, weight=weight)
    if weight.size != 1 and (x.ndim < 2 or weight.size != x.shape[1]):
        rule = f"one for each index of the second axis of x, which has shape {x.shape}"
        raise ValueError(f"weight must have one element, or {rule}, got shape {weight.shape}")
    return x, weight


def prelu_call(x: Array, weight: Array, y: Array) -> Call:
    return call("prelu", x, over_channels(weight, x.shape), y)


def prelu_backward_call(dy: Array, x: Array, weight: Array, dx: Array) -> Call:
    return call("prelu_backward", dy, x, over_channels(weight, x.shape), dx)


def prelu_backward_weight_call(dy: Array, x: Array, dweight: Array) -> Call:
    if x.ndim < 2 or (dweight.size == 1 and x.shape[1] > MAX_SUMS):
        groups = views([dy[..., None], x[..., None]], axis=-1)  # one sum of all
    else:
        groups = views([dy, x], axis=1)
    if len(groups) > 1:
        return on_copies(prelu_backward_weight_call, [dy, x], [dweight])
    sums = dweight if dweight.ndim == 1 else dweight.reshape(-1)
    return partial(kernels.load(x.dtype).activation.pointwise.prelu_backward_weight, *groups[0], sums)


def over_channels(weight: Array, shape: Shape) -> Array:
    """The weight of every element, without memory."""
    strides = [0] * len(shape)
    if weight.size != 1:
        strides[1] = weight.strides[0]
    return view(weight, shape, tuple(strides))
