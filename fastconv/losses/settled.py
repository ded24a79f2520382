"""Losses do not change: setting an attribute says which object to make instead."""

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, fields
from typing import Any, TypeVar

T = TypeVar("T")


def settled(words: Mapping[str, str]) -> Callable[[type[T]], type[T]]:
    """For a frozen dataclass; `words`: a name of other libraries -> a sentence, or a name here."""

    def wrap(kind: type[T]) -> type[T]:
        frozen: Callable[[object, str, object], None] = kind.__setattr__

        def refuse(self: T, name: str, value: object) -> None:
            try:
                frozen(self, name, value)
            except FrozenInstanceError:
                raise FrozenInstanceError(instead(self, name, value, words)) from None

        setattr(kind, "__setattr__", refuse)  # noqa: B010  # mypy forbids the other
        return kind

    return wrap


def instead(loss: Any, name: str, value: object, words: Mapping[str, str]) -> str:
    """What is wrong with ``loss.name = value``, and what to write."""
    own, names = type(loss).__name__, [field.name for field in fields(loss)]
    replacement = name if name in names else words.get(name, "")
    if replacement in names:
        return f"{name} of {own} cannot be set; make another loss: write {own}({replacement}={value!r})"
    if " " not in replacement:
        replacement = f"its settings are {', '.join(names)}" if names else "it has no settings"
    return f"{own} has no {name!r}; {replacement.replace('VALUE', repr(value))}"
