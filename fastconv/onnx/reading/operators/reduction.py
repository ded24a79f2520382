"""Reductions over axes of each image: `ReduceMean`, `ReduceSum`, `ReduceMax`, `ReduceMin`, `ReduceL2`."""

from collections.abc import Callable

from .... import layers
from ....nodes.arranged import Arranged
from ....nodes.reduction import Reduction, largest, mean, reduced, smallest, total
from ..call import Call
from ..values import Refused

__all__ = ["TABLE"]


def over(call: Call, reduction: Reduction) -> Arranged:
    """The reduction over the axes that the operation names."""
    x = call.arranged()
    axes = call.list_of("axes", 1)
    gone = call.axes(axes or (), len(x.shape) + 1)
    if not gone or 0 in gone:
        raise Refused(f"its axes {axes} are none, or mix the images of a batch")
    return reduced(x, [axis - 1 for axis in gone], call.flag("keepdims", True), reduction)


TABLE: dict[str, Callable[[Call], Arranged]] = {
    "ReduceMean": lambda call: over(call, mean),
    "ReduceSum": lambda call: over(call, total),
    "ReduceMax": lambda call: over(call, largest),
    "ReduceMin": lambda call: over(call, smallest),
    "ReduceL2": lambda call: over(call, lambda x, size: layers.LpPool2D(x.shape[1:])(x)),
}
