"""Functions of each value: where the values are arranged so that they make no node, of the node that they come from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..arranged import Arranged
from ..call import Call
from ..settled import MOST_AXES

__all__ = ["of_each_value"]

Translate = Callable[[Call], Any]


def of_each_value(table: Mapping[str, Translate], names: Iterable[str]) -> dict[str, Translate]:
    """The table, in which these operations take values of one input in any order of axes, beside numbers."""
    return {name: anywhere(translate) if name in names else translate for name, translate in table.items()}


def anywhere(translate: Translate) -> Translate:
    """The translation of an operation that does the same with each value of one input."""

    def translated(call: Call) -> Any:
        places = [i for i, value in enumerate(call.values) if isinstance(value, Arranged) and not is_node(value)]
        others = [value for i, value in enumerate(call.values) if i not in places and value is not None]
        if len(places) != 1 or not all(isinstance(value, np.ndarray) and value.size == 1 for value in others):
            return translate(call)
        value: Any = call.values[places[0]]
        call.values = [each.reshape(()) if isinstance(each, np.ndarray) else each for each in call.values]
        call.values[places[0]] = value.node
        return replace(value, node=translate(call))

    return translated


def is_node(value: Arranged) -> bool:
    """Whether a node can have this shape."""
    return not value.place and 0 < len(value.shape) <= MOST_AXES
