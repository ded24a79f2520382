"""What is given as a loss, an optimizer or a callback; errors say what to write instead."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

LOSSES = {  # letters of a name -> what to write
    "crossentropy": "fastconv.CrossEntropy()",
    "crossentropyloss": "fastconv.CrossEntropy()",
    "categoricalcrossentropy": "fastconv.CrossEntropy()",
    "sparsecategoricalcrossentropy": "fastconv.CrossEntropy()",
    "binarycrossentropy": "fastconv.CrossEntropy() (with two outputs, for classes 0 and 1)",
    "bcewithlogitsloss": "fastconv.CrossEntropy() (with two outputs, for classes 0 and 1)",
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


def check_loss(loss: Any) -> Any:
    """The loss; TypeError if it is not one."""
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


def check_optimizer(optimizer: Any) -> Any:
    """The optimizer; TypeError if it is not one."""
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


def known_as(thing: object, table: Mapping[str, str]) -> str:
    """What to write for a name, a function, a class or an object of another library; all choices if it is unknown."""
    name = thing if isinstance(thing, str) else getattr(thing, "__name__", type(thing).__name__)
    return table.get("".join(filter(str.isalpha, name.lower())), " or ".join(dict.fromkeys(table.values())))


def check_callback(function: object, name: str, takes: str) -> None:
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


def mismatch(function: Callable[..., object], count: int) -> str:
    """Why a function cannot be called with `count` arguments; '' if it can, or if a builtin does not tell."""
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
def mismatch_of_step(step: FunctionType) -> str:
    """Why a function cannot be called as `step(self, parameters, gradients)`; asked in each training step."""
    return mismatch(step, 3)
