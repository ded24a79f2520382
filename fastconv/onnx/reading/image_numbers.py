"""Values of all images in one axis, read at places that numbers of images give: how files view them as images again.

PyTorch's newer exporter writes `as_strided` so: Gather of x.reshape(-1) at n size + arange(size), n from Range.
"""

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .sizes import Budget
from .values import BATCH, Flat, ImageNumbers, Refused, Value

if TYPE_CHECKING:
    from .call import Call

__all__ = ["image_numbers"]


def image_numbers(call: "Call", budget: Budget) -> Value:
    """The result where numbers of images begin, or are read; None where there are none."""
    if call.operation.kind == "Range" and call.is_constant():
        limits = [call.constant(i).item() for i in range(3)]
        return ImageNumbers(1, np.zeros(1, np.int64)) if limits == [0, BATCH, 1] else None
    places = [i for i, value in enumerate(call.values) if isinstance(value, ImageNumbers)]
    if not places:
        return None
    numbers: Any = call.values[places[0]]
    if call.operation.kind == "Gather":
        return seen_again(call, numbers)
    if call.operation.kind in ("Identity", "Cast"):
        return ImageNumbers(numbers.scale, numbers.offsets)
    if call.operation.kind == "Unsqueeze":
        axes = call.list_of("axes", 1) or ()
        return ImageNumbers(
            numbers.scale, np.expand_dims(numbers.offsets, call.axes(axes, numbers.offsets.ndim + len(axes)))
        )
    if call.operation.kind not in ("Add", "Mul") or len(places) != 1:
        raise Refused("it reads numbers of images")
    other = call.constant(1 - places[0])
    budget.take(np.broadcast_shapes(numbers.offsets.shape, other.shape), [])
    if call.operation.kind == "Mul":
        if other.size != 1:
            raise Refused(f"it multiplies numbers of images with an array of shape {other.shape}")
        return ImageNumbers(numbers.scale * int(other.item()), numbers.offsets * int(other.item()))
    offsets = numbers.offsets + other
    if offsets.ndim != numbers.offsets.ndim or len(offsets) != 1:
        raise Refused(f"it adds an array of shape {other.shape} to numbers of images")
    return ImageNumbers(numbers.scale, offsets)


def seen_again(call: "Call", numbers: ImageNumbers) -> Value:
    """`Gather` of all values, in the order in which they are."""
    data = call.value(0)
    size = numbers.offsets.size
    in_order = numbers.scale == size and np.array_equal(numbers.offsets.reshape(-1), np.arange(size))
    if not isinstance(data, Flat) or not in_order or prod(data.x.shape) != size:
        raise Refused("it takes values out of a batch in another order than they are")
    return data.x.reshaped(numbers.offsets.shape[1:])
