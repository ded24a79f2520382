"""Activations, softmax and log-softmax, each with its backward, on arrays of any rank and any strides.

Each has two halves: the public function checks, takes or makes the result, and runs a prepared call; the `_call` makes
that prepared call from checked arrays. Networks use the `_call` alone.

The result has the memory order of `x`. `out` may be the memory of an input: then the function works in place. The bits
of a value depend neither on where it stands, nor on the memory layout, nor on the number of threads. NaN gives NaN,
an infinity its limit.
"""

from functools import partial

import numpy as np

from .. import kernels
from . import check
from .elementwise import agreeing, apply, apply_along, call, like, positive, views

MAX_SUMS = 4096  # a single weight is summed over each channel first, unless there are more of them


def sigmoid(x, *, out=None):
    """The logistic function.

    y = 1 / (1 + exp(-x))  (Zhang 2016, eq. 4)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional
        Where the result goes; any strides, or the memory of an input.

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError
        Other dtypes, dtypes that differ.
    ValueError
        Shapes that differ, an `out` that does not fit.

    Notes
    -----
    Within 2.5 ulp, down to the smallest results.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.sigmoid(np.array([-1.0, 0.0, 100.0]))
    array([0.26894142, 0.5       , 1.        ])
    """
    return apply(sigmoid_call, out, x=x)


def sigmoid_backward(dy, x=None, *, y=None, out=None):
    """The gradient of `sigmoid` with respect to its input.

    dx = dy y (1 - y)  (Zhang 2016, eqs. 17 and 37)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.sigmoid_backward(np.ones(2), y=np.array([0.5, 1.0]))
    array([0.25, 0.  ])
    """
    y = sigmoid(x) if y is None else y
    return apply(sigmoid_backward_call, out, dy=dy, y=y)


def tanh(x, *, out=None):
    """The hyperbolic tangent.

    y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Notes
    -----
    Within 3 ulp, near 0 too.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.tanh(np.array([-1.0, 0.0, 1e-9]))
    array([-7.61594156e-01,  0.00000000e+00,  1.00000000e-09])
    """
    return apply(tanh_call, out, x=x)


def tanh_backward(dy, x=None, *, y=None, out=None):
    """The gradient of `tanh` with respect to its input.

    dx = dy (1 - y^2)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.tanh_backward(np.ones(2), y=np.array([0.5, 1.0]))
    array([0.75, 0.  ])
    """
    y = tanh(x) if y is None else y
    return apply(tanh_backward_call, out, dy=dy, y=y)


def relu(x, *, out=None):
    """The positive part.

    y = max(x, 0)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return apply(relu_call, out, x=x)


def relu_backward(dy, x=None, *, y=None, out=None):
    """The gradient of `relu` with respect to its input.

    dx = dy where y > 0, else 0

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0., 1.])
    """
    y = relu(x) if y is None else y
    return apply(relu_backward_call, out, dy=dy, y=y)


def leaky_relu(x, negative_slope=0.01, *, out=None):
    """The identity, with another slope below zero.

    y = x where x > 0, else negative_slope x

    Parameters
    ----------
    x : array of any shape, float32 or float64
    negative_slope : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.leaky_relu(np.array([-1.0, 2.0]), 0.1)
    array([-0.1,  2. ])
    """
    return apply(leaky_relu_call, out, check.number(negative_slope, "negative_slope"), x=x)


def leaky_relu_backward(dy, x, negative_slope=0.01, *, out=None):
    """The gradient of `leaky_relu` with respect to its input.

    dx = dy where x > 0, else negative_slope dy

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    negative_slope : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.leaky_relu_backward(np.ones(2), np.array([-1.0, 2.0]), 0.1)
    array([0.1, 1. ])
    """
    return apply(leaky_relu_backward_call, out, check.number(negative_slope, "negative_slope"), dy=dy, x=x)


def prelu(x, weight, *, out=None):
    """The identity, with another, learned slope below zero.

    y[n,c,...] = x where x > 0, else weight[c] x

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
    TypeError, ValueError
        As `sigmoid`; a weight that is neither one number nor one for each index of the second axis.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.prelu(np.array([[-1.0, -1.0]]), np.array([0.5, 0.25]))
    array([[-0.5 , -0.25]])
    """
    x, weight = channel_weight(x, weight)
    y = like(out, {"weight": weight, "x": x})
    prelu_call(x, weight, y)()
    return check.give(y, out)


def prelu_backward(dy, x, weight, *, out=None):
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
    TypeError, ValueError
        As `prelu`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.prelu_backward(np.ones((1, 2)), np.array([[-3.0, 2.0]]), np.array([0.5, 0.25]))
    (array([[0.5, 1. ]]), array([-3.,  0.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    x, weight = channel_weight(arrays["x"], weight)
    dx = like(out, {"weight": weight, **arrays})
    dweight = np.empty_like(weight, order="C", subok=False)
    prelu_backward_weight_call(arrays["dy"], x, dweight)()
    prelu_backward_call(arrays["dy"], x, weight, dx)()
    return check.give(dx, out), dweight


def channel_weight(x, weight):
    """x and the weight of its channels, checked."""
    x, weight = check.array(x, "x"), check.array(weight, "weight", (0, 1))
    check.same_dtype(x=x, weight=weight)
    if weight.size != 1 and (x.ndim < 2 or weight.size != x.shape[1]):
        raise ValueError(
            f"weight must have one element, or one for each index of the second axis of x, which has shape {x.shape}, "
            f"got shape {weight.shape}"
        )
    return x, weight


def relu6(x, *, out=None):
    """The positive part, at most 6.

    y = min(max(x, 0), 6)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu6(np.array([-1.0, 2.0, 7.0]))
    array([0., 2., 6.])
    """
    return apply(relu6_call, out, x=x)


def relu6_backward(dy, x, *, out=None):
    """The gradient of `relu6` with respect to its input.

    dx = dy where 0 < x < 6, else 0

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.relu6_backward(np.ones(3), np.array([-1.0, 2.0, 7.0]))
    array([0., 1., 0.])
    """
    return apply(relu6_backward_call, out, dy=dy, x=x)


def elu(x, alpha=1.0, *, out=None):
    """The exponential linear unit.

    y = x where x > 0, else alpha (exp(x) - 1)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    alpha : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.elu(np.array([-1.0, 2.0]))
    array([-0.63212056,  2.        ])
    """
    return apply(elu_call, out, check.number(alpha, "alpha"), x=x)


def elu_backward(dy, x, alpha=1.0, *, out=None):
    """The gradient of `elu` with respect to its input.

    dx = dy where x > 0, else dy alpha exp(x)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    alpha : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.elu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.36787944, 1.        ])
    """
    return apply(elu_backward_call, out, check.number(alpha, "alpha"), dy=dy, x=x)


def gelu(x, approximate="none", *, out=None):
    """The Gaussian error linear unit.

    y = x P(X < x) of the standard normal X; "tanh": y = x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    approximate : "none" or "tanh"
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; another `approximate`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.gelu(np.array([-1.0, 2.0]))
    array([-0.15865525,  1.95449974])
    """
    check.choice(approximate, "approximate", ("none", "tanh"))
    return apply(gelu_call, out, approximate, x=x)


def gelu_backward(dy, x, approximate="none", *, out=None):
    """The gradient of `gelu` with respect to its input.

    dx = dy (P(X < x) + x p(x)), p the density; "tanh": dx = dy (s + x s (1 - s) du/dx), s = sigmoid(u)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    approximate : "none" or "tanh"
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.gelu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([-0.08331547,  1.0852318 ])
    """
    check.choice(approximate, "approximate", ("none", "tanh"))
    return apply(gelu_backward_call, out, approximate, dy=dy, x=x)


def silu(x, *, out=None):
    """The sigmoid linear unit, also called swish.

    y = x sigmoid(x)

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.silu(np.array([-1.0, 2.0]))
    array([-0.26894142,  1.76159416])
    """
    return apply(silu_call, out, x=x)


def silu_backward(dy, x, *, out=None):
    """The gradient of `silu` with respect to its input.

    dx = dy s (1 + x (1 - s)), s = sigmoid(x)

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.silu_backward(np.ones(2), np.array([-1.0, 2.0]))
    array([0.07232949, 1.09078425])
    """
    return apply(silu_backward_call, out, dy=dy, x=x)


def hardsigmoid(x, *, out=None):
    """A sigmoid of three straight pieces.

    y = min(max(x + 3, 0), 6) / 6

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardsigmoid(np.array([-1.5, 4.0]))
    array([0.25, 1.  ])
    """
    return apply(hardsigmoid_call, out, x=x)


def hardsigmoid_backward(dy, x, *, out=None):
    """The gradient of `hardsigmoid` with respect to its input.

    dx = dy / 6 where -3 < x < 3, else 0

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardsigmoid_backward(np.full(2, 6.0), np.array([-1.5, 4.0]))
    array([1., 0.])
    """
    return apply(hardsigmoid_backward_call, out, dy=dy, x=x)


def hardswish(x, *, out=None):
    """x times its hard sigmoid.

    y = x min(max(x + 3, 0), 6) / 6

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardswish(np.array([-1.5, 4.0]))
    array([-0.375,  4.   ])
    """
    return apply(hardswish_call, out, x=x)


def hardswish_backward(dy, x, *, out=None):
    """The gradient of `hardswish` with respect to its input.

    dx = dy (x / 3 + 1/2) where -3 < x < 3; 0 below, dy above

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.hardswish_backward(np.ones(2), np.array([-1.5, 4.0]))
    array([0., 1.])
    """
    return apply(hardswish_backward_call, out, dy=dy, x=x)


def softplus(x, beta=1.0, threshold=20.0, *, out=None):
    """A smooth positive part.

    y = log(1 + exp(beta x)) / beta, and x where beta x > threshold

    Parameters
    ----------
    x : array of any shape, float32 or float64
    beta : float > 0
    threshold : float
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; beta not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softplus(np.array([-1.0, 0.0, 30.0]))
    array([ 0.31326169,  0.69314718, 30.        ])
    """
    t = check.number(threshold, "threshold")
    return apply(softplus_call, out, positive(beta, "beta"), t, x=x)


def softplus_backward(dy, x, beta=1.0, threshold=20.0, *, out=None):
    """The gradient of `softplus` with respect to its input.

    dx = dy sigmoid(beta x), and dy where beta x > threshold

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
    beta : float > 0
    threshold : float
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softplus_backward(np.ones(2), np.array([0.0, 30.0]))
    array([0.5, 1. ])
    """
    t = check.number(threshold, "threshold")
    return apply(softplus_backward_call, out, positive(beta, "beta"), t, dy=dy, x=x)


def softmax(x, axis=-1, *, out=None):
    """Exponentials that sum to 1 along an axis.

    y[k] = exp(x[k] - m) / sum_j exp(x[j] - m), m = max_j x[j]

    Parameters
    ----------
    x : array of one dimension or more, float32 or float64
    axis : int
        The axis over which the values sum to 1.
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; an axis that `x` has not.

    Notes
    -----
    A row of -inf alone, or one that holds NaN or +inf, gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return apply_along(softmax_call, out, axis, x=x)


def softmax_backward(dy, x=None, axis=-1, *, y=None, out=None):
    """The gradient of `softmax` with respect to its input.

    dx[k] = y[k] (dy[k] - sum_j dy[j] y[j])

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    axis : int
        The axis over which the values sum to 1.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; an axis that `dy` has not.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    y = softmax(x, axis) if y is None else y
    return apply_along(softmax_backward_call, out, axis, dy=dy, y=y)


def log_softmax(x, axis=-1, *, out=None):
    """The logarithm of `softmax`, right where that is too small to see.

    y[k] = x[k] - m - log sum_j exp(x[j] - m), m = max_j x[j]

    Parameters
    ----------
    x : array of one dimension or more, float32 or float64
    axis : int
        The axis over which the values sum to 1.
    out : array, optional

    Returns
    -------
    y : array, shape and dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; an axis that `x` has not.

    Notes
    -----
    A row of -inf alone, or one that holds NaN or +inf, gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    return apply_along(log_softmax_call, out, axis, x=x)


def log_softmax_backward(dy, x=None, axis=-1, *, y=None, out=None):
    """The gradient of `log_softmax` with respect to its input.

    dx[k] = dy[k] - exp(y[k]) sum_j dy[j]

    Parameters
    ----------
    dy : array of any shape, float32 or float64
    x : array, shape and dtype of `dy`
        The input; not read where `y` is given.
    y : array, shape and dtype of `dy`, optional
        The output, to spare its recomputation.
    axis : int
        The axis over which the values sum to 1.
    out : array, optional

    Returns
    -------
    dx : array, shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `sigmoid`; an axis that `dy` has not.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    y = log_softmax(x, axis) if y is None else y
    return apply_along(log_softmax_backward_call, out, axis, dy=dy, y=y)


# ---------------------------------------------------------------- prepared calls


def sigmoid_call(x, y):
    return call("sigmoid", x, y)


def sigmoid_backward_call(dy, y, dx):
    return call("sigmoid_backward", dy, y, dx)


def tanh_call(x, y):
    return call("tanh", x, y)


def tanh_backward_call(dy, y, dx):
    return call("tanh_backward", dy, y, dx)


def relu_call(x, y):
    return call("relu", x, y)


def relu_backward_call(dy, y, dx):
    return call("relu_backward", dy, y, dx)


def leaky_relu_call(x, y, negative_slope):
    return call("leaky_relu", x, y, numbers=(negative_slope,))


def leaky_relu_backward_call(dy, x, dx, negative_slope):
    return call("leaky_relu_backward", dy, x, dx, numbers=(negative_slope,))


def prelu_call(x, weight, y):
    return call("prelu", x, over_channels(weight, x.shape), y)


def prelu_backward_call(dy, x, weight, dx):
    return call("prelu_backward", dy, x, over_channels(weight, x.shape), dx)


def prelu_backward_weight_call(dy, x, dweight):
    if x.ndim < 2 or (dweight.size == 1 and x.shape[1] > MAX_SUMS):
        groups = views([dy[..., None], x[..., None]], axis=-1)  # one sum of all
    else:
        groups = views([dy, x], axis=1)
    if len(groups) > 1:
        return partial(prelu_weight_of_copies, dy, x, dweight)
    return partial(kernels.load(x.dtype).activation.prelu_backward_weight, *groups[0], dweight.reshape(-1))


def prelu_weight_of_copies(dy, x, dweight):
    """For more than four axes of unlike strides."""
    prelu_backward_weight_call(np.array(dy, order="C"), np.array(x, order="C"), dweight)()


def over_channels(weight, shape):
    """The weight of every element, without memory."""
    if weight.size != 1:
        weight = weight.reshape(-1, *(1,) * (len(shape) - 2))
    return np.broadcast_to(weight.reshape(()) if weight.size == 1 else weight, shape)


def relu6_call(x, y):
    return call("relu6", x, y)


def relu6_backward_call(dy, x, dx):
    return call("relu6_backward", dy, x, dx)


def elu_call(x, y, alpha):
    return call("elu", x, y, numbers=(alpha,))


def elu_backward_call(dy, x, dx, alpha):
    return call("elu_backward", dy, x, dx, numbers=(alpha,))


def silu_call(x, y):
    return call("silu", x, y)


def silu_backward_call(dy, x, dx):
    return call("silu_backward", dy, x, dx)


def hardsigmoid_call(x, y):
    return call("hardsigmoid", x, y)


def hardsigmoid_backward_call(dy, x, dx):
    return call("hardsigmoid_backward", dy, x, dx)


def hardswish_call(x, y):
    return call("hardswish", x, y)


def hardswish_backward_call(dy, x, dx):
    return call("hardswish_backward", dy, x, dx)


def softplus_call(x, y, beta, threshold):
    return call("softplus", x, y, numbers=(beta, threshold))


def softplus_backward_call(dy, x, dx, beta, threshold):
    return call("softplus_backward", dy, x, dx, numbers=(beta, threshold))


def gelu_call(x, y, approximate="none"):
    return call("gelu_tanh" if approximate == "tanh" else "gelu", x, y)


def gelu_backward_call(dy, x, dx, approximate="none"):
    return call("gelu_tanh_backward" if approximate == "tanh" else "gelu_backward", dy, x, dx)


def softmax_call(x, y, axis):
    return call("softmax", x, y, axis=axis)


def softmax_backward_call(dy, y, dx, axis):
    return call("softmax_backward", dy, y, dx, axis=axis)


def log_softmax_call(x, y, axis):
    return call("log_softmax", x, y, axis=axis)


def log_softmax_backward_call(dy, y, dx, axis):
    return call("log_softmax_backward", dy, y, dx, axis=axis)
