"""The arrays of a network by name: live views, of one flat vector where they are parameters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .kernels.runtime.calls import all_writeable
from .ops import check
from .ops.allocation import aligned, nbytes
from .system.caller import warn
from .typing import Array, Shape

WIDTH = 80  # columns of a text
KEEP = "to keep the values write best = network.parameters.copy(), and later network.parameters.update(best)"
COPIED = "write .copy(), which gives the same mapping with arrays of its own"
INSTEAD = {  # names of methods of other libraries -> what to write
    **dict.fromkeys(("clone", "detach", "cpu", "numpy", "state_dict", "deepcopy"), COPIED),
    **dict.fromkeys(("load_state_dict", "assign", "set"), "write .update(arrays)"),
    **dict.fromkeys(("zero_", "fill_", "zero_grad"), "write .flat[...] = 0"),
    "norm": "write numpy.linalg.norm(arrays.flat)",
    **dict.fromkeys(("abs", "sum", "mean", "max", "min"), "write numpy.abs(arrays.flat).max(), for example"),
    **dict.fromkeys(("size", "numel", "nbytes", "shape"), "write .flat.size, the number of all elements"),
    **dict.fromkeys(("pop", "popitem", "clear", "setdefault"), "the network needs all its arrays, and no other"),
    "named_parameters": "write .items()",
}


def refusal(sign: str) -> Callable[[Any, object], NoReturn]:
    """A method that raises TypeError: what to write in place of a sum or another operation on all arrays."""

    def refuse(self: object, other: object) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(
            f"arrays by name are no array, {type(self).__name__} {sign} {type(other).__name__}; write a.flat {sign} "
            f"b.flat, or a[name] {sign} b[name] for each name; a.flat[...] = values writes into all"
        )

    return refuse


class Named(Mapping[str, Array]):
    """Name -> live array; assigning writes into the array.

    The arrays go on with the network: ``best = network.parameters.copy()`` keeps them as they are now, and
    ``network.parameters.update(best)`` puts them back.

    Callers get views: whatever shape or dtype they set on a view, the array that plans use does not change.
    """

    called = "network.buffers"  # in lines to write

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._own = {name: array.view() for name, array in arrays.items()}
        self._arrays = {name: array.view() for name, array in arrays.items()}

    def __getitem__(self, name: str) -> Array:
        try:
            array = self._arrays[name] = intact(self._arrays[name], self._own[name])
        except KeyError:
            raise KeyError(unknown(name, self._own)) from None
        return array

    def __contains__(self, name: object) -> bool:
        return name in self._own

    def get(self, name: str, default: Any = None) -> Any:
        """The array of this name, or `default`."""
        return self[name] if name in self._own else default

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        array = self[name]
        if value is not array:  # not what `arrays[name] += 1` hands back
            rule = f"that of the array; to broadcast a value write {self.called}[{name!r}][...] = value"
            check.shape_is(np.asarray(value), name, array.shape, rule)
            write(value, array, name)

    def update(self, values: Mapping[str, ArrayLike]) -> None:
        """Write arrays by name; all names are checked before the first is written.

        UserWarning if all of them are these arrays themselves, which have gone on since they were kept.
        """
        if values and all([self[name] is values[name] for name in values]):
            warn(f"update wrote nothing: these are the live arrays of the mapping itself; {KEEP}", UserWarning)
        for name, value in values.items():
            self[name] = value

    def __call__(self) -> NoReturn:
        """Refused: PyTorch has a method of this name."""
        raise TypeError("this is a mapping, not a method: leave out (); its arrays are in .values(), pairs in .items()")

    def __delitem__(self, name: str) -> NoReturn:
        """Refused, because the network needs the array."""
        raise TypeError(
            f"{name} cannot be deleted: the network needs it; to clear it write {self.called}[{name!r}][...] = 0"
        )

    def __or__(self, other: object) -> NoReturn:
        """Refused, because the arrays would be others than the network's."""
        raise TypeError("arrays are not merged: write network.parameters.update(values)")

    def __array__(self, *options: object, **named: object) -> NoReturn:
        """Refused: NumPy would make an array of the names."""
        what = "write arrays.flat, the values one after another, or arrays[name]; numpy.savez(path, **arrays) saves all"
        raise TypeError(f"arrays by name are no array; {what}")

    __ior__ = __or__
    __add__, __radd__, __iadd__ = refusal("+"), refusal("+"), refusal("+")
    __sub__, __rsub__, __isub__ = refusal("-"), refusal("-"), refusal("-")
    __mul__, __rmul__, __imul__ = refusal("*"), refusal("*"), refusal("*")
    __truediv__, __itruediv__ = refusal("/"), refusal("/")

    if not TYPE_CHECKING:  # for the checker of types, what is not there is an error already

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(f"{type(self).__name__} has no {name!r}{self._instead(name)}", name=name, obj=self)

    def _instead(self, name: str) -> str:
        """What to write in place of an attribute that is not there."""
        if name.startswith("_"):  # also while a copy is made, which has no arrays yet
            return ""
        if name in INSTEAD:
            return f"; {INSTEAD[name]}"
        found = [each for each in self._own if each.startswith(f"{name}.") or each == name]
        return f"; write {' or '.join(f'[{each!r}]' for each in found[:4])}" if found else ""

    def memory(self, name: str) -> Array:
        """A view that callers do not get, so that they cannot set its shape and flags."""
        return self._own[name].view()

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        lines = ["<"]
        for name, array in self.items():
            entry = f"{name!r}: {array.shape} {array.dtype}, "
            if len(lines[-1]) + len(entry) > WIDTH:
                lines.append(" ")
            lines[-1] += entry
        return "\n".join(line.rstrip() for line in lines).removesuffix(",") + ">"

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (dict(self),)

    def copy(self) -> "Named":
        """The caller's own copy."""
        return named(self)


def unknown(name: object, known: Iterable[str]) -> str:
    """The message for a name that is not there: names nearly the same, else all of them."""
    names = list(known)
    found = check.nearest(str(name), names, 3) or [each for each in names if str(name) in each][:3]
    cure = f"did you mean {' or '.join(map(repr, found))}?" if found else f"the names are {', '.join(names)}"
    return f"{name!r} is none of the arrays; {cure}"


def named(arrays: Mapping[str, Array]) -> Named:
    """Copies of these arrays, because arrays from a pickle may be read-only."""
    return Named({name: array.copy() for name, array in arrays.items()})


def intact(given: Array, own: Array) -> Array:
    """`given`, the view of `own` that callers have; a new view if they set its shape, strides, dtype or memory."""
    same = given.__array_interface__["data"][0] == own.__array_interface__["data"][0]
    if same and (given.shape, given.strides, given.dtype) == (own.shape, own.strides, own.dtype):
        return given
    return own.view()


def write(value: ArrayLike, array: Array, name: str) -> None:
    """array[...] = value; TypeError or ValueError if that would lose an imaginary part, or a fraction in an integer."""
    if not array.flags.writeable:
        raise ValueError(f"{name} must be writable, got a read-only array; its setflags(write=True) makes it so")
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be numbers that fit {array.dtype}, got {value.dtype}")
    if array.dtype.kind in "iu" and value.dtype != array.dtype:
        with np.errstate(invalid="ignore"):
            whole = value.astype(array.dtype)
        if (whole != value).any() or (array.dtype.kind == "u" and (value < 0).any()):
            raise ValueError(f"{name} must be integers that fit {array.dtype}, got {value}")
    array[...] = value


class Arrays(Named):
    """Arrays of one dtype that are views of one flat vector (gaps of less than a cache line hold zeros)."""

    called = "network.parameters"

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike) -> None:
        starts: dict[str, int] = {}
        total = 0
        for name, shape in shapes.items():
            starts[name] = total
            total += nbytes(shape, dtype) // np.dtype(dtype).itemsize
        self.vector = aligned(total, dtype)  # `flat` as callers do not get it: they may set the shape of theirs
        self._flat = self.vector.view()
        self._shapes, self.starts = dict(shapes), MappingProxyType(starts)  # name -> first element in `flat`
        super().__init__(
            {name: self.vector[starts[name] : starts[name] + prod(s)].reshape(s) for name, s in shapes.items()}
        )

    @property
    def flat(self) -> Array:
        """The vector that holds all arrays, one after another."""
        self._flat = intact(self._flat, self.vector)
        return self._flat

    @flat.setter
    def flat(self, value: object) -> None:
        """Refused, because the arrays lie in the vector."""
        raise AttributeError("flat cannot be replaced: the arrays are parts of it; write flat[...] = values")

    def writable(self) -> bool:
        """Whether the vector and all arrays are, as people hold them."""
        return all_writeable((self._flat, *self._arrays.values()))

    def lie_as(self, other: "Arrays") -> bool:
        """Whether another vector holds arrays of the same names, shapes and dtype at the same places."""
        if self.vector.dtype != other.vector.dtype:
            return False
        return self._shapes is other._shapes or (self.starts, self._shapes) == (other.starts, other._shapes)

    def like(self) -> "Arrays":
        """Zeros of the same names, shapes and dtype."""
        new = Arrays(self._shapes, self.vector.dtype)
        new._shapes = self._shapes
        return new

    def copy(self) -> "Arrays":
        """The caller's own copy."""
        return restored(self._shapes, self.vector.dtype, self.vector)

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (self._shapes, self.vector.dtype.name, self.vector)


def restored(shapes: Mapping[str, Shape], dtype: DTypeLike, vector: Array) -> Arrays:
    """New arrays with the values of a vector."""
    new = Arrays(shapes, dtype)
    check.shape_is(vector, "flat", new.flat.shape, "that of all arrays together")
    new.flat[...] = vector
    return new


class SetOnce:
    """The base of classes with attributes that are set once; `set_once`: name -> what to write instead of that."""

    set_once: Mapping[str, str] = MappingProxyType({})

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.set_once and name in vars(self):
            raise AttributeError(f"{type(self).__name__}.{name} cannot be replaced: {self.set_once[name]}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.set_once:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")
        super().__delattr__(name)
