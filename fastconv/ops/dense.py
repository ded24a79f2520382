"""The dense (fully connected) layer.

It has kernels of its own and does not run through a BLAS, whose rows change their bits with the batch.
"""

from functools import partial

import numpy as np

from .. import kernels
from ..typing import Array, Call
from . import check, epilogue
from .call_cache import planned
from .conv.conv import check_bias
from .habits import op
from .matrices import matrix, on_matrices


@op
def linear(x: Array, weight: Array, bias: Array | None = None, *, out: Array | None = None) -> Array:
    """Apply a matrix to every row: y = x W^T + b.

    y[n,o] = bias[o] + sum_i x[n,i] weight[o,i]  (Zhang 2016 [1], eq. 12, without sigma)

    Parameters
    ----------
    x : array (..., I), float32 or float64
    weight : array (O, I), dtype of `x`
    bias : array (O,), dtype of `x`, optional
    out : array (..., O), optional

    Returns
    -------
    y : array (..., O)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    A row has the same bits alone and in any batch. Error: within 8 eps sqrt(I + 1) (sum |x| |weight| + |bias|).

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0]))
    array([[11.5, 17. ]])
    """
    x, weight = rows(x, "x"), check.array(weight, "weight", 2)
    O, I = weight.shape
    agree(x, "x", I, "weight", weight, "(O, I) with I the last extent of x")
    bias = check_bias(bias, O)
    check.same_dtype(x=x, weight=weight, bias=bias)
    y = check.output(out, (*x.shape[:-1], O), x.dtype, x=x, weight=weight, bias=bias)
    flat = matrix(y)
    run = linear_call(matrix(x), weight, bias, flat)
    run()
    return planned(finish(flat, y, out), (y,), run)


@op
def linear_backward(dy: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    """All three gradients of `linear`: (dx, dweight, dbias).

    dx = dy W,  dW = dy^T x,  db = sum_n dy[n]  (Zhang 2016 [1], eqs. 30, 19 and 24)

    Parameters
    ----------
    dy, x, weight : arrays (..., O), (..., I) and (O, I), float32 or float64, of one dtype

    Returns
    -------
    dx, dweight, dbias : arrays (..., I), (O, I) and (O,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree.

    Notes
    -----
    Bits and errors as in the three functions that give one gradient each.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> dx, dw, db = fastconv.linear_backward(np.ones((1, 2)), np.array([[1.0, 2.0]]), np.eye(2))
    >>> dw
    array([[1., 2.],
           [1., 2.]])
    """
    weight, x = check.array(weight, "weight", 2), rows(x, "x")
    O, I = weight.shape
    agree(x, "x", I, "weight", weight, "(O, I) with I the last extent of x")
    dy = rows(dy, "dy")
    agree(dy, "dy", O, "weight", weight, "(O, I) with O the last extent of dy")
    check.same_dtype(dy=dy, weight=weight, x=x)
    same_rows(dy, x)
    dx, dweight, dbias = check.empty(x.shape, x.dtype), check.empty((O, I), x.dtype), check.empty((O,), x.dtype)
    flat = matrix(dy)
    calls = (
        linear_backward_input_call(flat, weight, matrix(dx)),
        linear_backward_weight_call(flat, matrix(x), dweight),
        linear_backward_bias_call(flat, dbias),
    )
    for call in calls:
        call()
    gradients = dx, dweight, dbias
    return planned(gradients, gradients, *calls)


@op
def linear_backward_input(dy: Array, weight: Array, *, out: Array | None = None) -> Array:
    """The gradient of `linear` with respect to `x`: dx = dy W (Zhang 2016 [1], eq. 30).

    dx[n,i] = sum_o dy[n,o] weight[o,i]

    Parameters
    ----------
    dy : array (..., O), float32 or float64
    weight : array (O, I), dtype of `dy`
    out : array (..., I), optional

    Returns
    -------
    dx : array (..., I)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    A row has the same bits in any batch. Error: within 8 eps sqrt(O) sum |dy| |weight|.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.linear_backward_input(np.array([1.0, 1.0]), np.array([[3.0, 4.0], [5.0, 6.0]]))
    array([ 8., 10.])
    """
    dy, weight = rows(dy, "dy"), check.array(weight, "weight", 2)
    O, I = weight.shape
    agree(dy, "dy", O, "weight", weight, "(O, I) with O the last extent of dy")
    check.same_dtype(dy=dy, weight=weight)
    dx = check.output(out, (*dy.shape[:-1], I), dy.dtype, dy=dy, weight=weight)
    flat = matrix(dx)
    run = linear_backward_input_call(matrix(dy), weight, flat)
    run()
    return planned(finish(flat, dx, out), (dx,), run)


@op
def linear_backward_weight(dy: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `linear` with respect to its weight: dW = dy^T x (Zhang 2016 [1], eqs. 18, 19).

    dweight[o,i] = sum_n dy[n,o] x[n,i]

    Parameters
    ----------
    dy : array (..., O), float32 or float64
    x : array (..., I), dtype of `dy`
    out : array (O, I), optional

    Returns
    -------
    dweight : array (O, I)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        Shapes that do not agree, an `out` that does not fit.

    Notes
    -----
    Error: within 8 eps sqrt(N) sum |dy| |x| over the N rows, which are added in a fixed order.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.linear_backward_weight(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    array([[3., 4.],
           [6., 8.]])
    """
    dy, x = rows(dy, "dy"), rows(x, "x")
    check.same_dtype(dy=dy, x=x)
    same_rows(dy, x)
    dweight = check.output(out, (dy.shape[-1], x.shape[-1]), dy.dtype, dy=dy, x=x)
    run = linear_backward_weight_call(matrix(dy), matrix(x), dweight)
    run()
    return planned(check.give(dweight, out), (dweight,), run)


@op
def linear_backward_bias(dy: Array, *, out: Array | None = None) -> Array:
    """The gradient of `linear` with respect to its bias: the sum over rows (Zhang 2016 [1], eq. 24).

    dbias[o] = sum_n dy[n,o]

    Parameters
    ----------
    dy : array (..., O), float32 or float64
    out : array (O,), optional

    Returns
    -------
    dbias : array (O,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ.
    ValueError
        No values along the last axis, an `out` that does not fit.

    Notes
    -----
    Error: within 8 eps sqrt(N) sum |dy| over the N rows.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.linear_backward_bias(np.ones((4, 2)))
    array([4., 4.])
    """
    dy = rows(dy, "dy")
    dbias = check.output(out, (dy.shape[-1],), dy.dtype, dy=dy)
    run = linear_backward_bias_call(matrix(dy), dbias)
    run()
    return planned(check.give(dbias, out), (dbias,), run)


def rows(x: Array, name: str) -> Array:
    """An array of at least one dimension with values along the last."""
    x = check.array(x, name)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} must have at least one dimension and values along the last, got shape {x.shape}")
    return x


def agree(x: Array, name: str, extent: int, other: str, y: Array, rule: str) -> None:
    """ValueError unless the last axis of `x` has this extent, which the matrix `y` gives."""
    if 0 in y.shape or x.shape[-1] != extent:
        raise ValueError(
            f"{name} and {other} must agree: {other} is {rule}, got {name} {x.shape} and {other} {y.shape}"
        )


def same_rows(dy: Array, x: Array) -> None:
    """ValueError unless all axes but the last agree."""
    if dy.shape[:-1] != x.shape[:-1]:
        raise ValueError(f"dy and x must have the same rows, got shapes {dy.shape} and {x.shape}")


def finish(flat: Array, y: Array, out: Array | None) -> Array:
    """The result of a call that wrote `flat`, which is `y` in two dimensions, or a copy."""
    if not np.may_share_memory(flat, y) and y.size:
        np.copyto(y, flat.reshape(y.shape))
    return check.give(y, out)


# ---------------------------------------------------------------- prepared calls: arrays (..., values) in any strides


def linear_call(x: Array, weight: Array, bias: Array | None, y: Array, activation: str | None = None) -> Call:
    """y = activation(x W^T + b); activation None, "relu" or "relu6"."""
    code, forward = epilogue.code(activation), kernels.load(y.dtype).dense.linear.forward
    return on_matrices(lambda x, y: partial(forward, x, weight, bias, y, code), [x], [y])


def linear_backward_input_call(dy: Array, weight: Array, dx: Array) -> Call:
    backward = kernels.load(dx.dtype).dense.linear.backward_input
    return on_matrices(lambda dy, dx: partial(backward, dy, weight, dx), [dy], [dx])


def linear_backward_weight_call(dy: Array, x: Array, dweight: Array) -> Call:
    backward = kernels.load(dweight.dtype).dense.linear.backward_weight
    return on_matrices(lambda dy, x: partial(backward, dy, x, dweight), [dy, x], [])


def linear_backward_bias_call(dy: Array, dbias: Array) -> Call:
    backward = kernels.load(dy.dtype).dense.linear.backward_bias
    return on_matrices(lambda dy: partial(backward, dy, dbias), [dy], [])
