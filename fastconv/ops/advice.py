"""What errors say of a value that is no array of numbers, and the line that makes it one."""

from typing import Any

import numpy as np

from ..typing import Array

SOME = 100  # elements that are looked at to find out whether numbers can be made of them
IMAGES = ("x", "images")  # arguments that may be images of 0 to 255


def code(x: object, name: str) -> str:
    """Code that makes `x` an array, for advice in errors."""
    return name if isinstance(x, np.ndarray) else f"numpy.asarray({name})"


def described(x: object) -> str:
    """What is no array, in a few words."""
    if x is None:
        return "None"
    if isinstance(x, str | bytes):
        return repr(x[:40])
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if callable(x) and hasattr(x, "__name__"):
        return f"the function {x.__name__}"
    return f"a {type(x).__name__}"


def cure(x: Array, given: object, name: str) -> str:
    """The line that makes float32 of an array of another dtype; nothing where that cannot be."""
    made = code(given, name)
    if x.dtype.kind == "c":
        return f"; write {made}.real.astype('float32')"
    if x.dtype == np.uint8 and name in IMAGES and x.ndim > 2:
        return f"; write {made}.astype('float32') / 255"
    return f"; write {made}.astype('float32')" if becomes_numbers(x) else ""


def becomes_numbers(x: Array) -> bool:
    """Whether astype('float32') makes numbers of the array; NumPy would make NaN of None."""
    some: Any = x.flat[:SOME]
    try:
        some.astype("float32")
    except (TypeError, ValueError):
        return False
    return not (x.dtype.kind == "O" and any(value is None for value in some))
