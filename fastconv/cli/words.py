"""Numbers with their nouns, and names as a shell takes them."""

import shlex

from ..system.words import counted

__all__ = ["counted", "percent", "quoted"]


def quoted(*words: object) -> str:
    """The words as one would type them in a shell."""
    return " ".join(shlex.quote(str(word)) for word in words)


def percent(share: float) -> str:
    """A share from 0 to 1 in percent."""
    return f"{100 * share:.2f} %"
