"""The arguments of `fastconv.onnx.save`, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike

from ... import Network
from ...ops import check
from .table import Translation

__all__ = [
    "check_distinct",
    "check_network",
    "dtype_of",
    "first_extent",
    "inputs_of",
    "names_of_classes",
    "operators",
    "outputs_of",
    "renamed",
    "translations_of",
]

DTYPES = ("float32", "float64")
OLDEST = 13  # opset


def operators(opset: Any) -> int:
    """The version of the operators; an error for one that is too old, or that the package onnx does not have."""
    newest, number = onnx.defs.onnx_opset_version(), check.integer(opset, "opset", 1)
    if not OLDEST <= number <= newest:
        raise ValueError(f"opset must be from {OLDEST} to {newest}, the newest of onnx {onnx.__version__}, got {opset}")
    return number


def check_network(network: Any, path: Any) -> None:
    """TypeError unless a network comes first; it says what to write."""
    if isinstance(network, Network):
        return
    given, cure = check.shown(network), ""
    if isinstance(path, Network):
        cure = "; network comes before path: write fastconv.onnx.save(network, path)"
    elif isinstance(getattr(network, "network", None), Network):
        cure = "; write save(saved.network, path, preprocessing=saved.preprocessing, classes=saved.classes)"
    elif type(network).__name__ == "FrozenNetwork":
        cure = "; its weights are packed for this processor: give the network that it was frozen from, and freeze=True"
    raise TypeError(f"network must be a fastconv.Network, got {given}{cure}")


def inputs_of(network: Any) -> dict[str, Any]:
    """What a file calls the inputs unless other names are given -> their nodes."""
    nodes = [node for node in network.nodes if node.kind == "input"]
    keys = network.input_shape if isinstance(network.input_shape, dict) else None
    return dict(zip(keys or numbered("input", len(nodes)), nodes, strict=True))


def outputs_of(network: Any) -> dict[str, Any]:
    """The same of the outputs."""
    output = network.output
    if isinstance(output, dict):
        return dict(output)
    nodes = list(output) if isinstance(output, tuple) else [output]
    return dict(zip(numbered("output", len(nodes)), nodes, strict=True))


def numbered(name: str, count: int) -> list[str]:
    """The name itself, or with the numbers of several."""
    return [name] if count == 1 else [f"{name}{i}" for i in range(count)]


def renamed(values: Mapping[str, Any], names: Any, argument: str) -> dict[str, Any]:
    """The values under the names that are given; TypeError or ValueError unless they are so many different texts."""
    if names is None:
        return dict(values)
    found = [names] if isinstance(names, str) else names
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) and name for name in found):
        raise TypeError(f"{argument} must be a list of names, got {check.shown(names)}")
    if len(found) != len(values) or len(set(found)) != len(values):
        raise ValueError(f"{argument} must be {len(values)} different names, got {check.shown(names)}")
    return dict(zip(found, values.values(), strict=True))


def check_distinct(names: Sequence[str], arrays: Mapping[str, Any]) -> None:
    """ValueError for a name that two values would have."""
    twice = [name for place, name in enumerate(names) if name in names[:place] or name in arrays]
    if twice:
        rule = "names of inputs and outputs must differ from each other and from those of parameters"
        raise ValueError(f"{rule}, got {twice[0]!r} twice; write input_names=[...] and output_names=[...]")


def dtype_of(dtype: DTypeLike | None, network: Network) -> np.dtype[Any]:
    """The dtype of the file: that of the network where none is given."""
    try:
        name: Any = network.dtype.name if dtype is None else np.dtype(dtype).name
    except TypeError:
        name = dtype
    return np.dtype(check.choice(name, "dtype", DTYPES))


def first_extent(batch: Any) -> int | str:
    """The name or the number of images; an error for others."""
    if isinstance(batch, str):
        if not batch.isidentifier():
            raise ValueError(f"batch must be a name such as 'N', or a number, got {batch!r}")
        return batch
    return check.integer(batch, "batch", 1)


def names_of_classes(classes: Any, network: Network) -> list[str] | None:
    """The names, as many as the network has outputs; TypeError or ValueError for others."""
    if classes is None:
        return None
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"classes must be a list of names, got {check.shown(classes)}")
    shape = network.output_shape
    if not isinstance(shape, tuple) or not isinstance(shape[0], int) or len(classes) != shape[0]:
        raise ValueError(f"classes must be as many names as the network has classes, got {len(classes)} for {shape}")
    return list(classes)


def translations_of(translations: Any) -> Mapping[type, Translation]:
    """The mapping; TypeError for anything but classes and functions."""
    given = {} if translations is None else translations
    rule = "translations must be a dict, class of layer -> function (layer, part) -> name of the result"
    if not isinstance(given, Mapping):
        raise TypeError(f"{rule}, got {check.shown(given)}")
    for kind, function in given.items():
        if not (isinstance(kind, type) and callable(function)):
            raise TypeError(f"{rule}, got {check.shown(kind)}: {check.shown(function)}")
    return given
