"""Calls seen before: on small arrays the checks would take most of the time.

The checks and the choice of a path read the memory of arrays (shape, strides, dtype, flags), numbers and the switches
of the paths, never an element. So a call whose signature was seen before would pass all checks again, and goes the same
way. An op that has run returns its result as `planned`, with what it did. Where a signature comes back, at its second
call, `habits.op` keeps that as a plan, and from the third call on `kernels/runtime/calls.pyx` does it again. Where a
given array is written, such as `out`, the op itself runs if two of them overlap.

A check that does read elements is one of the prepared calls: it returns -1, or a place of something wrong, and then the
op itself runs, to say what.
"""

from ..kernels.runtime.calls import Planned, again, keep, planned

__all__ = ["Planned", "again", "keep", "planned"]
