"""Numbers, words and shapes among the arguments, one style of message."""

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

import numpy as np

from ..kernels.runtime.calls import is_shape
from ..typing import Generator, Shape

LONG = 200  # characters of a value in an error
SHORT = 60  # characters of a value in a line to write


def shape(value: Any, name: str, length: int) -> Shape:
    """A tuple of this many integers >= 0."""
    if is_shape(value, length):
        return value
    try:
        extents = tuple(index(v) for v in value)
    except TypeError:
        is_image = isinstance(value, np.ndarray) and value.ndim > 1
        got = f"an array of shape {value.shape}; write {array_of(name)}.shape" if is_image else shown(value)
        raise TypeError(f"{name} must be a tuple of {length} integers, got {got}") from None
    if len(extents) != length or min(extents, default=0) < 0:
        raise ValueError(f"{name} must be {length} integers >= 0, got {extents}")
    return extents


def array_of(name: str) -> str:
    """The array whose shape an argument is: "x" for "input_shape", "weight" for "weight_shape"."""
    return "x" if name == "input_shape" else name.removesuffix("_shape")


def integer(value: Any, name: str, minimum: int | None = None) -> int:
    """An int (not a bool); ValueError below `minimum`."""
    if type(value) is int and (minimum is None or value >= minimum):
        return value
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    try:
        n = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if minimum is not None and n < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {n}")
    return n


def pair(value: Any, name: str, minimum: int | None = None) -> tuple[int, int]:
    """Two ints from one int or from two."""
    if type(value) is int and (minimum is None or value >= minimum):
        return value, value
    if is_shape(value, 2) and minimum is not None and value[0] >= minimum <= value[1]:
        return value[0], value[1]
    if isinstance(value, np.ndarray) and value.size <= 2:
        value = value.tolist()
    if hasattr(value, "__index__") and not isinstance(value, np.ndarray):
        both = integer(value, name, minimum)
        return both, both
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be an integer or a pair of integers, got {shown(value)}")
    first, second = (integer(v, name) for v in value)
    if minimum is not None and min(first, second) < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {(first, second)}")
    return first, second


def number(value: Any, name: str) -> float:
    """A float from any real number."""
    if type(value) is float:
        return value
    if isinstance(value, bool | str | bytes):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {shown(value)}") from None
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float can hold") from None


def shown(value: object) -> str:
    """How an error shows what was given: a large array by its shape, the beginning of anything else that is long."""
    if isinstance(value, np.ndarray) and value.size > 9:
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= LONG else f"{text[:LONG]}... ({type(value).__name__})"


def short(value: object) -> str:
    """The same where it fits into a line, else ''."""
    text = shown(value)
    return "" if len(text) > SHORT or "\n" in text or text.startswith("an array") else text


def random(seed: Any) -> Generator:
    """A generator from a seed, or fresh randomness from None."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be an integer >= 0 or None, got {shown(seed)}") from None


def flag(value: object, name: str) -> bool:
    """A bool; TypeError for anything else, also for 0 and 1."""
    if value is True or value is False:
        return value
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(value: Any, name: str, options: Sequence[str]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in options:
        known = ", ".join(map(repr, options))
        raise ValueError(f"{name} must be one of {known}, got {shown(value)}{near(value, options)}")
    return value


def word(value: Any, name: str, options: Sequence[str]) -> str:
    """One of these words, which are in lower case here and may be written in any."""
    if type(value) is str and value in options:
        return value
    return choice(value.lower() if isinstance(value, str) else value, name, options)


def near(value: object, options: Sequence[str]) -> str:
    """The option that was probably meant, for errors."""
    if not isinstance(value, str):
        return ""
    return "".join(f"; did you mean {found!r}?" for found in nearest(value.lower(), options))


def nearest(word: str, options: Iterable[str], most: int = 1, alike: float = 0.6) -> list[str]:
    """The options that are most like a word, at most so many, the likest first."""
    from difflib import get_close_matches  # a slow import

    return get_close_matches(word, [*options], most, alike)
