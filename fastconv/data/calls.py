"""Arguments of other libraries: errors say what to write instead."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["explained"]

P = ParamSpec("P")
R = TypeVar("R")


def explained(words: Mapping[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Wrap a function: TypeError for an argument among the words; VALUE in them stands for what was given."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        name = function.__name__

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for word, value in kwargs.items():
                if word in words:
                    shown = f"{value!r:.60}"
                    replacement = words[word].replace("VALUE", shown)
                    raise TypeError(f"{name} takes no {word}, got {word}={shown}; {replacement}")
            return function(*args, **kwargs)

        return call

    return wrap
