"""What a file says about a layer that ONNX has no single operator for, or none with the same numbers, which are float32
there: it can be read as that layer again.

The last node of the layer's operators has among its metadata "fastconv": a JSON object with the layer as one types it,
the name of the value that it reads, and the names of its arrays. Other programs pass over it.
"""

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import Layer, layers
from ..models.resnet_cifar import Shortcut

__all__ = ["KEY", "Record", "read", "written"]

KEY = "fastconv"
CLASSES: dict[str, type[Layer]] = {name: getattr(layers, name) for name in layers.__all__} | {"Shortcut": Shortcut}
MOST_TEXT = 100_000  # characters
FAULTS = (ValueError, TypeError, SyntaxError, LookupError, AttributeError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Record:
    """The class and the arguments of a layer, the value that it reads, and its arrays: own name -> name in the file."""

    kind: Callable[..., Layer]
    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    reads: str
    arrays: Mapping[str, str]

    def make(self, name: str | None = None) -> Layer:
        """The layer, with this name."""
        return self.kind(*self.positional, **self.named, name=name)


def written(layer: Layer, reads: str, arrays: Mapping[str, str]) -> str:
    """The text of a record; '' for layers that are not fastconv's own."""
    text = json.dumps({"layer": repr(layer), "reads": reads, "arrays": dict(arrays)})
    return text if CLASSES.get(type(layer).__name__) is type(layer) and read(text) else ""


def read(text: str) -> Record | None:
    """The record of a text; None where it is none. Nothing in it is run."""
    try:
        if len(text) > MOST_TEXT:
            return None
        about = json.loads(text)
        reads, arrays = about["reads"], about["arrays"]
        if not all(isinstance(name, str) for name in (reads, *arrays, *arrays.values())):
            return None
        call: Any = ast.parse(about["layer"], mode="eval").body
        positional = tuple(ast.literal_eval(value) for value in call.args)
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg != "name"}
        return None if None in named else Record(CLASSES[call.func.id], positional, named, reads, arrays)
    except FAULTS:
        return None
