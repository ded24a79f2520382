"""Copies of layers: errors that say which layer cannot be copied or pickled, and what to do."""

import copy
import pickle
import sys
from contextlib import suppress

OTHERS = ("cloudpickle", "dill")  # modules whose pickles take more, such as lambdas


def picklable(layer, name, protocol):
    """PicklingError if neither pickle nor another pickler that is imported can pickle the layer."""
    try:
        pickle.dumps(layer, protocol)
    except Exception as error:
        if any(takes(sys.modules[other], layer) for other in OTHERS if other in sys.modules):
            return
        raise pickle.PicklingError(
            f"{name} ({type(layer).__name__}) cannot be pickled: {error}. Keep only attributes that pickle takes: "
            "classes and functions at the top of a module, no lambdas, locks or open files. Or save the "
            "weights with network.save(path), build the network again, and load them"
        ) from error


def takes(pickler, layer):
    with suppress(Exception):
        return bool(pickler.dumps(layer))


def copied(layer, name, memo):
    """A deep copy; TypeError if the layer has an attribute that cannot be copied."""
    try:
        return copy.deepcopy(layer, memo)
    except Exception as error:
        raise TypeError(
            f"{name} ({type(layer).__name__}) cannot be copied: {error}. Keep only attributes that "
            "copy.deepcopy takes, or build the network again and copy the weights"
        ) from error
