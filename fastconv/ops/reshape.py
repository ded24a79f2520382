"""The values of an array in another shape, in the order of NumPy's reshape, whatever the memory."""

from itertools import accumulate, pairwise
from operator import mul

from ..typing import Array, Call, Shape
from . import check
from .copies import Several, nothing
from .layout import copy_call


def reshape_call(x: Array, y: Array) -> Call:
    """y = x.reshape(y.shape), for any strides: one copy where both shapes consist of the same pieces, else two."""
    if not y.size:
        return nothing
    pieces = common_pieces(x.shape, y.shape)
    if pieces is not None:  # an axis can always be seen as several
        return copy_call(x.reshape(pieces), y.reshape(pieces))
    ordered = check.empty(x.shape, x.dtype)
    return Several([copy_call(x, ordered), copy_call(ordered.reshape(y.shape), y)], [ordered])


def common_pieces(first: Shape, second: Shape) -> Shape | None:
    """The shape that both become by cutting axes, such as (2, 2, 3) for (4, 3) and (2, 6); None where there is none."""
    ends = sorted({1, *accumulate(first[::-1], mul), *accumulate(second[::-1], mul)})
    if any(larger % smaller for smaller, larger in pairwise(ends)):
        return None
    return tuple(larger // smaller for smaller, larger in pairwise(ends))[::-1]
