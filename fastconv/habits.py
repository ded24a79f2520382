"""What people write from habit in place of an object, and what to write instead."""

import inspect
from functools import lru_cache
from types import FunctionType

import numpy as np

from .ops import check

LOSSES = {  # letters of a name -> what to write
    "crossentropy": "fastconv.CrossEntropy()",
    "crossentropyloss": "fastconv.CrossEntropy()",
    "categoricalcrossentropy": "fastconv.CrossEntropy()",
    "sparsecategoricalcrossentropy": "fastconv.CrossEntropy()",
    "mse": "fastconv.MSE('mean')",
    "mseloss": "fastconv.MSE('mean')",
    "meansquarederror": "fastconv.MSE('mean')",
}
OPTIMIZERS = {
    "sgd": "fastconv.SGD(lr=0.1)",
    "adam": "fastconv.Adam()",
    "adamw": "fastconv.AdamW()",
    "rmsprop": "fastconv.RMSprop()",
}


def check_model(model, rule):
    """TypeError for what is no function of nodes, with what to write."""
    cure = ""
    if isinstance(model, type):
        cure = f"; the class makes a layer when it is called: {model.__name__}(...)"
    elif isinstance(model, list | tuple):
        cure = "; of several layers make one model: sequential(*layers)"
    elif callable(model):
        return
    raise TypeError(f"{rule}, got {model!r}{cure}")


def check_options(layer, options):
    """TypeError for a layer of fastconv with an activation by name; a class of your own may take one."""
    if "activation" in options and layer.__init__.__module__.startswith(f"{__package__}."):
        raise TypeError(
            f"{layer.__name__} takes no activation, got activation={options['activation']!r}: an activation is a layer "
            f"of its own, sequential({layer.__name__}(...), ReLU())"
        )


def sample_shape(input_shape):
    """(C, H, W) or (features,), from one of these or from the number of features."""
    rule = "input_shape must be (C, H, W) or (features,), without the batch axis"
    if hasattr(input_shape, "__index__") and np.ndim(input_shape) == 0:
        input_shape = (input_shape,)
    if not isinstance(input_shape, tuple | list | np.ndarray):
        raise TypeError(f"{rule}, got {input_shape!r}")
    if len(input_shape) not in (1, 3):
        raise ValueError(f"{rule}, got {tuple(input_shape)}")
    return tuple(check.integer(extent, "input_shape", 1) for extent in input_shape)


def check_loss(loss):
    """The loss; TypeError for what is none."""
    rule = "loss must be a loss object"
    if isinstance(loss, type) and hasattr(loss, "prepare"):
        raise TypeError(f"{rule}, got the class {loss.__name__}; write loss={loss.__name__}()")
    if isinstance(loss, str) or (callable(loss) and not hasattr(loss, "prepare")):
        raise TypeError(f"{rule}, got {loss!r}; write loss={known_as(loss, LOSSES)}")
    for method in ("prepare", "target_array", "bind"):
        if not callable(getattr(loss, method, None)):
            raise TypeError(f"{rule}, such as fastconv.CrossEntropy(), got {loss!r}, which has no {method}")
    try:
        hash(loss)
    except TypeError:
        raise TypeError(f"loss must be hashable, as a frozen dataclass is, got {loss!r}") from None
    return loss


def check_optimizer(optimizer):
    """The optimizer; TypeError for what is none."""
    rule = "optimizer must be an object with step(parameters, gradients)"
    if isinstance(optimizer, str | type):
        raise TypeError(f"{rule}, got {optimizer!r}; write optimizer={known_as(optimizer, OPTIMIZERS)}")
    if not callable(getattr(optimizer, "step", None)):
        raise TypeError(f"{rule}, such as fastconv.SGD(lr=0.1), got {optimizer!r}")
    step = getattr(type(optimizer), "step", None)
    if isinstance(step, FunctionType) and (wrong := mismatch_of_step(step)):
        cure = f"write optimizer={known_as(optimizer, OPTIMIZERS)}"
        raise TypeError(f"{rule}, got {type(optimizer).__name__}, whose step does not take these ({wrong}); {cure}")
    return optimizer


def known_as(thing, table):
    """What to write for a text, a function, a class or an object of another library; for an unknown name, all of it."""
    name = thing if isinstance(thing, str) else getattr(thing, "__name__", type(thing).__name__)
    return table.get("".join(filter(str.isalpha, name.lower())), " or ".join(dict.fromkeys(table.values())))


def check_callback(function, name, takes):
    """TypeError for what cannot be called with one argument; None is no callback."""
    if function is None:
        return
    rule = f"{name} must be a function that takes {takes}"
    if isinstance(function, type):
        raise TypeError(f"{rule}, got the class {function.__name__}; write {name}={function.__name__}()")
    if not callable(function):
        raise TypeError(f"{rule}, got {function!r}")
    if wrong := mismatch(function, 1):
        raise TypeError(f"{rule} alone, got {function!r}: {wrong}")


def mismatch(function, count):
    """Why a function cannot be called with so many arguments; '' where it can, or a builtin does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        return str(error)
    return ""


@lru_cache
def mismatch_of_step(step):
    """Asked in each training step, of functions of classes."""
    return mismatch(step, 3)
