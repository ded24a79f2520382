"""Checks of what layers declare: a `Spec` whose shapes are tuples and whose dtypes are names, or an error."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..init import named
from ..layer import Array, Layer, Parameter, Spec, State
from ..ops import check
from ..typing import Shape

MAX_AXES = 3  # of one image: (C, H, W)
KINDS: dict[str, type[Parameter] | type[State] | type[Array]] = {
    "params": Parameter,
    "state": State,
    "saved": Array,
    "scratch": Array,
}


def checked(spec: Any, dtype: DTypeLike) -> Spec:
    """The Spec with tuples for shapes and names for dtypes; ValueError or TypeError if it is invalid."""
    if not isinstance(spec, Spec):
        raise TypeError(f"spec must return a fastconv.Spec, got {type(spec).__name__}{instead_of(spec)}")
    entries = {kind: checked_entries(getattr(spec, kind), kind, dtype) for kind in KINDS}
    both = sorted(entries["params"].keys() & entries["state"].keys())
    if both:
        raise ValueError(f"params and state must have different names, got {both[0]!r} in both")
    return Spec(without_batch(extents(spec.y_shape, "y_shape", dtype)), **entries)


def no_model(layer: Layer) -> None:
    """TypeError for a class that holds layers and calls them in `forward`, as modules of PyTorch do."""
    kind = type(layer)
    if kind.spec is Layer.spec and any(map(holds_layers, vars(layer).values())):
        raise TypeError(
            f"{kind.__name__} holds layers, so it is a model and no layer: write class {kind.__name__}: without a "
            "base, and def __call__(self, x): in place of def forward(self, x):"
        )


def holds_layers(value: Any) -> bool:
    """Whether the value is a layer, a sequential, or a list with layers."""
    several = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(each, Layer) or hasattr(each, "parts") for each in several)


def instead_of(returned: Any) -> str:
    """What to write where `spec` returned something else."""
    if returned is None:
        return "; is `return` missing? Such as: return fastconv.Spec(x_shape)"
    shapes = isinstance(returned, tuple | list) and all(isinstance(n, int) for n in returned)
    return f"; write return fastconv.Spec({tuple(returned)})" if shapes else ""


def without_batch(y_shape: Shape) -> Shape:
    """The shape; ValueError where it has more axes than an image."""
    if len(y_shape) > MAX_AXES:
        raise ValueError(f"y_shape must be without the batch axis, got {y_shape}; write {y_shape[1:]}")
    return y_shape


def checked_entries(entries: Any, kind: str, dtype: DTypeLike) -> dict[str, Any]:
    """The Parameters, States or Arrays of a Spec, checked; `kind` is the Spec's field."""
    if not isinstance(entries, Mapping):
        raise TypeError(f"{kind} must be a dict, got {entries!r}; write {kind}={{'name': {declared_as(kind)}}}")
    return {name: checked_entry(name, entry, kind, dtype) for name, entry in entries.items()}


def checked_entry(name: Any, entry: Any, kind: str, dtype: DTypeLike) -> Any:
    """One Parameter, State or Array, checked."""
    what = f"{kind}[{name!r}]"
    if not isinstance(name, str) or not name or "." in name:
        raise ValueError(f"names in {kind} must be words without dots, got {name!r}")
    if not isinstance(entry, KINDS[kind]):
        shape = tuple(entry) if isinstance(entry, tuple | list) else (3,)
        wanted = f"{what} must be a {declared_as(kind).partition('(')[0]}, got {type(entry).__name__}"
        raise TypeError(f"{wanted}; write {declared_as(kind, shape)}")
    if not isinstance(entry, Array):
        entry = entry._replace(init=rule(entry, what))
    if not isinstance(entry, Parameter) and entry.dtype is not None:
        entry = entry._replace(dtype=number_type(entry.dtype, what))
    return entry._replace(shape=extents(entry.shape, what, getattr(entry, "dtype", None) or dtype))


def declared_as(kind: str, shape: Any = (3,)) -> str:
    """An entry as one writes it."""
    if kind == "params":
        return f"fastconv.Parameter({shape}, fastconv.init.zeros)"
    init = ", lambda rng: 0" if kind == "state" else ""
    return f"fastconv.graph.{KINDS[kind].__name__}({shape}{init})"


def rule(entry: Parameter | State, what: str) -> Any:
    """The initialiser: a function, or the name of a rule of `fastconv.init`; for a State a rule gets its shape too."""
    init: Any = entry.init
    if not callable(init) and not isinstance(init, str | int | float):
        raise TypeError(f"{what}: init must be a function, got {init!r}; write fastconv.init.zeros")
    try:
        init = named(init)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    function = getattr(init, "func", init)  # of a partial, such as fastconv.init.constant(1)
    if isinstance(entry, State) and getattr(function, "__module__", None) == named.__module__:
        return partial(init, shape=entry.shape, fan_in=1, fan_out=1)
    return init


def number_type(dtype: DTypeLike, what: str) -> str:
    """The name of a dtype of numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise TypeError(f"{what}: dtype must be one of booleans, integers or floats, got {dtype}")
    return str(dtype.name)


def extents(shape: Any, what: str, dtype: DTypeLike) -> Shape:
    """A tuple of integers >= 1; ValueError if such an array is too large to be addressed."""
    if not isinstance(shape, tuple | list):
        cure = f"; write ({shape},)" if isinstance(shape, int) else ""
        raise TypeError(f"{what} must have a tuple of integers for shape, got {shape!r}{cure}")
    if None in shape:
        raise TypeError(f"{what} must be without the batch axis, got {shape}; write {tuple(shape)[1:]}")
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
