"""Programs that others wrote, with their convolution and pooling replaced by fastconv's by assignment.

Each module has INSTALL (what `pip install` needs), TOLERANCE (of the largest difference / the largest value),
`program()`, which gives a call that returns a list of arrays, and `replace()`, which assigns fastconv's operations.
"""

from importlib import import_module

import numpy as np

NAMES = ("faces", "tutorial", "gabor")


def load(name):
    """The module of a client; ImportError names what has to be installed once `program` is called."""
    return import_module(f"clients.{name}")


def missing(name):
    """What has to be installed before the client runs, or None."""
    client = load(name)
    try:
        for package in client.PACKAGES:
            import_module(package)
    except ImportError as error:
        return f"{error}: pip install {client.INSTALL}"
    return None


def error(results, expected):
    """Largest difference of two lists of arrays, each relative to its largest value; infinite where shapes differ."""
    if [np.shape(a) for a in results] != [np.shape(a) for a in expected]:
        return float("inf")
    pairs = [(np.asarray(a, "float64"), np.asarray(b, "float64")) for a, b in zip(results, expected, strict=True)]
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in pairs if b.size)
