"""What is given as a model and as its input shape; errors say what to write instead."""

import inspect
from types import ModuleType
from typing import Any

import numpy as np

from ..ops import check
from ..system.caller import warn
from ..typing import Shape

SMALL = 16  # images have at least so many rows and columns, where H x W x C is told from C x H x W
ON_NETWORKS = {  # names that people look for on a model -> what to write
    "fit": "fastconv.fit(network, x, labels)",
    "train": "fastconv.fit(network, x, labels)",
    "compile": "fastconv.fit(network, x, labels)",
    "evaluate": "fastconv.evaluate(network, x, labels)",
    "predict": "network.predict(x)",
    "forward": "network.predict(x)",
    "eval": "network.predict(x)",
    "summary": "network.summary()",
    "parameters": "network.parameters",
    "weights": "network.parameters",
    "state_dict": "network.parameters",
    "save": "network.save(path)",
    "load": "network.load(path)",
}


def no_network(name: str) -> str:
    """What to write where a model is asked for what a network has."""
    line = ON_NETWORKS.get(name)
    made = "a model has no arrays: write network = fastconv.Network(model, input_shape)"
    return f"; {made}, then {line}" if line else f"; {made}"


def name_of(model: object) -> str:
    """The name of a function or class, without a place in memory."""
    name = str(getattr(model, "__qualname__", type(model).__name__)).replace("<locals>.", "")
    return name if name.isidentifier() else name.rpartition(".")[2].replace("<lambda>", "model")


def check_model(model: object, rule: str) -> None:
    """TypeError if the model is not a function of nodes, with what to write instead."""
    cure = not_one(model)
    if cure or not callable(model):
        got = check.described(model) if isinstance(model, type) else check.shown(model)
        got = f"the module {model.__name__}" if isinstance(model, ModuleType) else got
        raise TypeError(f"{rule}, got {got}{cure}")


def not_one(model: Any) -> str:
    """What to write instead of what is no model; empty where nothing is known against it."""
    if isinstance(model, type):
        return f"; this is a class, call it to make a layer: {model.__name__}(...)"
    if isinstance(model, ModuleType):
        return f"; this is a module, write one of its functions, such as {function_of(model)}"
    if isinstance(model, str):
        return instead_of_text(model)
    if isinstance(model, dict):
        return "; write sequential(*layers.values()); a layer has its name in itself: ReLU(name='relu1')"
    if isinstance(model, np.ndarray):
        return "; arrays come later, network.predict(x)"
    if hasattr(model, "inputs") and hasattr(model, "graph"):
        return "; this is a value in a model; write the function of nodes that makes it"
    if hasattr(model, "predict") and hasattr(model, "input_shape") and hasattr(model, "output_shape"):
        return "; this is built already; use it as it is, or build another Network from its model"
    if hasattr(model, "build") and hasattr(model, "input_shape"):
        return "; write Network(entry.build(), entry.input_shape) for an entry of models.known"
    if hasattr(model, "state_dict") and hasattr(model, "modules"):
        return "; a module of PyTorch must be written with fastconv's layers; Network.load reads its weights"
    return ""


def function_of(module: ModuleType) -> str:
    """A function of a module of models that makes a model."""
    package, _, last = module.__name__.rpartition(".")
    for name in vars(module):
        if name.startswith(last) and name[len(last) :].isdigit():
            return f"{package}.{name}()"
    return "fastconv.models.resnet18()"


def instead_of_text(name: str) -> str:
    """What to write instead of a model's or a layer's name."""
    from .names import meant

    for found in (*meant("fastconv.models", name), *meant("fastconv.layers", name)):
        path, _, kind = found.partition(" (")
        if kind.startswith("the layer"):
            return f"; write {path}(...)"
        if path.startswith("fastconv.models."):
            return f"; write {path}"
    return ""


def check_order(model: object, input_shape: object) -> None:
    """TypeError if the shape is given where the model belongs."""
    shape = isinstance(model, int) or (isinstance(model, tuple | list) and all(isinstance(n, int) for n in model))
    if shape and model and (callable(input_shape) or isinstance(input_shape, list)):
        raise TypeError(f"model must be a layer or a function Node -> Node, got {model}; write Network(model, {model})")


def returned(model: object, output: Any) -> str:
    """What to write where a model returned something else than a node."""
    if output is None:
        return f"; is `return` missing in {name_of(model)}?"
    if isinstance(output, tuple | list):
        return "; return one dict or tuple of nodes"
    if isinstance(output, type):
        return f"; this is a class, call it and then its layer: {output.__name__}()(x)"
    if not callable(output):
        return ""
    if callable_with(model):
        return f"; {name_of(model)} makes a model, call it: Network({name_of(model)}(), input_shape)"
    return "; call it on the node: layer(x)"


def callable_with(function: Any, *arguments: object) -> bool:
    """Whether the signature takes these arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a compiled function, which does not tell
        pass
    return True


RULE = "input_shape must be (C, H, W), (C, L) or (features,), without the batch axis"


def input_shapes(input_shape: Any) -> Any:
    """The shape of one input, or a dict or tuple of the shapes of several."""
    if isinstance(input_shape, dict):
        if not input_shape:
            raise ValueError(f"{RULE}; or of several inputs a dict name -> shape, got an empty one")
        check_names(input_shape, "input_shape")
        return {name: sample_shape(shape) for name, shape in input_shape.items()}
    if isinstance(input_shape, tuple | list) and input_shape and isinstance(input_shape[0], tuple | list):
        return tuple(map(sample_shape, input_shape))
    return sample_shape(input_shape)


def check_names(given: Any, what: str) -> None:
    """TypeError if the keys of a dict are no names of inputs or outputs."""
    for name in given if isinstance(given, dict) else ():
        if not isinstance(name, str) or not name:
            raise TypeError(f"{what} must have names as keys, texts that are not empty, got {name!r}")


def sample_shape(input_shape: Any) -> Shape:
    """(C, H, W), (C, L) or (features,), from one of these or from the number of features."""
    if hasattr(input_shape, "__index__") and np.ndim(input_shape) == 0:
        input_shape = (input_shape,)
    if not isinstance(input_shape, tuple | list | np.ndarray):
        cure = "; write (1, 28, 28), numbers and no text" if isinstance(input_shape, str) else ""
        raise TypeError(f"{RULE}, got {check.shown(input_shape)}{cure}")
    if isinstance(input_shape, np.ndarray) and (input_shape.ndim != 1 or input_shape.dtype.kind not in "iu"):
        raise TypeError(f"{RULE}, got an array of shape {input_shape.shape}; write x.shape[1:]")
    shape = tuple(input_shape)
    if len(shape) not in (1, 2, 3) or (len(shape) > 1 and shape[0] is None):
        raise ValueError(f"{RULE}, got {shape}{other_axes(shape)}")
    shape = tuple(extent(n, shape) for n in shape)
    warn_of_channels_last(shape)
    return shape


def extent(value: Any, shape: tuple[Any, ...]) -> int:
    """One number of an input shape."""
    try:
        return check.integer(value, "input_shape", 1)
    except TypeError:
        whole = tuple(int(n) for n in shape if isinstance(n, int | float | np.number) and n == n and int(n) == n)
        if len(whole) == len(shape):
            cure = f"; write {whole}"
        else:
            cure = "; it has no batch axis" if None in shape else ""
        raise TypeError(f"{RULE}, got {shape}{cure}") from None


def other_axes(shape: tuple[Any, ...]) -> str:
    """What to write instead of a shape with four numbers or more, or with a batch axis."""
    match shape:
        case (None, features):
            return f"; write ({features},)"
        case (_, height, width, channels) if is_channels_last((height, width, channels)):
            return f"; write {(channels, height, width)}, and give images as x.transpose(0, 3, 1, 2)"
        case (_, channels, height, width):
            return f"; write {(channels, height, width)}, which is x.shape[1:] of a batch x"
        case (_, _, _, _, _):
            return "; 3-D images are not supported: the most is (C, H, W)"
    return ""


def is_channels_last(shape: tuple[Any, ...]) -> bool:
    """Whether a shape of three numbers is plainly (H, W, C): 1 or 3 channels behind larger numbers."""
    if not all(isinstance(n, int | np.integer) for n in shape):
        return False
    height, width, channels = shape
    return bool(min(height, width) >= SMALL and (channels == 3 or (channels == 1 and height == width)))


def warn_of_channels_last(shape: Shape) -> None:
    """UserWarning for a shape that is plainly (H, W, C); it is taken as it is written."""
    if len(shape) == 3 and is_channels_last(shape):
        height, width, channels = shape
        warn(
            f"input_shape {shape} means {height} channels of {width} x {channels} pixels; for images of {height} x "
            f"{width} pixels write {(channels, height, width)}, and give them as x.transpose(0, 3, 1, 2)",
            UserWarning,
        )
