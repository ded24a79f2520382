"""Calls that Python refuses, because the arguments do not fit the signature: what is wrong, and what to write.

Each family of functions has tables of the names in other libraries; here is what they share.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

from .scalars import nearest, short

# (a name elsewhere, the names here) -> the name here, a sentence (VALUE stands for what was given), or ""
Replacement = Callable[[str, Sequence[str]], str]


def unbound(error: BaseException) -> bool:
    """Whether Python could not bind the arguments: the error is that of the call, not of what the function does."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


@lru_cache
def parameters_of(function: Callable[..., object]) -> dict[str, Parameter]:
    """The parameters of a function, without self."""
    return {name: p for name, p in signature(function).parameters.items() if name != "self"}


def by_position(parameters: Mapping[str, Parameter]) -> list[str]:
    """The names that may be given by position."""
    return [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]


def required(parameters: Mapping[str, Parameter]) -> list[str]:
    """The names that have no default."""
    return [name for name, p in parameters.items() if p.default is p.empty]


def refused(
    name: str,
    function: Callable[..., object],
    args: Sequence[Any],
    options: Mapping[str, Any],
    replacement: Replacement,
    line: str,
    beyond: str = "",
) -> str:
    """What is wrong with the arguments of a call that Python refused; of a method without self.

    `line` is a call that works, `beyond` what to do with arguments beyond those that have a place (default: the line).
    """
    parameters = parameters_of(function)
    known, places = list(parameters), by_position(parameters)
    foreign = {word: value for word, value in options.items() if word not in known}
    if foreign:
        wrong = (unknown(word, value, replacement(word, known), known) for word, value in foreign.items())
        return f"{name} {'; '.join(wrong)}"
    if len(args) > len(places):
        taken = f"only {', '.join(places)}" if places else "nothing"
        extra = ", ".join(shortened(value) for value in args[len(places) :])
        return f"{name} takes {taken} by position, got also {extra}; {beyond or f'write {line}'}"
    given = {*places[: len(args)], *options}
    twice = [word for word in options if word in places[: len(args)]]
    missing = [word for word in required(parameters) if word not in given]
    what = f"got {twice[0]} by position and by name" if twice else f"needs {' and '.join(missing)}"
    return f"{name} {what}; write {line}"


def unknown(word: str, value: Any, replacement: str, known: Sequence[str]) -> str:
    """What to write for an argument of another library."""
    says, text = f"takes no {word}, got {word}={shortened(value)}; ", short(value)
    if " " in replacement:
        return says + replacement.replace("VALUE", shortened(value))
    here = replacement or next(iter(nearest(word.lower(), known)), "")
    if not here:
        return f"{says}it takes {', '.join(known) or 'nothing'}"
    if not text or text.startswith(("<", "array(")):  # no code
        return f"{says}it is called {here} here: write {here}={word}"
    return f"{says}write {here}={text}"


def shortened(value: Any) -> str:
    """A value, or '...' where that is long; a class by its name."""
    if isinstance(value, type):
        return f"numpy.{value.__name__}" if value.__module__ == "numpy" else value.__name__
    return short(value) or "..."
