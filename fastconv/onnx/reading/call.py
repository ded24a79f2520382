"""What the function that translates one operation gets: inputs, attributes, and ways to apply layers."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import Layer, Node
from ...nodes.arranged import Arranged, arranged
from ...nodes.settled import settled
from ...typing import Array
from .names import layer_name
from .parsed import Operation
from .values import UNFINISHED, Refused, Unfit, Value, shape_of

if TYPE_CHECKING:
    from .translation import Translation

__all__ = ["Call", "Weights"]

Weights = Mapping[str, tuple[Array, str | None]]  # parameter of a layer -> its values, and its name in the file


class Call:
    """One operation, with the values that it reads."""

    def __init__(self, operation: Operation, translation: "Translation") -> None:
        self.operation, self.translation = operation, translation
        self.values: list[Value] = [translation.values[name] if name else None for name in operation.inputs]

    @property
    def opset(self) -> int:
        """The version of the operators."""
        return self.translation.graph.opset

    def is_constant(self) -> bool:
        """Whether all inputs are constants."""
        return all(value is None or isinstance(value, np.ndarray) for value in self.values)

    def has(self, place: int) -> bool:
        """Whether the input at this place is given."""
        return place < len(self.values) and self.values[place] is not None

    def value(self, place: int) -> Any:
        """The input at this place, which must be given."""
        if not self.has(place):
            raise Refused(f"its input {place + 1} is missing")
        return self.values[place]

    def computed(self, place: int) -> Any:
        """The input at this place, a node or one that is arranged."""
        value = self.value(place)
        if isinstance(value, np.ndarray):
            raise Refused(f"its input {place + 1} is a constant of shape {value.shape}")
        if type(value) in UNFINISHED:
            raise Refused(f"it reads {UNFINISHED[type(value)]}")
        return value

    def arranged(self, place: int = 0, anywhere: bool = False) -> Arranged:
        """The input at this place, computed from the images, before its axes are brought into order.

        `anywhere`: whether the axis of the images may be another than the first.
        """
        value = arranged(self.computed(place))
        if value.place and not anywhere:
            raise Refused(f"its input {place + 1} has the axis of the images as axis {value.place}")
        return value

    def node(self, place: int = 0) -> Node:
        """The input at this place, which must be computed from the images."""
        value = self.computed(place)
        if isinstance(value, Arranged):
            value = self.translation.values[self.operation.inputs[place]] = self.values[place] = settled(value)
        found: Node = value
        return found

    def shape(self, place: int = 0) -> tuple[int, ...]:
        """The shape of an input, with BATCH for the number of images."""
        return shape_of(self.value(place))

    def constant(self, place: int, default: Any = None) -> Array:
        """The input at this place, which must be a constant; `default` where it is left out."""
        if not self.has(place):
            if default is None:
                raise Refused(f"its input {place + 1} is missing")
            return np.asarray(default)
        value = self.values[place]
        if not isinstance(value, np.ndarray):
            raise Refused(f"its input {place + 1} must be a constant, it is computed from the images")
        return value

    def attribute(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The attribute of this name and kind."""
        value = self.operation.attributes.get(name, default)
        if value is not None and not isinstance(value, kind):
            raise Refused(f"its attribute {name} must not be of type {type(value).__name__}")
        return value

    def integer(self, name: str, default: int | None = None) -> Any:
        """An attribute that is an integer."""
        return self.attribute(name, int, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is 0 or 1."""
        value = self.integer(name, int(default))
        if value not in (0, 1):
            raise Refused(f"its attribute {name} must be 0 or 1, got {value}")
        return bool(value)

    def number(self, name: str, default: float | None = None) -> Any:
        """An attribute that is a number."""
        return self.attribute(name, (int, float), default)

    def text(self, name: str, default: str = "") -> str:
        """An attribute that is a word."""
        value = self.attribute(name, (bytes, str), default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def integers(self, name: str, default: Any = None) -> Any:
        """An attribute that is a list of integers, as a tuple."""
        value = self.attribute(name, (list, tuple), default)
        if value is not None and not all(isinstance(each, int) for each in value):
            raise Refused(f"its attribute {name} must be integers")
        return None if value is None else tuple(value)

    def list_of(self, name: str, place: int) -> tuple[int, ...] | None:
        """Integers that are an attribute in older opsets and an input in newer ones; None where they are left out."""
        if self.has(place):
            return tuple(int(n) for n in self.constant(place).reshape(-1))
        found: tuple[int, ...] | None = self.integers(name)
        return found

    def axes(self, axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
        """Axes counted from the front; Refused where there are no such axes, or one twice."""
        found = tuple(axis + rank if axis < 0 else axis for axis in axes)
        if not all(0 <= axis < rank for axis in found) or len(set(found)) < len(found):
            raise Refused(f"axes {axes} of a shape of {rank} axes")
        return found

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return self.operation.inputs

    def source(self, place: int) -> str | None:
        """The name that the input at this place has in the file."""
        return self.sources[place] if self.has(place) else None

    def bias(self, channels: int, axes: int) -> Weights:
        """The constant that the only reader of the result adds to it, if that is one number for each channel."""
        held = self.translation
        readers = held.graph.readers[self.operation.outputs[0]]
        reader = readers[0] if len(readers) == 1 else None
        if reader is None or reader.kind != "Add" or len(reader.inputs) != 2:
            return {}
        other = next((name for name in reader.inputs if name != self.operation.outputs[0]), "")
        array = held.values.get(other)
        shape = (channels, *(1,) * axes)
        if not isinstance(array, np.ndarray) or array.shape not in (shape, (1, *shape)):
            return {}
        held.absorbed.add(reader)
        return {"bias": (array.reshape(-1), other)}

    def trained(self, make: Callable[..., Layer], x: Node, weights: Weights) -> Node:
        """The node of a layer with these arrays: ``make(name=...)``, and the same layer for the same arrays again."""
        held = self.translation
        files = tuple(name for _, name in weights.values())
        key = (repr(make(name="key")), files)
        layer = held.shared.get(key) if None not in files else None
        if layer is None:
            name = layer_name({slot: name for slot, (_, name) in weights.items()}, self.operation, held.names)
            layer = held.shared[key] = make(name=name)
        node: Node = layer(x)
        for slot, (array, source) in weights.items():
            own = f"{node.owner}.{slot}"
            declared = (node.spec.params.get(slot) or node.spec.state[slot]).shape
            if declared != array.shape:
                raise Unfit(f"{source or slot} must have shape {declared}, got {array.shape}")
            held.trained[own] = array
            if source is not None:
                held.origins[own] = source
        return node
