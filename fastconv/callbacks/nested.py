"""Nested dicts and lists of arrays and plain values, taken apart for a file: arrays by name, and the rest as JSON.

{"optimizer": {"first": array}, "step": 3}
    -> {"run/optimizer/first": array} and {"optimizer": {"first": {"array": "run/optimizer/first"}}, "step": 3}
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..typing import Array

__all__ = ["PREFIX", "joined", "parted"]

PREFIX = "run"
KEY = "array"  # of a dict that stands for an array


def parted(value: Any) -> tuple[dict[str, Array], Any]:
    """(arrays by name, the rest with names in their places)."""
    arrays: dict[str, Array] = {}
    return arrays, without_arrays(value, PREFIX, arrays)


def without_arrays(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    """The value with names in the places of its arrays, which are put into `arrays`."""
    if isinstance(value, np.ndarray):
        while path in arrays:  # {"a/b": array, "a": {"b": array}}
            path += "_"
        arrays[path] = value
        return {KEY: path}
    if isinstance(value, Mapping):
        return {key: without_arrays(part, f"{path}/{key}", arrays) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [without_arrays(part, f"{path}/{number}", arrays) for number, part in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value


def joined(arrays: Mapping[str, Array], rest: Any) -> Any:
    """The value that `parted` took apart; KeyError if an array is missing."""
    if isinstance(rest, Mapping):
        if rest.keys() == {KEY} and isinstance(rest[KEY], str) and rest[KEY].startswith(f"{PREFIX}/"):
            return np.array(arrays[rest[KEY]])
        return {key: joined(arrays, part) for key, part in rest.items()}
    if isinstance(rest, list | tuple):
        return type(rest)(joined(arrays, part) for part in rest)
    return rest
