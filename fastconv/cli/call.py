"""Calls of functions of the library with arguments from the command line."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from ..ops.check import nearest

__all__ = ["called", "checked"]


def checked(function: Callable[..., Any], given: dict[str, Any], who: str, flag: str) -> dict[str, Any]:
    """The arguments, if the function has them all; ValueError names the option and what was meant."""
    known = inspect.signature(function).parameters
    for argument in given:
        if argument not in known:
            near = nearest(argument, list(known))
            cure = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known)}" if known else ""
            raise ValueError(f"{flag}: {who} has no argument {argument!r}{cure}")
    return given


def called(function: Callable[..., Any], arguments: Iterable[tuple[str, Any]], who: str, flag: str) -> Any:
    """The result of the function; ValueError for arguments that it does not take."""
    given = checked(function, dict(arguments), who, flag)
    needed = [
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.default is each.empty and name not in given
    ]
    if needed:
        raise ValueError(f"{who} needs {needed[0]}: add {flag} {needed[0]}=VALUE")
    try:
        return function(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{flag}: {error}") from None
