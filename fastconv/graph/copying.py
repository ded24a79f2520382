"""Copies of layers, with errors that say which layer cannot be copied or pickled, and what to do."""

import copy
import pickle
import sys
from typing import Any

from ..layer import Layer

OTHERS = {"cloudpickle", "dill"}  # modules whose pickles take more, such as lambdas


def picklable(layer: Layer, name: str, protocol: Any) -> None:
    """PicklingError if neither pickle can pickle the layer, nor another pickler if one is at work."""
    try:
        pickle.dumps(layer, protocol)
    except Exception as error:
        other = at_work()
        if other is not None and takes(other, layer):
            return
        raise pickle.PicklingError(
            f"{name} ({type(layer).__name__}) cannot be pickled: {error}. Keep only attributes that pickle takes: "
            "classes and functions at the top of a module, no lambdas, locks or open files. Or save the "
            "weights with network.save(path), build the network again, and load them"
        ) from error


def at_work() -> Any:
    """The module in OTHERS, or a copy of one inside another package, that is pickling now; None if pickle itself is."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        module = sys.modules.get(name) if OTHERS & set(name.split(".")) else None
        if hasattr(module, "dumps"):
            return module
        frame = frame.f_back  # type: ignore[assignment]
    return None


def takes(pickler: Any, layer: Layer) -> bool:
    """Whether a module with a function `dumps` can pickle the layer."""
    try:
        return bool(pickler.dumps(layer))
    except Exception:
        return False


def copied(layer: Layer, name: str, memo: dict[int, Any]) -> Layer:
    """A deep copy; TypeError if the layer has an attribute that cannot be copied."""
    try:
        return copy.deepcopy(layer, memo)
    except Exception as error:
        raise TypeError(
            f"{name} ({type(layer).__name__}) cannot be copied: {error}. Keep only attributes that "
            "copy.deepcopy takes, or build the network again and copy the weights"
        ) from error
