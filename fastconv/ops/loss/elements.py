"""What losses over elements share: the value, the gradient, and prepared calls."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...kernels.runtime.calls import repeated
from ...typing import Array, Call, Shape
from .. import check
from ..elementwise import agreeing, new_like
from .common import arriving, bind, given_back, gradient, result, returned


def evaluate(
    prepare: Callable[..., Call],
    out: Array | None,
    return_gradient: bool,
    reduction: str,
    *numbers: Any,
    checks: Sequence[Call] = (),
    **arrays: Any,
) -> Any:
    """The loss of elements, and its gradient if wanted; `checks` of elements have been made."""
    arrays = agreeing(arrays)
    x, targets = arrays.values()
    value = result(out, loss_shape(x, reduction), x, arrays)
    dx = new_like(x) if check.flag(return_gradient, "return_gradient") else None
    run = prepare(x, targets, value, dx, reduction, *numbers)
    run()
    return returned(value, out, dx, *checks, run)


def differentiate(
    prepare: Callable[..., Call],
    out: Array | None,
    dy: Array | float,
    reduction: str,
    *numbers: Any,
    checks: Sequence[Call] = (),
    **arrays: Any,
) -> Array:
    """The gradient of a loss of elements; `checks` of elements have been made."""
    arrays = agreeing(arrays)
    x, targets = arrays.values()
    shape = loss_shape(x, reduction)
    factor, each = arriving(dy, shape, reduction, x.dtype)
    dx, value = gradient(out, x, arrays), check.empty(shape, x.dtype)
    run = prepare(x, targets, value, dx, reduction, *numbers, dy=factor)
    run()
    return given_back(dx, each, out, value, *checks, run)


def loss_shape(x: Array, reduction: str) -> Shape:
    """The shape of the loss of `x`."""
    return x.shape if reduction == "none" else ()


def elements_call(
    kernel: str,
    x: Array,
    targets: Array,
    weight: Array | None,
    value: Array,
    dx: Array | None,
    reduction: str,
    dy: float,
    *numbers: float,
) -> Call:
    """The kernel of a loss bound to its arrays; value, a result, has the shape of x, or one element."""
    each = reduction == "none"
    scale = scale_of(reduction, x.shape)
    inputs = [targets] if weight is None else [targets, weight]
    value = value if each else repeated(value, 0, 1)
    return bind(kernel, x, inputs, [value if each else None, dx], None if each else value, scale, dy * scale, *numbers)


def scale_of(reduction: str, shape: Shape) -> float:
    """What the sum over all elements is multiplied with."""
    if reduction in ("sum", "none"):
        return 1.0
    if reduction == "mean":
        size = prod(shape)
        return 1 / size if size else np.nan
    samples = shape[0] if shape else 1  # the half of each sample's sum of squares, averaged over the samples
    return 0.5 / samples if samples else np.nan
