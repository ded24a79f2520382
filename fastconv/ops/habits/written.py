"""A call as it was written, for rules that read it."""

import re
from collections.abc import Iterable, Sequence
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
    if "must be float32 or float64" in said and float_type(call.given.values()) == "float64":
        said = said.replace("astype('float32')", "astype('float64')")
    for name, value in call.given.items():
        if isinstance(value, list | tuple | int | float):
            parts = [rf"{name}\[{i}\]" for i, one in enumerate(elements(value)) if not dtype_of(one)]
            for whole in (*parts, rf"{name}(?!\[\d)"):
                said = re.sub(rf"(write |example )({whole})(?=[.\[])", r"\1numpy.asarray(\2)", said)
    return said if said != call.error else None


def elements(value: Any) -> Sequence[Any]:
    """The elements of a list or tuple; none of anything else."""
    return value if isinstance(value, list | tuple) else ()


def float_type(values: Iterable[Any]) -> str:
    """The dtype of the first array of float32 or float64, also in a list; '' where there is none."""
    every = [one for value in values for one in (elements(value) or [value])]
    return next((dtype for one in every if (dtype := dtype_of(one)) in ("float32", "float64")), "")


def dtype_of(value: Any) -> str:
    """The name of an array's dtype; '' for what is no array."""
    return str(getattr(value, "dtype", ""))
