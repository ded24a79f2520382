"""The command ``fastconv convert``: a network or its weights in another format, or under the names of a model."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from .. import checkpoint, saved
from ..callbacks.nested import PREFIX
from ..checkpoint.contents import with_floats
from ..checkpoint.errors import faults, shortened
from ..checkpoint.names import TRAINING
from ..network import Network
from ..typing import Array
from . import architectures, onnx_files
from .flags import add_arguments, option
from .networks import built
from .streams import Stream, escaped, warnings_in_lines
from .values import float_dtype, image_shape, model, path, positive
from .words import counted, quoted

__all__ = ["add_options", "convert"]


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv convert`."""
    command.set_defaults(run=convert)
    command.add_argument(
        "source", metavar="IN", type=path, help="weights: .npz, .safetensors, .onnx, .pth of PyTorch, or .h5 and .keras"
    )
    command.add_argument("target", metavar="OUT", type=path, help=".npz, .safetensors or .onnx; no file that exists")
    add = option(command)
    add("--model", "NAME", model, "check that the weights fit this model, and give them its names")
    add("--input", "CxHxW", image_shape, "shape of the images, such as 3x32x32 (default: the model's usual one)")
    add("--classes", "N", positive, "outputs of the model (default: the model's own number)")
    add_arguments(command)
    add("--dtype", "DTYPE", float_dtype, "store weights as float16, float32 or float64 (default: as they are)")
    add("--opset", "N", positive, "of OUT, a file of ONNX: the version of its operators (default: 17)")
    command.add_argument("--free-size", action="store_true", help="of OUT, a file of ONNX: leave H and W free")
    command.add_argument("--overwrite", action="store_true", help="replace OUT if it exists; it may be IN itself")


def convert(options: Namespace, output: Stream) -> int:
    """Read IN, say what changes, write OUT; returns the exit code."""
    check_target(options)
    if onnx_files.is_onnx(options.target):
        print(*map(escaped, as_onnx(options)), sep="\n")
        return 0
    lines, arrays, about = renamed(options)[:3] if options.model else unchanged(options)
    if options.dtype is not None:
        try:
            arrays, rounded = with_floats(arrays, options.dtype, TRAINING)
        except ValueError as error:
            raise ValueError(f"--dtype {options.dtype}: {error}") from None
        lines += row("rounded", f" to {options.dtype}", rounded)
    if not arrays:
        raise ValueError(f"{options.source} holds no array that can be written")
    checkpoint.save(options.target, arrays, about)
    size = sum(array.nbytes for array in arrays.values())
    lines.append(f"wrote     {options.target}: {counted(len(arrays), 'array')}, {size:,} bytes")
    print(*map(escaped, lines), sep="\n")
    return 0


def check_target(options: Namespace) -> None:
    """ValueError or OSError if OUT cannot be written, or exists; and for options that need --model."""
    given = {"--input": options.input, "--classes": options.classes, "--model-args": options.model_args}
    if onnx_files.is_onnx(options.source):
        del given["--input"]  # the size that the file may leave free
    if not options.model and (flags := [flag for flag, value in given.items() if value]):
        raise ValueError(f"{quoted(*flags)} describes a model: add --model NAME")
    if onnx_files.is_onnx(options.target):
        check_onnx(options)
    elif options.opset or options.free_size:
        raise ValueError(f"{'--opset' if options.opset else '--free-size'} is for an OUT that ends with .onnx")
    else:
        try:
            checkpoint.check_path(options.target)
        except ValueError as error:
            raise ValueError(str(error).removeprefix("path ").replace("must end", "OUT must end", 1)) from None
    if os.path.lexists(options.target) and not options.overwrite:
        raise ValueError(f"{options.target} exists; add --overwrite to replace it, or choose another name")


def check_onnx(options: Namespace) -> None:
    """ValueError for what is not written as ONNX."""
    if options.dtype == "float16":
        raise ValueError("--dtype float16: fastconv writes files of ONNX in float32 and float64")


def as_onnx(options: Namespace) -> list[str]:
    """Write OUT as a file of ONNX, from the network that IN describes, or from weights and --model."""
    if not options.model:
        return onnx_files.write(options, None)
    lines, *_, network = renamed(options)
    return [*lines, *onnx_files.write(options, network)]


def unchanged(options: Namespace) -> tuple[list[str], Mapping[str, Array], Any]:
    """(what to say, the arrays under the names of the file, its metadata)."""
    if onnx_files.is_onnx(options.source):
        arrays = onnx_files.arrays_of(options.source, options.input)
        return [f"read      {options.source}: {counted(len(arrays), 'array')}"], arrays, None
    found = checkpoint.everything(options.source)
    lines = [f"read      {options.source}: {counted(len(found.arrays) + len(found.left_out), 'array')}"]
    for stored in dict.fromkeys(found.widened.values()):
        names = [name for name, each in found.widened.items() if each == stored]
        lines += row("widened", f" from {stored} to {found.arrays[names[0]].dtype}", names)
    lines += row("left out", "", [f"{name} ({what})" for name, what in found.left_out.items()])
    return lines, found.arrays, found.metadata


def renamed(options: Namespace) -> tuple[list[str], Mapping[str, Array], Any, Network]:
    """(what to say, the arrays under the names of the model, what `fastconv.load` needs, the network); ValueError if an
    array is missing.

    Metadata of the file stays, but for what belongs to the model.
    """
    network = model_of(options)
    from_onnx = onnx_files.is_onnx(options.source)
    source = onnx_files.arrays_of(options.source, options.input) if from_onnx else options.source
    found = checkpoint.comparison(source, network.arrays())
    if found.missing or found.misshapen:
        raise ValueError(unfitting(options, found, network))
    with warnings_in_lines():
        report = network.load(source, strict=False)
    if report.misshapen:  # numbers that its dtype cannot hold
        raise ValueError(unfitting(options, report, network))
    changed = [f"{source.name} -> {name}" for name, source in found.fitting.items() if source.name != name]
    lines = [f"read      {options.source}: {counted(len(found.fitting), 'array')} of {options.model}"]
    lines += row("renamed", "", changed) + row("rounded", f" to {network.dtype}", report.rounded)
    lines += row("left out", "", found.unknown)
    about = report.metadata if isinstance(report.metadata, dict) else {}
    kept = {key: value for key, value in about.items() if value is not None and key != PREFIX}
    described = saved.described(network)
    own = {key: described[key] for key in ("model", "input_shape", "dtype")}
    return lines, network.arrays(), {**described, **kept, **own}, network


def model_of(options: Namespace) -> Network:
    """The network that the options describe."""
    shape = options.input or architectures.usual_input(options.model)
    return built(options.model, shape, architectures.model(options.model, options.classes, options.model_args))


def unfitting(options: Namespace, found: Any, network: Network) -> str:
    """Which arrays of the model the file lacks, or has in another shape, and what to add."""
    other = [f"{name} {how}" for name, how in found.misshapen.items()]
    last = network.nodes[-1].name
    head = other and all(name.startswith(f"{last}.") for name in found.misshapen) and not found.missing
    cure = "; add --classes N" if head and options.classes is None else ""
    return f"{options.source} does not fit {options.model}: {faults(found.missing, [], other)}{cure}"


def row(word: str, how: str, names: list[str]) -> list[str]:
    """A line about some arrays, or none."""
    return [f"{word:<9} {counted(len(names), 'array')}{how}: {shortened(names)}"] if names else []
