"""NaN and infinity: in a loss, in predictions, in the images and arrays that they come from."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from ..typing import Array


def check_finite(loss: Any) -> None:
    """FloatingPointError if the loss of a step, a number or an array of one, is NaN or infinite."""
    if not isfinite(loss):
        raise FloatingPointError(f"the loss is {loss}; no parameter has changed")


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


def not_finite(mapping: str, arrays: Mapping[str, Array]) -> str:
    """'mapping[name] holds NaN' for the first array with such a value; '' if all are finite."""
    found = ((name, contents(array)) for name, array in arrays.items() if array.dtype.kind == "f")
    return next((f"{mapping}[{name!r}] holds {what}" for name, what in found if what), "")
