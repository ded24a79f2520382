"""A call as it was written, for rules that read it."""

import re
from typing import Any, NamedTuple

import numpy as np

from ...typing import Shape


class Written(NamedTuple):
    """A call that failed: the function's name, its arguments by name and by position, and what the error says."""

    name: str
    given: dict[str, Any]
    args: tuple[Any, ...]
    error: str

    def shape(self, name: str) -> Shape:
        """The shape of an argument that is an array or a nested list; () for everything else."""
        return shape_of(self.given.get(name))

    def kind(self, name: str) -> str:
        """The kind of an argument's dtype, such as "f" or "i"; "" for what is no array."""
        return str(getattr(getattr(self.given.get(name), "dtype", None), "kind", ""))

    def adding(self, cure: str) -> str:
        """The error and what to write, which takes the place of other advice."""
        return f"{self.error.partition('; write')[0]}; write {cure}"


def shape_of(x: Any) -> Shape:
    """The shape of an array, of a packed weight or of a nested list of numbers; () for everything else."""
    shape = getattr(x, "shape", None)
    if isinstance(shape, tuple) and all(type(extent) is int for extent in shape):
        return shape
    if isinstance(x, list | tuple):
        try:
            return np.asarray(x).shape
        except (TypeError, ValueError):
            return ()
    return ()


def on_arrays(call: Written) -> str | None:
    """The error with its advice for lists: methods of arrays are called on numpy.asarray(...) of them."""
    said = call.error
    for name, value in call.given.items():
        if isinstance(value, list | tuple | int | float):
            said = re.sub(rf"(write |example ){name}(?=[.\[])", rf"\1numpy.asarray({name})", said)
    return said if said != call.error else None
