"""What a layer declares: names and shapes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .ops import check

NONE = MappingProxyType({})


class Parameter(NamedTuple):
    """A trained array: its shape, its initialiser, and the connections into and out of one unit."""

    shape: tuple
    init: object
    fan_in: int = 1
    fan_out: int = 1


class State(NamedTuple):
    """An array that training updates but no gradient does; `init(rng)` gives its first value."""

    shape: tuple
    init: object
    dtype: str | None = None  # None: the network's


class Array(NamedTuple):
    """Memory a layer asks for in a plan; a leading batch axis is added where `batched`."""

    shape: tuple
    dtype: str | None = None
    batched: bool = True


class Spec(NamedTuple):
    """What a layer is for one input shape: names and shapes, no memory. Shapes are without the batch axis.

    Examples
    --------
    >>> import fastconv
    >>> spec = fastconv.layers.Conv2D(4, 3).spec((1, 8, 8), "float32")
    >>> spec.y_shape, spec.params["weight"].shape
    ((4, 6, 6), (4, 1, 3, 3))
    """

    y_shape: tuple
    params: dict = NONE  # name -> Parameter
    state: dict = NONE  # name -> State
    saved: dict = NONE  # name -> Array, written by forward and read by backward
    scratch: dict = NONE  # name -> Array, used within one call


KINDS = {"params": Parameter, "state": State, "saved": Array, "scratch": Array}


def checked(spec, dtype):
    """The Spec with tuples for shapes and names for dtypes; ValueError or TypeError if it is invalid."""
    if not isinstance(spec, Spec):
        raise TypeError(f"spec must return a fastconv.Spec, got {type(spec).__name__}")
    entries = {kind: declared(getattr(spec, kind), kind, dtype) for kind in KINDS}
    both = sorted(entries["params"].keys() & entries["state"].keys())
    if both:
        raise ValueError(f"params and state must have different names, got {both[0]!r} in both")
    return Spec(extents(spec.y_shape, "y_shape", dtype), **entries)


def declared(entries, kind, dtype):
    if not isinstance(entries, Mapping):
        raise TypeError(f"{kind} must be a dict, got {entries!r}")
    made = {}
    for name, entry in entries.items():
        what = f"{kind}[{name!r}]"
        if not isinstance(name, str) or not name or "." in name:
            raise ValueError(f"names in {kind} must be words without dots, got {name!r}")
        if not isinstance(entry, KINDS[kind]):
            raise TypeError(f"{what} must be a fastconv.graph.{KINDS[kind].__name__}, got {type(entry).__name__}")
        if kind in ("params", "state") and not callable(entry.init):
            raise TypeError(f"{what}: init must be a function, got {entry.init!r}")
        if kind != "params" and entry.dtype is not None:
            entry = entry._replace(dtype=number_type(entry.dtype, what))
        made[name] = entry._replace(shape=extents(entry.shape, what, getattr(entry, "dtype", None) or dtype))
    return made


def number_type(dtype, what):
    """The name of a dtype of numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise TypeError(f"{what}: dtype must be one of booleans, integers or floats, got {dtype}")
    return dtype.name


def extents(shape, what, dtype):
    """A tuple of integers >= 1; ValueError if such an array is too large to be addressed."""
    if not isinstance(shape, tuple | list):
        raise TypeError(f"{what} must have a tuple of integers for shape, got {shape!r}")
    shape = tuple(check.integer(extent, f"each extent of {what}", 1) for extent in shape)
    check.size(shape, dtype)
    return shape


def differences(spec, other):
    """The differences of two checked Specs in words; none if the same memory serves both."""
    pairs = {"y_shape": (spec.y_shape, other.y_shape)}
    for kind in KINDS:
        own, theirs = (getattr(one, kind) for one in (spec, other))
        pairs |= {f"{kind}[{name!r}]": (told(own.get(name)), told(theirs.get(name))) for name in {**own, **theirs}}
    return [f"{what} {first}, not {second}" for what, (first, second) in pairs.items() if first != second]


def told(entry):
    """Shape and dtype of a declared array in words."""
    if entry is None:
        return "missing"
    dtype = getattr(entry, "dtype", None)
    once = "" if getattr(entry, "batched", True) else " once for the batch"
    return f"{entry.shape}{'' if dtype is None else f' {dtype}'}{once}"
