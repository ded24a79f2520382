"""Prefixes of the names of layers."""

import threading
from contextlib import ContextDecorator


class Scopes(threading.local):
    """The scopes that this thread is in, the outermost first."""

    names: tuple[str, ...] = ()


scopes = Scopes()


class Scope(ContextDecorator):
    """What `scope` returns; it may be entered any number of times."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        scopes.names = (*scopes.names, self.name)

    def __exit__(self, *error: object) -> None:
        scopes.names = scopes.names[:-1]


def scope(name: str) -> Scope:
    """``with scope("layer1.0"):`` puts that prefix before the names of the layers called inside; scopes nest.

    Examples
    --------
    >>> import fastconv
    >>> def model(x):
    ...     with fastconv.scope("layer1.0"):
    ...         return fastconv.layers.Linear(5)(x)
    >>> list(fastconv.Network(model, (3,)).parameters)
    ['layer1.0.linear1.weight', 'layer1.0.linear1.bias']
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"scope needs a name, got {name!r}")
    return Scope(name)


def in_scope(name: str) -> str:
    """The name after the prefixes of the current scopes."""
    return ".".join((*scopes.names, name))
