"""Which parameters a step updates: all, or those of some names."""

from collections.abc import Collection, Mapping
from typing import Any

from ..parameters import unknown
from ..typing import Array
from .arrays import mapping_is


def chosen(parameters: Any, names: Collection[str] | None) -> tuple[str, ...] | None:
    """The names as a tuple, None for all; TypeError or ValueError unless they are names of parameters."""
    if names is None:
        return None
    mapping_is(parameters, "parameters")
    if isinstance(names, str):
        raise TypeError(f"names must be several names, got {names!r}; write [{names!r}]")
    names = names if type(names) is tuple else tuple(names)
    for name in names:
        if name not in parameters:
            raise ValueError(f"names: {unknown(name, map(str, parameters))}")
    return names


def part_of(
    parameters: Mapping[str, Array], gradients: Mapping[str, Array], names: tuple[str, ...] | None
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """The parameters and gradients of these names alone; gradients may have others as well."""
    if names is None:
        return parameters, gradients
    mapping_is(gradients, "gradients")
    return (
        {name: parameters[name] for name in names},
        {name: gradients[name] for name in names if name in gradients},
    )
