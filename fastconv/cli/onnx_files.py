"""Files of ONNX where a command takes a saved network, and as what `fastconv convert` reads and writes.

The package onnx is imported when the first such file is met.
"""

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checkpoint, saved
from ..data import transforms
from ..network import Network
from ..saved import description
from ..typing import Array, Shape
from .image_files import sizes
from .words import counted

__all__ = ["arrays_of", "is_onnx", "network_in", "opened", "write"]

SUFFIX = ".onnx"
ADD = "add --input CxHxW, such as --input 3x224x224"


def is_onnx(path: str) -> bool:
    """Whether the name of a file is that of one of ONNX."""
    return path.lower().endswith(SUFFIX)


def network_in(path: str, shape: Shape | None = None) -> Network:
    """The network, for images of this shape where the file leaves H and W free."""
    from .. import onnx

    model = onnx.read(path)
    if shape is None:
        check_size(path, model, ADD)
    return model.network(shape)


def check_size(path: str, model: Any, cure: str) -> None:
    """OnnxError if the file leaves the size of images free."""
    from .. import onnx

    free = [each for each in model.inputs if each.shape is None or None in each.shape[1:]]
    if free:
        raise onnx.OnnxError(f"{path}: its input {free[0]} has free extents; {cure}")


def opened(path: str, files: Sequence[str] = (), shape: Shape | None = None) -> tuple[saved.SavedNetwork, bool]:
    """(the network with its classes and the preprocessing before the file's own, whether it reads bytes).

    Where the file leaves H and W free and no shape is given they are those of the images in `files`.
    """
    from .. import onnx

    model = onnx.read(path)
    steps = description.steps_in(path, said(model.metadata, "fastconv.preprocessing"))
    network = model.network(shape or shape_of_images(path, model, files, steps))
    names = description.names_in(path, said(model.metadata, "fastconv.classes"), description.number_of_classes(network))
    return saved.SavedNetwork(network, names, steps), model.reads_bytes


def shape_of_images(path: str, model: Any, files: Sequence[str], steps: Any) -> Shape | None:
    """(C, H, W) of the images, where the file leaves H and W free; None where it says them. OnnxError where all images
    should have one size and have not.
    """
    from .. import onnx

    extents = model.inputs[0].shape
    if len(model.inputs) > 1 or extents is None or len(extents) != 4 or extents[1] is None or None not in extents[2:]:
        check_size(path, model, ADD)
        return None
    found = size_after(steps) or sizes(files)
    if len(found) > 1:
        several = " and ".join(f"{height} x {width}" for height, width in found)
        what = f"its input {model.inputs[0]} has free extents, and there are images of {several} pixels"
        raise onnx.OnnxError(f"{path}: {what}; {ADD}: they are brought to this size")
    if not found:
        check_size(path, model, ADD)
    return (extents[1], *found[0])


def size_after(steps: Any) -> list[tuple[int, int]]:
    """(H, W) that the last change of size makes, if it always makes the same; else none."""
    changes = [transforms.described(step) for step in steps or () if isinstance(steps, list)]
    wanted = [each["arguments"]["size"] for each in changes if each and each["name"] in ("resize", "center_crop")]
    return [tuple(wanted[-1])] if wanted and isinstance(wanted[-1], list) else []


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

    if network is None and is_onnx(options.source):
        network, about = again(options)
    elif network is None:
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


def again(options: Namespace) -> tuple[Network, dict[str, Any]]:
    """(the network of a file of ONNX, what `onnx.save` needs to write it with the same names)."""
    from .. import onnx

    model = onnx.read(options.source)
    if model.reads_bytes:
        what = "reads bytes, and its preprocessing is not written a second time"
        raise ValueError(f"{options.source}: {what}; convert the file that it was made from")
    if options.input is None:
        check_size(options.source, model, f"{ADD}, and --free-size to leave them free in OUT")
    network, classes = model.network(options.input), said(model.metadata, "fastconv.classes")
    about: dict[str, Any] = {"input_names": [each.name for each in model.inputs], "output_names": list(model.outputs)}
    if classes is not None:
        about["classes"] = description.names_in(options.source, classes, description.number_of_classes(network))
    return network, about
