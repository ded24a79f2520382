"""Calls that do not fit a signature, and attributes that are not there: errors say what to write instead."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from inspect import signature
from typing import Any, NoReturn, ParamSpec, TypeVar

from ..ops import check

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
LONGEST = 60  # characters of a value that an error shows


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
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise  # from inside the function
                says = misfit(function, args, kwargs, words) or without_name(error)
            raise TypeError(f"{name} {says}; write {line}" if "; " not in says else f"{name} {says}")

        return call

    return wrap


def explained_class(line: str, words: Mapping[str, str]) -> Callable[[type[C]], type[C]]:
    """The same for the constructor of a class."""

    def wrap(kind: type[C]) -> type[C]:
        init: Callable[..., None] = kind.__init__
        setattr(kind, "__init__", explained(kind.__name__, line, words)(init))  # noqa: B010  # mypy forbids the other
        return kind

    return wrap


def misfit(function: Callable[..., object], args: Any, kwargs: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """What is wrong with the arguments: names that the function does not have, or too many by position; else ''."""
    parameters = signature(function).parameters
    unknown = {name: value for name, value in kwargs.items() if name not in parameters}
    if unknown:
        return "; ".join(f"takes no {key}, got {key}={short(unknown[key])}; {cure(unknown, key, words, parameters)}"
                         for key in unknown)  # fmt: skip
    if "parameters" in words and any(isinstance(value, Mapping | Iterator) for value in args[1:2]):
        return f"takes no parameters; {words['parameters']}"
    places = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    own = places[:1] == ["self"]
    if len(args) > len(places):
        order = ", ".join(places[own:])
        extra = ", ".join(short(value) for value in args[len(places) :])
        return f"takes {f'only {order}' if order else 'nothing'} by position, got also {extra}"
    return ""


def cure(given: Mapping[str, Any], key: str, words: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """What to write instead of an unknown argument."""
    from difflib import get_close_matches

    told = words.get(key, "")
    if " " in told:
        return told.replace("VALUE", short(given[key]))
    close = get_close_matches(key, parameters, 1)
    told = told or (close[0] if close else "")
    if told:
        return f"write {told}={short(given[key])}"
    return f"it takes {', '.join(name for name in parameters if name != 'self') or 'nothing'}"


def short(value: object) -> str:
    """How an error shows a value; '...' if that is long."""
    text = check.shown(value)
    return "..." if len(text) > LONGEST or "\n" in text or text.startswith("an array") else text


def without_name(error: TypeError) -> str:
    """Python's own message, without the name of the function before it."""
    return str(error).partition("() ")[2] or str(error)


def no_attribute(thing: object, name: str, words: Mapping[str, str]) -> NoReturn:
    """AttributeError that says what to write instead of an attribute of other libraries."""
    told = f"; {words[name]}" if name in words else ""
    raise AttributeError(f"{type(thing).__name__} has no {name!r}{told}", name=name, obj=thing)
