"""What errors say of a value that is no array of numbers, and the line that makes it one."""

from typing import Any

import numpy as np

from ..typing import Array

SOME = 100  # elements that are looked at to find out whether numbers can be made of them
BRIGHT = 50  # numbers beyond this that reach no further than 255 are those of pixels
IMAGES = ("x", "images")  # arguments that may be images of 0 to 255


def code(x: object, name: str) -> str:
    """Code that makes `x` an array, for advice in errors."""
    return name if isinstance(x, np.ndarray) else f"numpy.asarray({name})"


def described(x: object) -> str:
    """What was given instead of an array of the right kind, in a few words."""
    if x is None:
        return "None"
    if isinstance(x, str | bytes):
        return repr(x[:40])
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}"
    if callable(x) and hasattr(x, "__name__"):
        return f"the function {x.__name__}"
    kind = type(x).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def cure(x: Array, code: str, dtype: object = "float32", pixels: bool = False) -> str:
    """'; write ...' that makes numbers of this dtype of an array, from 0 to 1 of `pixels`; '' where that cannot be."""
    if x.dtype.names:
        return f"; write {code}[{x.dtype.names[0]!r}] for one field"
    if not becomes_numbers(x):
        return ""
    real, most = ".real" if x.dtype.kind == "c" else "", white(x) if pixels else 1
    return f"; write {code}{real}.astype('{dtype}')" + (f" / {most}" if most > 1 else "")


def white(x: Array) -> int:
    """The number of a white pixel: 255 or 65535 if these look like pixels, else 1.

    Integers above 1 do, and other numbers above 50, if none is negative.
    """
    if not x.size or x.dtype.kind not in "iufO":
        return 1
    least, most, whole = x.min(), x.max(), x.dtype.kind in "iu"
    if not (least >= 0 and most > (1 if whole else BRIGHT)):
        return 1
    return 255 if most <= 255 else 65535 if whole and most <= 65535 else 1


def becomes_numbers(x: Array) -> bool:
    """Whether astype makes the same numbers of the array; NumPy would make NaN of None."""
    if x.dtype.kind == "c":
        return True
    some: Any = x.flat[:SOME]
    try:
        some.astype("float32")
    except (TypeError, ValueError):
        return False
    return not (x.dtype.kind == "O" and any(value is None for value in some))
