"""NaN and infinity: where they are in the images and arrays that a network was given, and what to write then."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from ..typing import Array


class NotFinite(FloatingPointError):
    """A loss is NaN or infinite; whoever knows the batch adds why."""


def check_finite(loss: Any) -> None:
    """NotFinite if the loss, a number or an array of one, is NaN or infinite."""
    if not isfinite(loss):
        raise NotFinite(f"the loss is {loss}")


def first_image_with_nan(y: Array) -> int | None:
    """The index of the first image with a NaN; None if there is none. The cost: one pass, in about a microsecond.

    argmax takes the first NaN as the largest. It compares without floating-point warnings.
    """
    if not y.size:
        return None
    place = int(y.argmax())
    value = y.item(place)
    return None if value == value else place * len(y) // y.size


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
