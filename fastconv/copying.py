"""Copies of layers: errors that say which layer cannot be copied or pickled, and what to do."""

import copy
import pickle
import sys
from contextlib import suppress

OTHERS = ("cloudpickle", "dill")  # modules whose pickles take more, such as lambdas


def picklable(layer, name, protocol):
    """PicklingError unless pickle takes the layer, or another that is in use, which may be the one at work."""
    try:
        pickle.dumps(layer, protocol)
    except Exception as error:
        if any(takes(sys.modules[other], layer) for other in OTHERS if other in sys.modules):
            return
        raise pickle.PicklingError(
            f"{name} ({type(layer).__name__}) cannot be pickled: {error}. Let it hold only what pickle takes: classes "
            "and functions that are defined at the top of a module, no lambdas, locks or open files; or save the "
            "weights with network.save(path), build the network again, and load them"
        ) from error


def takes(pickler, layer):
    with suppress(Exception):
        return bool(pickler.dumps(layer))


def copied(layer, name, memo):
    """A deep copy; TypeError where the layer holds what has none."""
    try:
        return copy.deepcopy(layer, memo)
    except Exception as error:
        raise TypeError(
            f"{name} ({type(layer).__name__}) cannot be copied: {error}. Let it hold only what copy.deepcopy takes, or "
            "build the network again and copy the weights"
        ) from error
