"""Functions of each value where the values make no node as they are arranged: of the node behind, or of rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from .... import Node
from ....nodes.arranged import Arranged, arranged
from ....nodes.settled import MOST_AXES, settled
from ..call import Call

__all__ = ["of_each_value"]

Translate = Callable[[Call], Any]


def of_each_value(table: Mapping[str, Translate], names: Iterable[str]) -> dict[str, Translate]:
    """The table, in which these operations take values of any number and order of axes."""
    return {name: anywhere(translate) if name in names else translate for name, translate in table.items()}


def anywhere(translate: Translate) -> Translate:
    """The translation of an operation that does the same with each value."""

    def translated(call: Call) -> Any:
        places = [i for i, value in enumerate(call.values) if isinstance(value, Node | Arranged)]
        values = [call.arranged(i, anywhere=True) for i in places]
        if all(map(is_node, values)):
            return translate(call)
        constants = [value for value in call.values if isinstance(value, np.ndarray)]
        if len(values) == 1 and all(array.size == 1 for array in constants):
            call.values = [each.reshape(()) if isinstance(each, np.ndarray) else each for each in call.values]
            call.values[places[0]] = values[0].node
            return replace(values[0], node=translate(call))
        return in_rows(translate, call, values)

    return translated


def in_rows(translate: Translate, call: Call, values: Sequence[Arranged]) -> Any:
    """The same of values with more axes than a node has, all of one shape: as rows of the last axis."""
    shape = values[0].shape
    if any(value.shape != shape or value.place for value in values) or not shape:
        return translate(call)
    rows = (prod(shape[:-1]), shape[-1])

    def seen(value: Any) -> Any:
        """An input as rows."""
        if isinstance(value, np.ndarray):
            return value.reshape(()) if value.size == 1 else np.broadcast_to(value, (1, *shape)).reshape(rows)
        return None if value is None else settled(arranged(value).reshaped(rows))

    call.values = [seen(value) for value in call.values]
    return arranged(translate(call)).reshaped(shape)


def is_node(value: Arranged) -> bool:
    """Whether a node can have this shape."""
    return not value.place and 0 < len(value.shape) <= MOST_AXES
