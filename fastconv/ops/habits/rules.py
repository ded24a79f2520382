"""Which rule explains a call of a function that failed."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..binding import by_position, parameters_of, refused, required, unbound
from . import classes, images, names, objects
from .written import Written, on_arrays

RULES = (objects.said, images.said, classes.said, on_arrays)


def explained(
    function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], error: Exception
) -> str | None:
    """What to say of a call that failed; None where the error says all."""
    if unbound(error):
        return of_binding(function, args, options)
    arguments = function.__code__.co_varnames
    call = Written(function.__name__, {**dict(zip(arguments, args, strict=False)), **options}, args, str(error))
    return next((said for rule in RULES if (said := rule(call)) is not None), None)


def of_binding(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """What to say of arguments that Python could not bind."""
    name, parameters = function.__name__, parameters_of(function)
    places = by_position(parameters)
    line = f"{name}({', '.join(required(parameters))})"
    beyond = names.beyond(name, args, places, [*parameters]) if len(args) > len(places) else ""
    return refused(name, function, args, options, partial(names.replacement, name), line, beyond)
