"""Reductions over axes of each image: `ReduceMean`, `ReduceSum`, `ReduceMax`, `ReduceMin`, `ReduceL2`."""

from collections.abc import Callable
from math import prod

from .... import Node, layers
from ..arranged import Arranged, arranged
from ..call import Call
from ..settled import settled
from ..values import Refused
from .pieces import affine

__all__ = ["TABLE"]


def over(call: Call, pool: Callable[[Node, int], Node]) -> Arranged:
    """``pool(planes, size of a plane)``, where what is reduced is a plane."""
    x = call.arranged()
    axes, rank = call.list_of("axes", 1), len(x.shape) + 1
    gone = call.axes(axes or (), rank)
    if not gone or 0 in gone:
        raise Refused(f"its axes {axes} are none, or mix the images of a batch")
    inside = [axis - 1 for axis in sorted(gone)]
    kept = [axis for axis in range(len(x.shape)) if axis not in inside]
    size, shape = prod(x.shape[axis] for axis in inside), tuple(x.shape[axis] for axis in kept)
    y = pool(as_planes(x, kept, inside), size)
    if call.flag("keepdims", True):
        shape = tuple(1 if axis in inside else n for axis, n in enumerate(x.shape))
    return arranged(y).reshaped(shape)


def as_planes(x: Arranged, kept: list[int], inside: list[int]) -> Node:
    """Images whose channels are what is kept, and whose pixels are what is reduced."""
    if (kept, inside) == ([0], [1, 2]):
        return settled(x)
    moved = x.transposed([*kept, *inside])
    if moved is None:
        raise Refused(f"axes {kept} and {inside} of (N, {x.shape}) cannot be parted")
    channels = prod(x.shape[axis] for axis in kept)
    return settled(moved.reshaped((channels, prod(x.shape) // channels, 1)))


def mean(x: Node, size: int) -> Node:
    """The mean of each plane."""
    return layers.AdaptiveAvgPool2D(1)(x)


def largest(x: Node, size: int) -> Node:
    """The largest value of each plane."""
    return layers.AdaptiveMaxPool2D(1)(x)


TABLE: dict[str, Callable[[Call], Arranged]] = {
    "ReduceMean": lambda call: over(call, mean),
    "ReduceSum": lambda call: over(call, lambda x, size: affine(mean(x, size), size, 0.0)),
    "ReduceMax": lambda call: over(call, largest),
    "ReduceMin": lambda call: over(call, lambda x, size: affine(largest(affine(x, -1, 0.0), size), -1, 0.0)),
    "ReduceL2": lambda call: over(call, lambda x, size: layers.LpPool2D(x.shape[1:])(x)),
}
