"""What a file says about a layer that ONNX has no single operator for, or none with the same numbers, which are float32
there: it can be read as that layer again.

The last node of the layer's operators has among its metadata "fastconv": a JSON object with the layer's class, its
arguments, the name of the value that it reads, and the names of its arrays. Other programs pass over it.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import Layer, layers
from ..models.convnext import LayerScale, PixelLinear
from ..models.resnet_cifar import Shortcut

__all__ = ["CLASSES", "KEY", "STEPS", "Record", "read", "written"]

KEY = "fastconv"
CLASSES, STEPS = "fastconv.classes", "fastconv.preprocessing"  # among the metadata of a file
KINDS: dict[str, type[Layer]] = {name: getattr(layers, name) for name in layers.__all__}
KINDS |= {kind.__name__: kind for kind in (Shortcut, PixelLinear, LayerScale)}
MOST_TEXT = 100_000  # characters
FAULTS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Record:
    """The class and the arguments of a layer, the value that it reads, and its arrays: own name -> name in the file."""

    kind: Callable[..., Layer]
    arguments: Mapping[str, Any]
    reads: str
    arrays: Mapping[str, str]

    def make(self, name: str | None = None) -> Layer:
        """The layer, with this name."""
        return self.kind(**self.arguments, name=name)


def written(layer: Layer, reads: str, arrays: Mapping[str, str]) -> str:
    """The text of a record; '' for layers that are not fastconv's own, and for arguments that JSON does not hold."""
    kind = type(layer)
    if KINDS.get(kind.__name__) is not kind:
        return ""
    names = [name for name in inspect.signature(kind).parameters if name not in ("name", "activation")]
    arguments = {name: getattr(layer, name) for name in names}
    about = {"layer": kind.__name__, "arguments": arguments, "reads": reads, "arrays": dict(arrays)}
    try:
        text = json.dumps(about)
    except TypeError:
        return ""
    return text if len(text) <= MOST_TEXT else ""


def read(text: str) -> Record | None:
    """The record of a text; None where it is none."""
    try:
        about = json.loads(text) if len(text) <= MOST_TEXT else {}
        reads, arrays = about["reads"], about["arrays"]
        arguments = {name: paired(value) for name, value in about["arguments"].items() if name != "name"}
        texts = all(isinstance(name, str) for name in (reads, *arrays, *arrays.values()))
        return Record(KINDS[about["layer"]], arguments, reads, arrays) if texts else None
    except FAULTS:
        return None


def paired(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(map(paired, value)) if isinstance(value, list) else value
