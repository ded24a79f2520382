"""Sums, differences, products and quotients: of nodes, and of nodes and numbers or other tensors."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from .... import layers
from ....nodes.arranged import Arranged
from ....nodes.broadcast import alike, beside, multiplied
from ....nodes.parts import taken_apart
from ....nodes.pieces import affine, is_softsign, power, product
from ....nodes.refused import Refused
from ..tensors import arranged_of, is_traced, node_of
from .activation import pointwise
from .axes import axis_of

__all__ = ["TABLE"]


def add(trace: Any, a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a + alpha b"""
    if not is_traced(a):
        return scaled(b, alpha, a)
    if not is_traced(b):
        return scaled(a, 1.0, times(alpha, b))
    if alpha != 1:
        b = trace.wrapped(scaled(b, alpha, 0.0), [])
    return together(a, b, sum_of)


def subtract(trace: Any, a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a - alpha b"""
    return add(trace, a, b, alpha=-alpha)


def multiply(trace: Any, a: Any, b: Any) -> Any:
    """a * b; a trained factor for each channel is a layer."""
    if not is_traced(a):
        a, b = b, a
    if is_traced(b):
        return together(a, b, multiplied)
    if getattr(b, "requires_grad", False):
        x = node_of(a)
        if b.numel() == x.shape[0] and channels_alone(b, len(x.shape)):
            return trace.layer(layers.ChannelScale, x, weight=b)
    return scaled(a, b, 0.0)


def divide(trace: Any, a: Any, b: Any, *, rounding_mode: Any = None) -> Any:
    """a / b"""
    if rounding_mode is not None:
        raise Refused(f"its rounding_mode is {rounding_mode}")
    if not is_traced(b):
        return scaled(a, 1 / constant(b), 0.0)
    if is_traced(a) and is_softsign(node_of(a), node_of(b)):
        return layers.Softsign()(node_of(a))
    inverse = trace.wrapped(layers.Reciprocal()(node_of(b)), [])
    return together(a, inverse, multiplied) if is_traced(a) else scaled(inverse, a, 0.0)


def raised(trace: Any, x: Any, exponent: Any) -> Any:
    """Small whole powers as products."""
    if not is_traced(x) or exponent not in (1, 2, 3, 4):
        raise Refused("its exponent must be 1, 2, 3 or 4")

    return pointwise(x, lambda node: power(node, int(exponent)))


def absolute(trace: Any, x: Any) -> Any:
    """max(x, 0) + max(-x, 0)"""
    return pointwise(x, lambda node: layers.ReLU()(node) + layers.ReLU()(affine(node, -1.0, 0.0)))


def gated(trace: Any, x: Any, dim: int = -1) -> Any:
    """GLU: the first half times the sigmoid of the second."""
    node, axis = node_of(x), axis_of(x, dim)
    first, second = taken_apart(node, axis, [node.shape[axis] // 2] * 2)
    return product(first, layers.Sigmoid()(second))


def scaled(x: Any, factor: Any, summand: Any) -> Any:
    """factor x + summand, where both are numbers or tensors of the module."""
    both = constant(factor), constant(summand)
    if all(each.size == 1 and each.ndim <= 1 for each in both):
        return pointwise(x, lambda node: affine(node, *(each.reshape(()) for each in both)))
    node, found = node_of(x), []
    for each in both:
        array, node = beside(each, node)
        found.append(array)
    return affine(node, *found)


def constant(value: Any) -> Any:
    """The array of a number or of a tensor that training leaves as it is."""
    if isinstance(value, Real | np.ndarray):
        return np.asarray(value, np.float64)
    if getattr(value, "requires_grad", False):
        rule = "is a parameter that fastconv has no layer for; requires_grad_(False) makes it a constant"
        raise Refused(f"one of its inputs, of shape {tuple(value.shape)}, {rule}")
    if not hasattr(value, "detach"):
        raise Refused(f"one of its inputs is {type(value).__name__}")
    return np.asarray(value.detach().cpu().numpy(), np.float64)


def times(factor: float, value: Any) -> Any:
    """factor * value"""
    return value if factor == 1 else factor * constant(value)


def channels_alone(value: Any, axes: int) -> bool:
    """Whether a tensor has one value for each channel of images with so many axes."""
    shape = (1,) * (axes + 1 - value.dim()) + tuple(value.shape)
    return len(shape) == axes + 1 and shape[0] == 1 and set(shape[2:]) <= {1}


def together(a: Any, b: Any, function: Callable[[Any, Any], Any]) -> Any:
    """A function of two nodes; before axes are moved where both are moved alike."""
    left, right = arranged_of(a), arranged_of(b)
    if replace(right, node=left.node) == left and left.node.shape == right.node.shape and moved(a):
        return replace(left, node=function(left.node, right.node))
    return function(node_of(a), node_of(b))


def moved(x: Any) -> bool:
    """Whether axes are still to be brought into order."""
    return isinstance(x.value, Arranged)


def sum_of(a: Any, b: Any) -> Any:
    """a + b, where one may be repeated"""
    a, b = alike(a, b)
    return a + b


def reflected(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation with its inputs exchanged."""
    return lambda trace, a, b, **options: operation(trace, b, a, **options)


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("add", "__add__", "__radd__", "__iadd__"), add),
    **dict.fromkeys(("sub", "subtract", "__sub__", "__isub__"), subtract),
    **dict.fromkeys(("rsub", "__rsub__"), reflected(subtract)),
    **dict.fromkeys(("mul", "multiply", "__mul__", "__rmul__", "__imul__"), multiply),
    **dict.fromkeys(("div", "divide", "true_divide", "__truediv__", "__div__", "__itruediv__"), divide),
    **dict.fromkeys(("__rdiv__", "__rtruediv__"), reflected(divide)),
    **dict.fromkeys(("pow", "__pow__"), raised),
    "square": partial(raised, exponent=2),
    **dict.fromkeys(("neg", "negative", "__neg__"), lambda trace, x: scaled(x, -1.0, 0.0)),
    **dict.fromkeys(("abs", "absolute", "__abs__"), absolute),
    "glu": gated,
}
