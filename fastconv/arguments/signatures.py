"""Calls that do not fit a signature, and attributes that are not there: errors say what to write instead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from ..ops.binding import by_position, parameters_of, refused, shortened, unbound

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


def explained(name: str, line: str, words: Mapping[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Wrap a function: TypeError for a call that does not fit its signature says what to write instead.

    Parameters
    ----------
    name : str
        Of the function, as people call it.
    line : str
        A call that works.
    words : mapping str -> str
        Argument of other libraries -> the name here, or a sentence that says what to write.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                if not unbound(error):
                    raise
                says = misfit(name, function, args, kwargs, line, words)
            raise TypeError(says)

        return call

    return wrap


def explained_class(line: str, words: Mapping[str, str]) -> Callable[[type[C]], type[C]]:
    """The same for the constructor of a class."""

    def wrap(kind: type[C]) -> type[C]:
        init: Callable[..., None] = kind.__init__
        setattr(kind, "__init__", explained(kind.__name__, line, words)(init))  # noqa: B010  # mypy forbids the other
        return kind

    return wrap


def misfit(
    name: str, function: Callable[..., object], args: Sequence[Any], options: Any, line: str, words: Mapping[str, str]
) -> str:
    """What is wrong with the arguments that Python could not bind."""
    if "self" in signature(function).parameters:
        args = args[1:]
    if "parameters" in words and any(holds_arrays(value) for value in args[:1]):
        made = f"{name}({', '.join(f'{word}={value!r}' for word, value in options.items())})" if options else line
        return f"{name} takes no parameters; {words['parameters'].replace(line, made)}"
    beyond = by_name(name, function, args)
    return refused(name, function, args, options, lambda word, known: words.get(word, ""), line, beyond)


def holds_arrays(value: object) -> bool:
    """Whether this may be parameters: a mapping, an iterator, or a list of mappings or arrays."""
    parts = value if isinstance(value, list | tuple) else ()
    return isinstance(value, Mapping | Iterator) or any(isinstance(part, Mapping | np.ndarray) for part in parts)


def by_name(name: str, function: Callable[..., object], args: Sequence[Any]) -> str:
    """'write ...': the call with the arguments that have no place as options, in their order; '' if it has none."""
    parameters = parameters_of(function)
    places = by_position(parameters)
    options = [word for word in parameters if word not in places]
    extra = [f"{word}={shortened(value)}" for word, value in zip(options, args[len(places) :], strict=False)]
    return f"write {name}({', '.join([*places, *extra])})" if extra else ""


def no_attribute(value: object, name: str, words: Mapping[str, str]) -> NoReturn:
    """AttributeError that says what to write instead of an attribute of other libraries."""
    cure = f"; {words[name]}" if name in words else ""
    raise AttributeError(f"{type(value).__name__} has no {name!r}{cure}", name=name, obj=value)
