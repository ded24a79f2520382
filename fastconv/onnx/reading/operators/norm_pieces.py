"""Layer norm in pieces, as files before opset 17 have it: (x - mean) / sqrt(mean of (x - mean)^2 + eps)."""

from typing import Any

import numpy as np

from ....nodes.arranged import arranged
from ....typing import Array
from ..call import Call, Weights
from ..parsed import Operation
from ..values import Value, shape_of
from .norm import normalised

__all__ = ["norm_in_pieces"]

PASSING = ("Identity", "Cast")


def norm_in_pieces(call: Call) -> Value:
    """The layer norm that a `Div` ends, with the factors and summands after it; None where it ends none."""
    pieces = Pieces(call)
    x = pieces.normalised()
    if x is None:
        return None
    found: Any = pieces.held.values[x]
    value = arranged(found)
    weights = pieces.weights(tuple(value.shape))
    axes = call.axes(pieces.axes, len(value.shape) + 1)
    return normalised(call, value, tuple(sorted(axes)), weights, pieces.eps)


class Pieces:
    """The operations around a `Div`, as far as they are those of a layer norm."""

    def __init__(self, call: Call) -> None:
        self.operation, self.held = call.operation, call.translation
        self.axes: tuple[int, ...] = ()
        self.eps = 0.0

    def normalised(self) -> str | None:
        """The name of x; None where this is no layer norm."""
        centred, divisor = map(self.origin, self.operation.inputs)
        root, difference = self.made(divisor, "Sqrt"), self.made(centred, "Sub")
        total = root and self.made(root.inputs[0], "Add")
        if not total or not difference:
            return None
        eps = [array for array in map(self.constant, total.inputs) if array is not None and array.size == 1]
        variance = [mean for mean in (self.made(name, "ReduceMean") for name in total.inputs) if mean]
        mean, x = self.made(difference.inputs[1], "ReduceMean"), self.origin(difference.inputs[0])
        if not mean or len(variance) != 1 or len(eps) != 1 or self.origin(mean.inputs[0]) != x:
            return None
        axes = [self.reduced(each) for each in (mean, variance[0])]
        if not self.is_square(variance[0].inputs[0], centred) or None in axes or axes[0] != axes[1]:
            return None
        self.axes, self.eps = axes[0] or (), float(str(np.float32(eps[0].item())))
        return x

    def weights(self, shape: tuple[int, ...]) -> Weights:
        """What the only reader multiplies the result with, and what the only reader of that adds; both are done."""
        shapes = {1: (shape[-1],), len(shape): shape}
        by_channel = len(self.axes) == 1 and self.axes[0] not in (-1, len(shape))
        wanted = (shape[0], *(1,) * (len(shape) - 1)) if by_channel else shapes.get(len(self.axes))
        found: dict[str, tuple[Array, str | None]] = {}
        name, done = self.operation.outputs[0], []
        for slot, kind in (("weight", "Mul"), ("bias", "Add")):
            reader = self.only_reader(name)
            if reader is None or reader.kind != kind:
                break
            for other in reader.inputs:
                array = self.constant(other)
                if array is not None and wanted is not None and array.shape in (wanted, (1, *wanted)):
                    found[slot] = array.reshape(-1 if by_channel else wanted), self.origin(other)
            if slot not in found:
                break
            done.append(reader)
            name = reader.outputs[0]
        if "weight" not in found:
            return {}
        self.held.absorbed.update(done)
        found.setdefault("bias", (np.zeros(found["weight"][0].shape), None))
        return found

    def origin(self, name: str) -> str:
        """The name behind identities and casts."""
        while True:
            made = self.held.graph.makers.get(name)
            if made is None or made.kind not in PASSING:
                return name
            name = made.inputs[0]

    def made(self, name: str, kind: str) -> Operation | None:
        """The operation of this kind that makes the value, if it is one."""
        made = self.held.graph.makers.get(self.origin(name))
        return made if made is not None and made.kind == kind else None

    def constant(self, name: str) -> Array | None:
        """The array of this name; None where it is computed."""
        value = self.held.values.get(name)
        return value if isinstance(value, np.ndarray) else None

    def only_reader(self, name: str) -> Operation | None:
        """The one operation that reads the value, behind identities."""
        while True:
            readers = self.held.graph.readers.get(name, [])
            if len(readers) != 1 or readers[0] is None:
                return None
            if readers[0].kind not in PASSING:
                return readers[0]
            name = readers[0].outputs[0]

    def is_square(self, name: str, of: str) -> bool:
        """Whether the value is the square of that one."""
        power, product = self.made(name, "Pow"), self.made(name, "Mul")
        if product is not None:
            return all(self.origin(each) == of for each in product.inputs)
        exponent = None if power is None else self.constant(power.inputs[1])
        square = exponent is not None and exponent.size == 1 and exponent.item() == 2
        return square and power is not None and self.origin(power.inputs[0]) == of

    def reduced(self, mean: Operation) -> tuple[int, ...] | None:
        """The axes of a mean that keeps them, counted from the front; None of one that does not."""
        array = self.constant(mean.inputs[1]) if len(mean.inputs) > 1 else mean.attributes.get("axes")
        if array is None or not mean.attributes.get("keepdims", 1):
            return None
        rank = len(shape_of(self.held.values[mean.inputs[0]]))
        return tuple(sorted(int(axis) % rank for axis in np.ravel(array)))
