"""Checks of the arrays of optimizers: mappings name -> array that kernels can change in place."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ops import check
from ..ops.overlap import overlaps_itself
from ..typing import Array
from .regions import Region, overlaps, region


def plain(a: Array) -> bool:
    """Whether the kernels can read the array without a copy."""
    return a.flags.c_contiguous and a.flags.aligned


def mapping_is(arrays: object, name: str) -> None:
    """TypeError unless this is a mapping."""
    if not isinstance(arrays, Mapping):
        pair = isinstance(arrays, tuple) and len(arrays) == 2 and isinstance(arrays[1], Mapping)
        cure = "; network.gradients returns (loss, gradients), so unpack it first" if pair else ""
        if hasattr(arrays, "parameters") and hasattr(arrays, "gradients"):
            of_network = {"parameters": "network.parameters", "gradients": "network.gradients(images, labels, loss)[1]"}
            cure = f"; write {of_network[name]}"
        if isinstance(arrays, list | np.ndarray) or (isinstance(arrays, tuple) and not pair):
            cure = f"; give each array a name of your own, such as {name} = {{'w': w, 'b': b}}"
        raise TypeError(f"{name} must be a mapping name -> array, got {type(arrays).__name__}{cure}")


def writable(name: str, a: Any, why: str) -> None:
    """TypeError or ValueError unless kernels can change this array in place; `why` they must."""
    if not isinstance(a, np.ndarray) or a.dtype not in check.DTYPES:
        cure = f"; write {name}.astype('float64') for numbers that can change" if whole(a) else ""
        raise TypeError(f"{name} must be float32 or float64, got {getattr(a, 'dtype', type(a).__name__)}{cure}")
    if not a.flags.writeable:
        raise ValueError(f"{name} must be writable, because it is {why}")
    if not a.flags.c_contiguous and overlaps_itself(a):
        raise ValueError(f"{name} must not overlap itself, got strides {a.strides} for shape {a.shape}")


def whole(a: Any) -> bool:
    """Whether these are whole numbers, such as np.zeros(3, int)."""
    return isinstance(a, np.ndarray) and a.dtype.kind in "biu"


def checked(parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, tuple[Array, Array]]:
    """name -> (parameter, gradient), without empty arrays; all are checked before anything changes."""
    mapping_is(parameters, "parameters")
    mapping_is(gradients, "gradients")
    if parameters.keys() != gradients.keys():
        missing = sorted(parameters.keys() - gradients.keys(), key=str)
        extra = sorted(gradients.keys() - parameters.keys(), key=str)
        raise ValueError(f"gradients must have the names of parameters; missing {missing}, unknown {extra}")
    pairs = {name: (w, gradients[name]) for name, w in parameters.items()}
    for name, (w, dw) in pairs.items():
        for a, what in ((w, name), (dw, f"the gradient of {name}")):
            if not isinstance(a, np.ndarray):
                raise TypeError(f"{what} must be a numpy.ndarray, got {type(a).__name__}")
        if w.shape != dw.shape or w.dtype != dw.dtype:
            cure = f"; write gradients[{name!r}].astype('{w.dtype}')" if w.shape == dw.shape and not whole(w) else ""
            pair = f"parameter {w.shape} {w.dtype} and gradient {dw.shape} {dw.dtype}"
            raise ValueError(f"{name}: {pair} must agree{cure}")
        writable(name, w, "updated")
    return {name: (np.asarray(w), np.asarray(dw)) for name, (w, dw) in pairs.items() if w.size}


def apart(arrays: dict[str, tuple[Array, Array]], regions: Mapping[str, Region]) -> dict[str, tuple[Array, Array]]:
    """name -> (parameter, gradient); a gradient that shares memory with a parameter is copied.

    `regions` has the regions of the parameters, in the same order.
    """
    names = list(arrays)
    both = [*regions.values(), *(region(dw) for _, dw in arrays.values())]  # of parameters, then of gradients
    shared = {names[j - len(names)] for pair in overlaps(both) for i, j in [sorted(pair)] if i < len(names) <= j}
    if not shared:
        return arrays
    return {name: (w, dw.copy() if name in shared else dw) for name, (w, dw) in arrays.items()}


def lie_apart(arrays: Mapping[str, Array]) -> list[Array]:
    """The arrays that are not empty; ValueError if two of them share memory."""
    arrays = {name: np.asarray(a) for name, a in arrays.items() if a.size}
    for i, j in overlaps([region(a) for a in arrays.values()]):
        one, other = sorted((i, j))
        raise ValueError(f"{list(arrays)[one]} and {list(arrays)[other]} share memory; give each array once")
    return list(arrays.values())
