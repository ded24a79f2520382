"""What a file says about its network: written as JSON, and read with the caution that a stranger's file needs.

    {"model": {"name": "resnet20", "arguments": {...}}, "input_shape": (3, 32, 32), "dtype": "float32",
     "classes": [...], "preprocessing": [{"name": "normalize", "arguments": {...}}], "metadata": {...}}

A file that says {"model": "lenet5", "input_shape": ..., "classes": ...} and whatever else is read too.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as shortened
from typing import Any

from .. import models
from ..checkpoint import CheckpointError
from ..checkpoint.metadata import written
from ..data import transforms
from ..graph import Node
from ..models.blocks import MAKERS, Model
from ..network import Network
from ..ops import check
from ..typing import Shape

__all__ = ["class_names", "described", "described_steps", "model_of", "names_in", "number_of_classes", "shape_in"]
__all__ += ["UNKNOWN", "metadata_in", "steps_in"]

UNKNOWN = "unknown"  # preprocessing of which a step is a function of somebody's own, which no file can hold
KEYS = ("model", "input_shape", "dtype", "precise", "classes", "preprocessing")
MOST_PIXELS = 1 << 20  # of the input that a file may declare
MOST_STEPS = 100  # of the preprocessing in a file
MOST_TEXT = 10_000  # characters of the description of a model
MOST_NAME = 50  # characters of a name that are compared with others
FAULTS = (ValueError, TypeError, ArithmeticError, MemoryError, RecursionError)  # of calls with a stranger's arguments


def described(network: Network, classes: Any = None, preprocessing: Any = None, metadata: Any = None) -> dict[str, Any]:
    """The metadata of a file from which `load` builds the network.

    A model of one's own is None, and `load` asks for it. Preprocessing with a transform of one's own is UNKNOWN, and
    predictions ask for it. Names that are not as many as the classes of the network are left out.
    """
    names = None if classes is None else [str(name) for name in classes]
    steps: Any = preprocessing
    if preprocessing is not None and not isinstance(preprocessing, str):
        steps = [transforms.described(step) for step in preprocessing]
        steps = UNKNOWN if None in steps else steps
    about = {
        "model": network.model,
        "input_shape": network.input_shape,
        "dtype": network.dtype.name,
        "classes": names if names is not None and len(names) == number_of_classes(network) else None,
        "preprocessing": steps,
        "metadata": {} if metadata is None else metadata,
    }
    return about | ({"precise": True} if network.output.graph.precise else {})


def number_of_classes(network: Network) -> int:
    """The outputs of the network; of one with several classifiers, those of the first."""
    if not isinstance(network.output, Node):
        write = "write network = fastconv.Network(model, shapes).load(path)"
        raise ValueError(f"a network with classes has one output, this one has {len(network.output)}; {write}")
    layer = network.output.layer
    return int(layer.num_classes if layer is not None and layer.kind == "heads" else network.output_shape[0])


# Checks of what is saved: TypeError and ValueError that name the argument.


def class_names(classes: Any, network: Network) -> list[str] | None:
    """The names as a list, one for each class of the network."""
    if classes is None:
        return None
    names = classes.tolist() if hasattr(classes, "tolist") else classes
    if not isinstance(names, list | tuple):
        cure = "; write list(classes)" if hasattr(names, "__iter__") and not isinstance(names, str | Mapping) else ""
        raise TypeError(f"classes must be a list of names, got {check.shown(classes)}{cure}")
    strange = next((name for name in names if not isinstance(name, str)), None)
    if len(names) and not all(isinstance(name, str) for name in names):
        cure = "write classes=[str(name) for name in classes]"
        raise TypeError(f"classes must be names, got {check.shown(strange)} among them; {cure}")
    count = number_of_classes(network)
    if len(names) != count:
        raise ValueError(f"classes must be {count} names, as many as the network has classes, got {len(names)}")
    return list(names)


def described_steps(preprocessing: Any) -> list[dict[str, Any]] | None:
    """The transforms as names and arguments; an error for those that no file can hold, and for random ones."""
    if preprocessing is None:
        return None
    if not isinstance(preprocessing, list | tuple):
        cure = "; write preprocessing=[transform]" if callable(preprocessing) else ""
        raise TypeError(f"preprocessing must be a list of transforms, got {check.shown(preprocessing)}{cure}")
    steps = []
    for number, transform in enumerate(preprocessing):
        step = transforms.described(transform)
        if step is None:
            raise TypeError(
                f"preprocessing[{number}] must be made by fastconv.data.transforms, for a file holds no code, got "
                f"{check.shown(transform)}; leave it out here, and write fastconv.load(path, preprocessing=[...])"
            )
        if transform not in transforms.unchanging([transform]):
            cure = "write preprocessing=fastconv.data.transforms.unchanging(list), which leaves them out"
            raise ValueError(f"preprocessing[{number}] is {step['name']}, which draws random numbers; {cure}")
        steps.append(step)
    written(steps)
    return steps


# What a file says: whatever is wrong with it is a CheckpointError.


def model_of(path: str, model: Any) -> tuple[Callable[[], Model], str]:
    """(what makes the model that the file names, its name); nothing is made yet."""
    if isinstance(model, str) and model in models.known:
        return models.known[model].build, model
    description = {"name": model} if isinstance(model, str) else model
    name = description.get("name") if isinstance(description, dict) else None
    if not (isinstance(name, str) and name in MAKERS):
        near = check.nearest(name[:MOST_NAME], MAKERS, 3) if isinstance(name, str) else []
        meant = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
        why = f"its metadata has the model {shortened(model)}, not one of those in fastconv.models{meant}"
        raise unknown_network(path, f"{why}; {of_ones_own(path)}")
    if len(json.dumps(description)) > MOST_TEXT:
        raise unknown_network(path, f"the arguments of its model are more than {MOST_TEXT:,} characters")
    return lambda: models.build(description), name


def unknown_network(path: str, why: str) -> CheckpointError:
    """The error for a file whose metadata do not say which network it holds."""
    return CheckpointError(f"{path}: does not say which network it holds: {why}")


def of_ones_own(path: str) -> str:
    """The line that loads a network whose model is not in the file."""
    return f"for a model of your own write fastconv.load({path!r}, model=model, input_shape=(C, H, W))"


def shape_in(path: str, about: Mapping[str, Any]) -> Shape:
    """The input shape that a file declares, of a size that may be allocated."""
    shape: Any = about.get("input_shape")
    whole = isinstance(shape, list | tuple) and len(shape) in (1, 3) and all(type(n) is int and n > 0 for n in shape)
    if not (whole and math.prod(shape) <= MOST_PIXELS):
        why = f"its metadata has the input_shape {shortened(shape)}, not three integers such as [1, 28, 28]"
        raise unknown_network(path, f"{why}; write fastconv.load({path!r}, input_shape=(C, H, W))")
    return tuple(shape)


def names_in(path: str, classes: Any, count: int) -> tuple[str, ...] | None:
    """The names of the classes that a file holds."""
    if classes is None:
        return None
    named = isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes)
    if not (named and len(classes) == count):
        raise CheckpointError(
            f"{path}: its metadata has classes that are not {count} strings, as many as the network has classes"
        )
    return tuple(classes)


def steps_in(path: str, preprocessing: Any) -> list[transforms.Transform] | str | None:
    """The transforms that a file names."""
    if preprocessing is None:
        return None
    if preprocessing == UNKNOWN:
        return UNKNOWN
    if not (isinstance(preprocessing, list) and len(preprocessing) <= MOST_STEPS):
        raise CheckpointError(f"{path}: its preprocessing is no list of at most {MOST_STEPS} transforms")
    return [step_in(path, step) for step in preprocessing]


def step_in(path: str, step: Any) -> transforms.Transform:
    """One transform that a file names."""
    try:
        transform = transforms.made(step)
        size = step.get("arguments", {}).get("size", 1)
        area = math.prod(size) if isinstance(size, Sequence) else size * size
        if area > MOST_PIXELS:
            raise ValueError(f"size must be at most {MOST_PIXELS:,} pixels, got {area:,}")
        if transform not in transforms.unchanging([transform]):
            raise ValueError(f"{step['name']} draws random numbers, and is no preprocessing")
    except FAULTS as error:
        raise CheckpointError(f"{path}: its preprocessing cannot be made: {error}") from error
    return transform


def metadata_in(about: Mapping[str, Any]) -> Any:
    """What the caller of `save` gave as metadata."""
    if "metadata" in about:
        return about["metadata"]
    return {key: value for key, value in about.items() if key not in KEYS}
