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


def parted(value: Any, path: str = PREFIX) -> tuple[dict[str, Array], Any]:
    """(arrays by name, the rest with names in their places)."""
    if isinstance(value, np.ndarray):
        return {path: value}, {KEY: path}
    items: Any
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return {}, value
    arrays: dict[str, Array] = {}
    rest = []
    for key, part in items:
        found, other = parted(part, f"{path}/{key}")
        arrays |= found
        rest.append((key, other))
    if isinstance(value, Mapping):
        return arrays, dict(rest)
    return arrays, type(value)(other for _, other in rest)


def joined(arrays: Mapping[str, Array], rest: Any) -> Any:
    """The value that `parted` took apart; KeyError if an array is missing."""
    if isinstance(rest, Mapping):
        if rest.keys() == {KEY} and isinstance(rest[KEY], str):
            return np.array(arrays[rest[KEY]])
        return {key: joined(arrays, part) for key, part in rest.items()}
    if isinstance(rest, list | tuple):
        return type(rest)(joined(arrays, part) for part in rest)
    return rest
