"""Values chosen by a condition that does not depend on the images: `Where`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ....nodes.broadcast import beside
from ....typing import Array
from ..call import Call
from .arithmetic import times, total

__all__ = ["TABLE"]


def where(call: Call) -> Any:
    """`Where` by a constant: condition a + (1 - condition) b"""
    condition = call.constant(0).astype(bool)
    a, b = chosen(call, 1, condition), chosen(call, 2, ~condition)
    if isinstance(a, np.ndarray):
        a, b = b, a
    if isinstance(b, np.ndarray):
        b, a = beside(b, a)
    return total(a, b)


def chosen(call: Call, place: int, condition: Array) -> Any:
    """The input at this place, 0 where the condition is false."""
    value = call.value(place)
    if isinstance(value, np.ndarray):
        call.translation.budget.take(np.broadcast_shapes(value.shape, condition.shape), [value, condition])
        return np.where(condition, value, 0.0)
    factor, node = beside(condition.astype(np.float64), call.node(place))
    return times(node, factor)


TABLE: dict[str, Callable[[Call], Any]] = {"Where": where}
