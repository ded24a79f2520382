"""Checks of what layers declare: a `Spec` whose shapes are tuples and whose dtypes are names, or an error."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..layer import Array, Parameter, Spec, State
from ..ops import check
from ..typing import Shape

KINDS: dict[str, type[Parameter] | type[State] | type[Array]] = {
    "params": Parameter,
    "state": State,
    "saved": Array,
    "scratch": Array,
}


def checked(spec: Any, dtype: DTypeLike) -> Spec:
    """The Spec with tuples for shapes and names for dtypes; ValueError or TypeError if it is invalid."""
    if not isinstance(spec, Spec):
        raise TypeError(f"spec must return a fastconv.Spec, got {type(spec).__name__}")
    entries = {kind: checked_entries(getattr(spec, kind), kind, dtype) for kind in KINDS}
    both = sorted(entries["params"].keys() & entries["state"].keys())
    if both:
        raise ValueError(f"params and state must have different names, got {both[0]!r} in both")
    return Spec(extents(spec.y_shape, "y_shape", dtype), **entries)


def checked_entries(entries: Any, kind: str, dtype: DTypeLike) -> dict[str, Any]:
    """The Parameters, States or Arrays of a Spec, checked; `kind` is the Spec's field."""
    if not isinstance(entries, Mapping):
        raise TypeError(f"{kind} must be a dict, got {entries!r}")
    return {name: checked_entry(name, entry, kind, dtype) for name, entry in entries.items()}


def checked_entry(name: Any, entry: Any, kind: str, dtype: DTypeLike) -> Any:
    """One Parameter, State or Array, checked."""
    what = f"{kind}[{name!r}]"
    if not isinstance(name, str) or not name or "." in name:
        raise ValueError(f"names in {kind} must be words without dots, got {name!r}")
    if not isinstance(entry, KINDS[kind]):
        raise TypeError(f"{what} must be a fastconv.graph.{KINDS[kind].__name__}, got {type(entry).__name__}")
    if not isinstance(entry, Array) and not callable(entry.init):
        raise TypeError(f"{what}: init must be a function, got {entry.init!r}")
    if not isinstance(entry, Parameter) and entry.dtype is not None:
        entry = entry._replace(dtype=number_type(entry.dtype, what))
    return entry._replace(shape=extents(entry.shape, what, getattr(entry, "dtype", None) or dtype))


def number_type(dtype: DTypeLike, what: str) -> str:
    """The name of a dtype of numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise TypeError(f"{what}: dtype must be one of booleans, integers or floats, got {dtype}")
    return str(dtype.name)


def extents(shape: Any, what: str, dtype: DTypeLike) -> Shape:
    """A tuple of integers >= 1; ValueError if such an array is too large to be addressed."""
    if not isinstance(shape, tuple | list):
        raise TypeError(f"{what} must have a tuple of integers for shape, got {shape!r}")
    sizes = tuple(check.integer(extent, f"each extent of {what}", 1) for extent in shape)
    check.size(sizes, dtype)
    return sizes


def differences(spec: Spec, other: Spec) -> list[str]:
    """The differences of two checked Specs in words; none if the same memory serves both."""
    pairs: dict[str, tuple[Any, Any]] = {"y_shape": (spec.y_shape, other.y_shape)}
    for kind in KINDS:
        own, others = getattr(spec, kind), getattr(other, kind)
        names: Iterable[str] = {**own, **others}
        pairs |= {f"{kind}[{name!r}]": (in_words(own.get(name)), in_words(others.get(name))) for name in names}
    return [f"{what} {first}, not {second}" for what, (first, second) in pairs.items() if first != second]


def in_words(entry: Any) -> str:
    """Shape and dtype of a declared array in words."""
    if entry is None:
        return "missing"
    dtype = getattr(entry, "dtype", None)
    once = "" if getattr(entry, "batched", True) else " once for the batch"
    return f"{entry.shape}{'' if dtype is None else f' {dtype}'}{once}"
