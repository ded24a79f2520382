"""The arrays of a module, known by their identity, and the layers that hold them."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from ... import Layer, Node
from ...nodes.refused import Refused
from .tensors import is_traced

__all__ = ["Weights"]


class Weights:
    """Which tensor of the module each array of the network comes from.

    Attributes
    ----------
    tensors : dict
        Name of an array of the network -> the tensor.
    """

    def __init__(self, module: Any) -> None:
        self.names: dict[int, str] = {}
        for named in (module.named_parameters, module.named_buffers):
            for name, value in named(remove_duplicate=False):
                self.names.setdefault(id(value), name)
        self.layers: dict[Any, Layer] = {}
        self.taken: dict[str, tuple[int, ...]] = {}  # name of a layer -> its tensors
        self.tensors: dict[str, Any] = {}
        self.kept: list[Any] = []  # computed weights: while they live no other tensor has their id

    def layer(self, make: Callable[..., Layer], x: Node, tensors: Mapping[str, Any], place: str) -> Node:
        """The node of a layer with these tensors: ``make(name=...)``, and the same layer for the same tensors again."""
        given = {slot: self.own(value) for slot, value in tensors.items() if value is not None}
        self.kept += given.values()
        ids = tuple(id(value) for value in given.values())
        key = (repr(make(name="key")), ids)
        layer = self.layers.get(key)
        if layer is None:
            self.check_alone(given)
            layer = self.layers[key] = make(name=self.name(given, place))
        node: Node = layer(x)
        for slot, value in given.items():
            declared = (node.spec.params.get(slot) or node.spec.state[slot]).shape
            if value.numel() != prod(declared):
                own = self.names.get(id(value), slot)
                raise Refused(f"{own} is {tuple(value.shape)}, and {declared} would fit images {x.shape}")
            self.tensors[f"{node.owner}.{slot}"] = value
        return node

    def own(self, value: Any) -> Any:
        """The tensor of the module that a tensor is, or whose values it shows in another shape."""
        if is_traced(value):
            raise Refused("one of its weights is computed from the images")
        base = value._base if value._is_view() else None
        same = base is not None and id(base) in self.names and value.is_contiguous() and value.numel() == base.numel()
        return base if same and id(value) not in self.names else value

    def check_alone(self, given: Mapping[str, Any]) -> None:
        """Refused where one of the tensors belongs to another layer: arrays are shared with a layer or not at all."""
        held = {i for ids in self.taken.values() for i in ids}
        both = [self.names.get(id(value), slot) for slot, value in given.items() if id(value) in held]
        if both:
            raise Refused(f"shares {', '.join(both)} with another layer: layers share all of their arrays, or none")

    def name(self, given: Mapping[str, Any], place: str) -> str:
        """The name for which the arrays are called as in the module, wherever there is such a name."""
        known = {slot: self.names[id(value)] for slot, value in given.items() if id(value) in self.names}
        wanted = [name.removesuffix(f".{slot}") for slot, name in known.items() if name.endswith(f".{slot}")]
        first = next(iter([*wanted, *known.values(), place or "layer"]))
        name, number = first, 1
        while name in self.taken:
            number += 1
            name = f"{first}#{number}"
        self.taken[name] = tuple(id(value) for value in given.values())
        return name
