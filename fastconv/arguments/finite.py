"""NaN and infinity: where they are in the images and arrays that a network was given, and what to write then."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from ..typing import Array

SMALL = 4096  # values of which a product is the quickest search for NaN


class NotFinite(FloatingPointError):
    """A loss is NaN or infinite; whoever knows the batch adds why."""


def check_finite(loss: Any) -> None:
    """NotFinite if the loss, a number or an array of one, is NaN or infinite."""
    if not isfinite(loss):
        raise NotFinite(f"the loss is {loss}")


def holds_nan(y: Array) -> bool:
    """Whether an array in C order holds a NaN. Infinities alone are none: squares are never inf - inf."""
    if y.size <= SMALL:
        values = y.reshape(-1)
        product = values.dot(values)
        return bool(product != product)
    largest = np.maximum.reduce(y, axis=None)
    return bool(largest != largest)


def first_image_with_nan(y: Array) -> int:
    """The index of the first image with a NaN; there must be one."""
    return int(np.isnan(y).reshape(len(y), -1).any(1).argmax())


def contents(x: Array) -> str:
    """'NaN' or 'infinity' if the array holds such a value, else ''."""
    if np.isnan(x).any():
        return "NaN"
    return "infinity" if np.isinf(x).any() else ""


def not_finite(arrays: Mapping[str, Array]) -> str:
    """'name holds NaN' for the first array with such a value; '' if all are finite."""
    found = ((name, contents(array)) for name, array in arrays.items() if array.dtype.kind == "f")
    return next((f"{name} holds {what}" for name, what in found if what), "")


def cause_of_loss(x: Array, targets: Array, arrays: Mapping[str, Array]) -> str:
    """Why a loss is not finite: an image, a target, or an array of the network; '' if all of them are finite."""
    for name, given in (("x", x), ("targets", targets)):
        for i, one in enumerate(given if given.dtype.kind == "f" else ()):
            if what := contents(one):
                return f"{name}[{i}] holds {what}"
    return not_finite(arrays)
