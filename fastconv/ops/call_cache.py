"""What was decided for arguments of the same kind: calls on small images would spend most of their time in the checks.

The checks and the choice of a path read the memory of arrays (shape, strides, dtype, flags), numbers and the switches
of the paths, never an element. So a call whose key was seen before would pass all checks again, and goes the same way.
"""

from operator import is_
from types import NoneType

from numpy import ndarray

from . import check, path

PLAIN = {int, str, NoneType}  # of these, equal values are the same argument: True equals 1, and lists have no hash
MOST = 512


def key(a, b, c, *numbers, precise=False):
    """All that is read of two arrays, a third or None, and numbers; None where that is more than memory and numbers."""
    if not (type(a) is type(b) is ndarray and (c is None or type(c) is ndarray)):
        return None
    for value in numbers:
        if type(value) not in PLAIN:
            return None
    if precise is not False:
        numbers = (*numbers, check.flag(precise, "precise"))
    third = None if c is None else (c.shape, c.strides, c.dtype, c.flags.num)
    return a.shape, a.strides, a.dtype, a.flags.num, b.shape, b.strides, b.dtype, b.flags.num, third, numbers, path.off


class Ways(dict):
    """key -> (function that makes the result, function, numbers): the call is function(*arrays, result, *numbers)."""

    def keep(self, key, given, checked, y, layout, function, numbers):
        """After a call whose checks took the arrays as they were given."""
        if key is None or not all(map(is_, given, checked)):
            return
        if len(self) >= MOST:
            self.clear()
        self[key] = check.maker(y.shape, y.dtype, layout), function, numbers
