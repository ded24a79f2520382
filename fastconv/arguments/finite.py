"""NaN and infinity: in a loss, in predictions, in the images and arrays that they come from."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from ..kernels.runtime.calls import first_nan
from ..typing import Array


def check_finite(loss: Any) -> None:
    """FloatingPointError if the loss of a step, a number or an array of one, is NaN or infinite."""
    if not isfinite(loss):
        raise FloatingPointError(f"the loss is {loss}; no parameter has changed")


def first_image_with_nan(y: Array) -> int | None:
    """The index of the first image with a NaN, of results in C order; None if there is none."""
    place = first_nan(y)
    return None if place < 0 else place * len(y) // y.size


def contents(x: Array) -> str:
    """'NaN' or 'infinity' if the array holds such a value, else ''."""
    if x.dtype.names:  # several arrays as one
        return next(filter(None, (contents(x[name]) for name in x.dtype.names)), "")
    if np.isnan(x).any():
        return "NaN"
    return "infinity" if np.isinf(x).any() else ""


def finite(array: Array) -> bool:
    """Whether all numbers are; a sum finds NaN and infinity, and is infinite without them only where it overflows."""
    with np.errstate(all="ignore"):
        return isfinite(np.add.reduce(array, axis=None)) or bool(np.isfinite(array).all())


def not_finite(mapping: str, arrays: Mapping[str, Array]) -> str:
    """'mapping[name] holds NaN' for the first array with such a value; '' if all are finite.

    Where the arrays are parts of one vector, it is looked at first.
    """
    vector = getattr(arrays, "vector", None)
    if vector is not None and finite(vector):
        return ""
    bad = next((name for name, array in arrays.items() if not finite(array)), None)
    return "" if bad is None else f"{mapping}[{bad!r}] holds {contents(arrays[bad])}"


def arrays_not_finite(network: Any) -> str:
    """'network.parameters['conv1.weight'] holds NaN' for the first array that is not finite; '' if all are."""
    return not_finite("network.parameters", network.parameters) or not_finite("network.buffers", network.buffers)


def item_not_finite(name: str, array: Array, chosen: Array | None = None) -> str:
    """'images[512] holds NaN: ...' for the first item with NaN or infinity; '' if there is none.

    Of an epoch only the `chosen` items are looked at; None stands for all.
    """
    items = array if chosen is None else array[chosen]
    if array.dtype.kind != "f" or not items.size:
        return ""
    bad = np.flatnonzero(~np.isfinite(items.reshape(len(items), -1)).all(1))
    if not len(bad):
        return ""
    index = int(bad[0]) if chosen is None else int(chosen[bad[0]])
    axes = "1" if array.ndim == 2 else str(tuple(range(1, array.ndim)))
    kept = f"numpy.isfinite({name})" + (f".all({axes})" if array.ndim > 1 else "")
    return f"{name}[{index}] holds {contents(items)}; with good = {kept} write images[good], labels[good]"
