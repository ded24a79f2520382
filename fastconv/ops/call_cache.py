"""Calls seen before: on small images the checks would take most of the time.

The checks and the choice of a path read the memory of arrays (shape, strides, dtype, flags), numbers and the switches
of the paths, never an element. So a call whose signature was seen before would pass all checks again, and goes the same
way.
"""

from operator import is_
from types import NoneType

from numpy import ndarray

from . import check
from .path import switches

PLAIN = {int, str, NoneType}  # of these, equal values are the same argument: True equals 1, and lists have no hash
MOST = 512  # signatures that one cache holds


def signature(a, b, c, *numbers, precise=False):
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


class CallCache(dict):
    """signature -> the call without its checks: call(*arrays) makes and returns the result."""

    def keep(self, seen, given, checked, y, layout, function, numbers):
        """After a call whose checks took the arrays as they were given: function(*arrays, result, *numbers)."""
        if seen is None or not all(map(is_, given, checked)):
            return
        if len(self) >= MOST:
            self.clear()
        self[seen] = unchecked(check.maker(y.shape, y.dtype, layout), function, numbers)


def unchecked(new, function, numbers):
    """The call that runs `function` on its arrays and a new result."""

    def call(*arrays):
        y = new()
        function(*arrays, y, *numbers)
        return y

    return call
