"""Calls seen before: on small images the checks would take most of the time.

The checks and the choice of a path read the memory of arrays (shape, strides, dtype, flags), numbers and the switches
of the paths, never an element. So a call whose signature was seen before would pass all checks again, and goes the same
way.
"""

from collections.abc import Callable, Sequence
from operator import is_
from types import NoneType
from typing import Any, TypeAlias

from numpy import ndarray

from ..typing import Array, Kernel
from . import check
from .path import switches

PLAIN = {int, str, NoneType}  # of these, equal values are the same argument: True equals 1, and lists have no hash
Signature: TypeAlias = tuple[Any, ...] | None
MOST = 512  # signatures that one cache holds


def signature(a: Any, b: Any, c: Any, *numbers: Any, precise: bool = False) -> Signature:
    """All that is read of two arrays, a third or None, and numbers; None where that is more than memory and numbers."""
    if not (type(a) is type(b) is ndarray and (c is None or type(c) is ndarray)):
        return None
    for value in numbers:
        if type(value) not in PLAIN:
            return None
    if precise is not False:
        numbers = (*numbers, check.flag(precise, "precise"))
    third = None if c is None else (c.shape, c.strides, c.dtype, c.flags.num)
    off = switches.off
    return a.shape, a.strides, a.dtype, a.flags.num, b.shape, b.strides, b.dtype, b.flags.num, third, numbers, off


class CallCache(dict[Signature, Callable[..., Array]]):
    """signature -> the call without its checks: call(*arrays) makes and returns the result."""

    def keep(
        self,
        seen: Signature,
        given: Sequence[object],
        checked: Sequence[object],
        y: Array,
        layout: str | None,
        function: Kernel,
        numbers: tuple[Any, ...],
    ) -> None:
        """After a call whose checks took the arrays as they were given: function(*arrays, result, *numbers)."""
        if seen is None or not all(map(is_, given, checked)):
            return
        if len(self) >= MOST:
            self.clear()
        new, make = check.maker(y.shape, y.dtype, layout), of_three if len(given) == 3 else of_two
        self[seen] = make(new, function, numbers)


# By name, not as *arrays: packing them takes a tenth of the time of the smallest calls.


def of_two(new: Callable[[], Array], function: Kernel, numbers: tuple[Any, ...]) -> Callable[..., Array]:
    """The call that runs `function` on two arrays and a new result."""

    def call(a: Array, b: Array) -> Array:
        y = new()
        function(a, b, y, *numbers)
        return y

    return call


def of_three(new: Callable[[], Array], function: Kernel, numbers: tuple[Any, ...]) -> Callable[..., Array]:
    """The same of three arrays, the last of which may be None."""

    def call(a: Array, b: Array, c: Array | None) -> Array:
        y = new()
        function(a, b, c, y, *numbers)
        return y

    return call
