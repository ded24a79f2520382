"""Arguments as attributes: each is checked whenever it is set, and shown as one would type it."""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np

from ..ops import check
from ..ops.binding import parameters_of

T = TypeVar("T")
UNSET = object()


class Argument(Generic[T]):
    """An attribute of a layer whose values `check(value, name)` checks, in the constructor and later.

    Parameters
    ----------
    check : function (value, name) -> value
        Gives what is stored, or raises TypeError or ValueError.
    default : optional
        The value where none was set.
    fixed : bool
        It cannot be set once a network has the layer.
    """

    def __init__(self, check: Callable[[Any, str], T], default: Any = UNSET, fixed: bool = False) -> None:
        self.check, self.default, self.fixed = check, default, fixed
        self.name, self.__doc__ = "", "An argument of the layer, see above."

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...

    @overload
    def __get__(self, layer: object, owner: type) -> T: ...

    def __get__(self, layer: object | None, owner: type) -> Self | T:
        if layer is None:
            return self
        value = vars(layer).get(self.name, self.default)
        if value is UNSET:
            raise AttributeError(f"{owner.__name__} has no {self.name} yet", name=self.name, obj=layer)
        found: T = value
        return found

    def __set__(self, layer: Any, value: Any) -> None:
        if self.fixed and layer._used:
            raise AttributeError(
                f"{self.name} of {type(layer).__name__} cannot be set, a network has the layer: "
                f"give another layer the argument {self.name}, and build another network"
            )
        vars(layer)[self.name] = self.check(value, self.name)


def optional(value: Any, name: str, check: Callable[[Any, str], T]) -> T | None:
    """None, or a checked value."""
    return None if value is None else check(value, name)


def is_own(kind: type) -> bool:
    """Whether a class is one of fastconv."""
    return kind.__module__.startswith("fastconv.")


ARRAYS = {"weight", "weights", "kernel", "filters", "running_mean", "running_var", "get_weights", "state_dict"}


def arguments_of(kind: type) -> Mapping[str, Parameter]:
    """The arguments of the constructor; read once per class, for each attribute of each layer asks for them."""
    return parameters_of(kind.__init__)  # type: ignore[misc]  # of the class itself


def check_known(layer: Any, name: str, value: object) -> None:
    """AttributeError for an attribute that the layer does not have; names that begin with _ are free."""
    kind = type(layer)
    if name.startswith("_") or name in arguments_of(kind):
        return
    inner = isinstance(getattr(kind, name, None), Argument)  # of a base: a constructor sets it, and nobody later
    if hasattr(kind, name) and not (inner and name in vars(layer)):
        return
    raise AttributeError(f"{kind.__name__} has no {name}{instead(kind, name, value)}")


def missing(layer: Any, name: str) -> AttributeError:
    """The error for an attribute of a layer that is read and does not exist; many are only asked for."""
    kind = type(layer)
    cure = "" if name.startswith("_") else instead(kind, name, None, guess=False)
    return AttributeError(f"{kind.__name__} has no {name}{cure}", name=name, obj=layer)


def instead(kind: type, name: str, value: object, guess: bool = True) -> str:
    """What a layer has in place of an attribute; with `guess` also the nearest name, or all names."""
    from .options import near, translated  # tables, for errors alone

    known = [*arguments_of(kind)]
    taken = translated(name, value, known)
    if isinstance(getattr(kind, name, None), Argument) and not guess:
        return "; a method __init__ of your own must call super().__init__(...)"
    if name in ARRAYS:
        return ": the arrays are the network's, network.parameters and network.buffers"
    if taken is not None:
        return "; did you mean {}?".format(*taken.options) if taken.options else f": {taken.why}"
    return near(name, known) or f"; it has {', '.join(known)}" if guess else ""


def written(value: Any) -> str:
    """A value as one would type it: names for functions of `fastconv.init`, one number for equal ones."""
    if type(value) is tuple and len(value) > 1 and all(type(v) is int and v == value[0] for v in value):
        return repr(value[0])
    if isinstance(value, partial) and value.func.__module__ == "fastconv.init":
        maker = {"drawn": "normal", "filled": "constant"}.get(value.func.__name__, value.func.__name__)
        return f"fastconv.init.{maker}({', '.join(map(repr, value.args))})"
    if isinstance(value, float) and np.isinf(value):
        return f"float('{value}')"
    kind = getattr(value, "kind", None)
    if kind is not None and is_own(type(value)) and repr(value) == f"{type(value).__name__}()":
        return repr(kind)  # an activation with its default arguments, by its name
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return f"an array of shape {value.shape}"
    if callable(value) and hasattr(value, "__name__"):
        inside = getattr(value, "__module__", None) == "fastconv.init"
        return f"fastconv.init.{value.__name__}" if inside else str(value.__name__)
    return check.shown(value)
