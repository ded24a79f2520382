"""Files of ONNX where a command takes a saved network, and as what `fastconv convert` reads and writes.

The package onnx is imported when the first such file is met.
"""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from .. import checkpoint, saved
from ..network import Network
from ..saved import description
from ..typing import Array, Shape
from .words import counted

__all__ = ["arrays_of", "is_onnx", "network_in", "opened", "write"]

SUFFIX = ".onnx"


def is_onnx(path: str) -> bool:
    """Whether the name of a file is that of one of ONNX."""
    return path.lower().endswith(SUFFIX)


def network_in(path: str, shape: Shape | None = None) -> Network:
    """The network, for images of this shape where the file leaves H and W free."""
    from .. import onnx

    model = onnx.read(path)
    if shape is None:
        check_size(path, model, "add --input CxHxW, such as --input 3x224x224")
    return model.network(shape)


def check_size(path: str, model: Any, cure: str) -> None:
    """OnnxError if the file leaves the size of images free."""
    from .. import onnx

    free = [each for each in model.inputs if each.shape is None or None in each.shape[1:]]
    if free:
        raise onnx.OnnxError(f"{path}: its input {free[0]} has free extents; {cure}")


def opened(path: str) -> tuple[saved.SavedNetwork, bool]:
    """(the network with its classes and the preprocessing before the file's own, whether it reads bytes)."""
    from .. import onnx

    model = onnx.read(path)
    check_size(path, model, "predict in Python: fastconv.onnx.load")
    network = model.network()
    classes, steps = (said(model.metadata, key) for key in ("fastconv.classes", "fastconv.preprocessing"))
    count = description.number_of_classes(network)
    names = description.names_in(path, classes, count)
    return saved.SavedNetwork(network, names, description.steps_in(path, steps)), model.reads_bytes


def said(metadata: Mapping[str, str], key: str) -> Any:
    """What the file says under this name; None where it says nothing, or no JSON."""
    try:
        return json.loads(metadata.get(key, "null"))
    except (ValueError, RecursionError):
        return None


def arrays_of(path: str, shape: Shape | None = None) -> dict[str, Array]:
    """All arrays of the network in the file, by its names; `shape` as for `network_in`."""
    return dict(network_in(path, shape).arrays())


def write(options: Namespace, network: Network | None) -> list[str]:
    """Write OUT, with `network` or the one that IN holds; returns the lines that say so."""
    from .. import onnx

    if network is None:
        about = checkpoint.metadata(options.source)
        if not (isinstance(about, dict) and about.get("model")):
            raise ValueError(f"{options.source} does not say which network its weights are of; add --model NAME")
        found = saved.load(options.source)
        if found.preprocessing == saved.UNKNOWN:
            raise ValueError(f"{options.source}: has preprocessing of somebody's own, which no file of ONNX can hold")
        network, about = found.network, {"classes": found.classes, "preprocessing": found.preprocessing}
    else:
        about = {}
    settings = {"opset": options.opset} if options.opset else {}
    onnx.save(network, options.target, dtype=options.dtype, free_size=options.free_size, **settings, **about)
    steps = about.get("preprocessing")
    reads = "floats" if steps is None else "bytes, which it scales and normalises"
    size = sum(array.nbytes for array in network.arrays().values())
    return [f"wrote     {options.target}: {counted(len(network.arrays()), 'array')}, {size:,} bytes; it reads {reads}"]
