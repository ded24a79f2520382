"""Switches that people may turn off, at import by an environment variable or later by a function."""

import os
from collections.abc import Sequence

from ..kernels.runtime.calls import forget
from .check import choice, flag


class Switches:
    """Which of these names are off; the environment variable lists some of them, separated by commas.

    `off` is a frozenset that is replaced, never changed, so that whoever keeps it can see whether a switch was turned.
    """

    def __init__(self, variable: str, names: Sequence[str]) -> None:
        self.names = names
        listed = os.environ.get(variable, "")
        wanted = {name.strip() for name in listed.split(",") if name.strip()}
        if not wanted <= set(names):
            raise ImportError(f"{variable}={listed!r}: must list some of {', '.join(names)}")
        self.off = frozenset(wanted)

    def enabled(self, name: str) -> bool:
        return name not in self.off

    def turn(self, name: str, enabled: bool) -> bool:
        """Turn a switch on or off; whether it was on before."""
        choice(name, "name", self.names)
        enabled = flag(enabled, "enabled")
        before = name not in self.off
        self.off = self.off - {name} if enabled else self.off | {name}
        forget()
        return before
