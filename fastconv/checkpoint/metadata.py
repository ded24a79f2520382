"""Metadata as JSON: `load` returns a value equal to what `save` was given, or `save` refuses it before it writes.

    {"format": "fastconv 1", "metadata": ..., "tuples": [path of each tuple], ...}

JSON has no tuples: they are written as lists, and the path of each is written beside them. Numbers of NumPy are written
as those of Python, which are equal.
"""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from .errors import CheckpointError

FORMAT = "fastconv 1"
Place: TypeAlias = tuple[Any, ...]  # keys and indices, from the outside to the inside

MOST_BYTES = 1 << 20
MOST_DEPTH = 200  # leaves room below Python's limit of recursion
MOST_BITS = 14_000  # of an integer: Python reads up to 4,300 digits


def written(metadata: Any, **more: Any) -> str:
    """The JSON text with the metadata."""
    tuples: list[Place] = []
    check(metadata, (), tuples)
    more |= {"tuples": tuples} if tuples else {}
    content = {"format": FORMAT, "metadata": metadata, **more}
    text = json.dumps(content, default=plain)  # ASCII: as many bytes as characters
    if len(text) > MOST_BYTES:
        raise ValueError(f"metadata must be at most {MOST_BYTES} bytes of JSON, got {len(text)}")
    return text


def check(value: Any, path: Place, tuples: list[Place]) -> None:
    """TypeError or ValueError if JSON would change the value; adds the path of each tuple to `tuples`."""
    if len(path) > MOST_DEPTH:
        raise ValueError(f"metadata must be nested at most {MOST_DEPTH} levels deep, and must not contain itself")
    if isinstance(value, dict):
        for key, inner in value.items():
            check_key(key, path)
            check(inner, (*path, key), tuples)
    elif isinstance(value, list | tuple):
        if isinstance(value, tuple):
            tuples.append(path)
        for key, inner in enumerate(value):
            check(inner, (*path, key), tuples)
    else:
        check_plain(plain(value), path)


def plain(value: Any) -> Any:
    """A number or bool of NumPy as Python's; any other value as it is."""
    return value.item() if isinstance(value, np.number | np.bool_) else value


def check_key(key: object, path: Place) -> None:
    """TypeError or ValueError if JSON would change a dict's key."""
    if not isinstance(key, str):
        raise TypeError(f"{named(path)} has the key {key!r}, but keys must be text, as in JSON: write {str(key)!r}")
    check_plain(key, path)


def check_plain(value: object, path: Place) -> None:
    """TypeError or ValueError if JSON would change text, a number, True, False or None, or cannot hold the value."""
    if isinstance(value, str):
        if json.loads(json.dumps(value)) != value:  # a surrogate pair, which comes back as one character
            raise ValueError(f"{named(path)} is not valid Unicode text: {value[:50]!r}")
    elif isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise ValueError(f"{named(path)} is too large a number for JSON, {value.bit_length()} bits: write hex(x)")
    elif value is not None and not isinstance(value, float):
        raise TypeError(
            f"{named(path)} must be what JSON can hold (dict, list, tuple, str, int, float, bool, None), "
            f"got {type(value).__name__}{cure(value)}"
        )


def named(path: Place) -> str:
    """The place in the metadata, as a Python expression."""
    return "metadata" + "".join(f"[{key!r}]" for key in path)


def cure(value: object) -> str:
    """'; write ...' for a value that JSON cannot hold."""
    if isinstance(value, np.longdouble):
        return "; write float(x)"
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy, tensors of PyTorch
        return "; write x.tolist()"
    if isinstance(value, set | frozenset):
        return "; write sorted(x)"
    if isinstance(value, bytes | bytearray):
        return "; write x.hex()"
    if isinstance(value, Iterable) and hasattr(value, "__len__"):  # range, dict.keys()
        return "; write list(x)"
    return "; write str(x)"


def read(path: str, text: str | bytes) -> tuple[Any, dict[str, Any]]:
    """(metadata, the whole description) from the text that `written` returned."""
    if len(text) > MOST_BYTES:
        raise CheckpointError(f"{path}: its metadata is larger than {MOST_BYTES} bytes")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path}: its metadata is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of the format {FORMAT!r}")
    if "metadata" not in content:
        raise CheckpointError(f"{path}: its description holds no metadata")
    try:
        return with_tuples(content["metadata"], content.get("tuples", [])), content
    except (TypeError, ValueError, LookupError):
        raise CheckpointError(f"{path}: its metadata does not match its list of tuples") from None


def with_tuples(value: Any, paths: list[list[Any]]) -> Any:
    """The metadata with the lists at these paths made tuples, inner ones first."""
    holder = [value]
    for path in sorted(paths, key=len, reverse=True):
        above, last = [0, *path][:-1], [0, *path][-1]
        inner: Any = holder
        for key in above:
            inner = inner[key]
        if not isinstance(inner[last], list):
            raise TypeError
        inner[last] = tuple(inner[last])
    return holder[0]
