"""The mode of PyTorch in which a forward makes nodes."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from ... import Node
from ...nodes.arranged import Arranged
from ...nodes.refused import BATCH, Refused
from .places import Places
from .tensors import Lost, Traced, family, is_traced, new
from .weights import Weights

__all__ = ["Ended", "Trace"]

FAULTS = (ValueError, TypeError, ArithmeticError, LookupError)
SHAPES = {"__get__", "size", "dim", "ndimension", "numel", "nelement", "is_floating_point", "is_complex", "stride"} | {
    "is_contiguous",
    "element_size",
    "__len__",
    "__hash__",
    "get_device",
    "is_tensor",
}
DECIDES = {"__bool__", "item", "tolist", "numpy", "__float__", "__int__", "__index__", "__array__", "__contains__"}
IN_PARTS = {"unbind", "__iter__", "split", "chunk", "tensor_split", "split_with_sizes"}  # of the batch: too many
CHANGED = "was changed in place after it was read as another shape or part: in PyTorch both change"


class Ended(Exception):
    """The forward cannot go on."""


class Trace(TorchFunctionMode):  # type: ignore[misc]
    """While it is on, functions that read a `Traced` tensor give others, by the table of operations.

    Attributes
    ----------
    places : Places
        Where in the module the forward is.
    weights : Weights
        The arrays of the network that is made.
    refused : list of str
        What fastconv cannot compute.
    """

    def __init__(self, module: Any, dtype: Any, table: dict[str, Callable[..., Any]]) -> None:
        super().__init__()
        self.module, self.dtype, self.table = module, dtype, table
        self.places, self.weights = Places(module), Weights(module)
        self.refused: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if "input" in kwargs and not args:
            args = (kwargs.pop("input"),)
        given = [each for each in tree_flatten((args, kwargs))[0] if is_traced(each)]
        if not given:
            return self.beside(function, args, kwargs)
        name = function.__name__
        if name in SHAPES:
            with torch._C.DisableTorchFunctionSubclass():
                found = function(*args, **kwargs)
            return found if not is_traced(found) else self.lost(function, args, kwargs)
        if name in DECIDES:
            self.refuse(name.strip("_"), "the forward decides by the values of tensors, or takes them elsewhere")
            raise Ended
        if name == "__setitem__":
            return self.written(args[0])
        operation = self.table.get(name) or self.table.get(name.removesuffix("_"))
        changes = changed(name, args, kwargs)
        try:
            if operation is None:
                raise Refused("fastconv has no such function")
            result = self.wrapped(operation(self, *args, **kwargs), given if is_view(name) else [])
        except (Refused, *FAULTS) as error:
            if operation is None or not any(isinstance(each.value, Lost) and not each.value.why for each in given):
                self.refuse(name, str(error) or type(error).__name__)
            result = self.lost(function, args, kwargs)
        return result if changes is None else self.in_place(changes, result)

    def beside(self, function: Any, args: Any, kwargs: Any) -> Any:
        """A function of other tensors; a tensor of the size of the batch would be as large as it looks."""
        if any(isinstance(each, int) and each == BATCH for each in tree_flatten((args, kwargs))[0]):
            self.refuse(function.__name__, "makes a tensor with a value for each image")
            raise Ended
        return function(*args, **kwargs)

    def wrapped(self, value: Any, whole: list[Any]) -> Any:
        """Tensors of what an operation gives; `whole`: what it is a part or another shape of."""
        if type(value) in (list, tuple):
            return tuple(self.wrapped(each, whole) for each in value)
        if isinstance(value, Node | Arranged):
            return new(value, self.dtype, family(whole[0]) if whole else None)
        return value

    def lost(self, function: Any, args: Any, kwargs: Any) -> Any:
        """The shapes of what is not computed, so that the forward goes on and all that is refused is found."""
        if function.__name__ in IN_PARTS:
            raise Ended
        try:
            with torch.no_grad():
                found = function(*tree_map(shaped, args), **tree_map(shaped, kwargs))
        except Exception:
            raise Ended from None
        return tree_map(lambda y: new(Lost(tuple(y.shape)), y.dtype) if isinstance(y, torch.Tensor) else y, found)

    def in_place(self, x: Any, y: Any) -> Any:
        """x with the value of y, and nothing that can be read in its parts and other shapes."""
        for each in family(x):
            if each is not x:
                each.value = Lost(tuple(each.shape), CHANGED)
        x.value, x.family = y.value, [x]
        return x

    def written(self, x: Any) -> None:
        """A part of a tensor is written."""
        self.refuse("__setitem__", "writes a part of a tensor; write torch.cat")
        for each in family(x):
            each.value = Lost(tuple(each.shape))

    def refuse(self, name: str, why: str) -> None:
        """Note what is refused."""
        text = f"{self.places.text()}: {name}: {why}"
        if text not in self.refused:
            self.refused.append(text)

    def layer(self, make: Callable[..., Any], x: Node, **tensors: Any) -> Node:
        """The node of a layer with these tensors as its parameters and buffers."""
        return self.weights.layer(make, x, tensors, self.places.name)

    def tensors(self, values: Any) -> Iterator[Traced]:
        """Inputs of the forward."""
        for value in values:
            yield new(value, self.dtype)


def changed(name: str, args: Any, kwargs: Any) -> Any:
    """The tensor that a function changes in place; None if it changes none."""
    if kwargs.get("inplace") is True or (name.endswith("_") and not name.endswith("__")):
        return args[0]
    return args[0] if name.startswith("__i") and name in IN_PLACE else None


IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__idiv__", "__itruediv__", "__ipow__"}
VIEWS = (
    {"view", "reshape", "flatten", "unflatten", "permute", "transpose", "swapaxes", "swapdims", "squeeze", "unsqueeze"}
    | {"chunk", "split", "split_with_sizes", "unbind", "narrow", "select", "__getitem__", "expand", "expand_as"}
    | {"view_as", "reshape_as", "contiguous", "to", "type_as", "float", "double"}
)


def is_view(name: str) -> bool:
    """Whether a function gives the same memory again, or may do so."""
    return name in VIEWS


def shaped(value: Any) -> Any:
    """A tensor of the same shape without memory."""
    if not isinstance(value, torch.Tensor):
        return value
    with torch._C.DisableTorchFunctionSubclass():
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
