"""How large the results of operations on constants are, and how large they may be: found before they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ...typing import Array
from .values import Refused

if TYPE_CHECKING:
    from .call import Call

__all__ = [
    "MOST_AXES",
    "Budget",
    "broadcast",
    "counted",
    "expanded",
    "gathered",
    "joined",
    "numbers",
    "of_first",
    "tiled",
]

MOST_VALUES = 1 << 24  # of a result that is larger than what it is made from
MOST_TOGETHER = 1 << 29  # of all results
MOST_AXES = 32


@dataclass
class Budget:
    """How many values computing with constants may still make, over the whole graph."""

    left: int = MOST_TOGETHER

    def take(self, shape: Sequence[int], inputs: Sequence[Array]) -> None:
        """Refused where a result of this shape would be too large: before it is made."""
        size = prod(int(n) for n in shape)
        if min(shape, default=0) < 0 or len(shape) > MOST_AXES:
            raise Refused(f"it would make a constant of the impossible shape {tuple(shape)[:8]}")
        if size > max([MOST_VALUES, *(each.size for each in inputs)]) or size > self.left:
            raise Refused(f"it would make a constant of {size:,} values, more than fastconv computes from a file")
        self.left -= size


def numbers(array: Array) -> tuple[int, ...]:
    """Integers of an array with one axis."""
    return tuple(int(n) for n in array.reshape(-1))


def of_first(call: "Call") -> tuple[int, ...]:
    """The shape of the first input, which bounds that of the result."""
    return call.constant(0).shape if call.values else ()


def broadcast(call: "Call") -> tuple[int, ...]:
    """The shape of all inputs together."""
    return np.broadcast_shapes(*(each.shape for each in call.values if isinstance(each, np.ndarray)))


def joined(call: "Call") -> tuple[int, ...]:
    """The size of all inputs together."""
    return (sum(call.constant(i).size for i in range(len(call.values))),)


def gathered(call: "Call") -> tuple[int, ...]:
    """The shape of `Gather`."""
    data, indices, axis = call.constant(0), call.constant(1), call.integer("axis", 0)
    (axis,) = call.axes((axis,), data.ndim)
    return (*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :])


def tiled(call: "Call") -> tuple[int, ...]:
    """The shape of `Tile`."""
    return tuple(int(n) * int(r) for n, r in zip(call.constant(0).shape, call.constant(1), strict=True))


def expanded(call: "Call") -> tuple[int, ...]:
    """The shape of `Expand`."""
    return np.broadcast_shapes(call.constant(0).shape, numbers(call.constant(1)))


def counted(call: "Call") -> tuple[int, ...]:
    """The shape of `Range`."""
    start, limit, delta = (call.constant(i).item() for i in range(3))
    return (max(int(np.ceil((limit - start) / delta)), 0),)
