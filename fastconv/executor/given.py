"""What methods of layers get and return: arrays that are written into, and lists of calls; errors say what to write."""

from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..layer import Bound
from ..ops import check
from ..typing import Call

WRITTEN = {"x", "y", "dx", "dy"}


class Given(Bound):
    """A `Bound` whose arrays stay those that the network reads."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in WRITTEN and name in vars(self):
            raise AttributeError(f"b.{name} cannot be replaced: the network reads it; write b.{name}[...] = values")
        super().__setattr__(name, value)


class Namespace(SimpleNamespace):
    """Arrays as attributes, by the names that the layer declared."""

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{name} cannot be replaced, the network has the array; write b....{name}[...] = values")

    if not TYPE_CHECKING:  # the checker of types does not know what a layer declared

        def __getattr__(self, name: str) -> NoReturn:
            known = ", ".join(vars(self)) or "no arrays here"
            cure = "" if name.startswith("_") else f": the layer declares {known}; names are the keys in its Spec"
            raise AttributeError(f"no array {name!r}{cure}", name=name, obj=self)

    def __getitem__(self, name: str) -> NoReturn:
        """Refused."""
        raise TypeError(f"arrays are attributes: write b.params.{name}, and alike in grads, state and saved")


def calls(made: Any, method: str) -> list[Call]:
    """The result of a layer's method as a list; TypeError if it holds anything but functions."""
    found: Any = list(made) if isinstance(made, Iterable) else made
    if not isinstance(found, list) or not all(map(callable, found)):
        rule = f"{method} must return a list of calls, functions without arguments"
        raise TypeError(f"{rule}, got {check.shown(made)}{in_place_of(made, method)}")
    if any(map(reads_none, found)):
        raise TypeError(
            f"{method} calculates with an array that is None: name those that backward reads, saves = "
            "frozenset({'x', 'y'}) in the class; and return [] where b.dx is None"
        )
    return found


def reads_none(call: Any) -> bool:
    """Whether the call is an operation of NumPy on None, such as an array that backward does not get."""
    return isinstance(call, partial) and isinstance(call.func, np.ufunc) and any(each is None for each in call.args)


def in_place_of(made: Any, method: str) -> str:
    """What a layer's method returns in place of this."""
    target, source = ("b.y", "b.x") if method == "forward" else ("b.dx", "b.dy")
    line = f"functools.partial(numpy.copyto, {target}, {source})"
    if made is None:
        return f"; is `return` missing? Such as: return [{line}]"
    if callable(made):
        return f"; put it into a list: return [{getattr(made, '__name__', 'call')}]"
    several = made if isinstance(made, list | tuple) else [made]
    if any(isinstance(each, np.ndarray) for each in several):
        return f"; nothing is computed yet, {target} is written by the calls, later: return [{line}]"
    return ""
