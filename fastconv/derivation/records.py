"""What a derivation is made of: steps, and the checks of each step."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..typing import Array

__all__ = ["Check", "Step", "same"]


@dataclass(frozen=True)
class Check:
    """Two ways to the same numbers: the largest difference, and the largest that rounding explains.

    Attributes
    ----------
    against : str
        What the step was compared with, such as "central differences".
    difference, limit : float
    entries, size : int
        How many entries were compared, and how many there are.
    kinks : int
        Entries at a kink or a tie, where no derivative exists; they do not count.
    passed : bool
    """

    against: str
    difference: float
    limit: float
    entries: int
    size: int
    kinks: int = 0

    @property
    def passed(self) -> bool:
        """Whether the difference is within the limit; NaN is not."""
        return self.difference <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """The check in values that JSON holds."""
        return {**vars(self), "passed": self.passed}


@dataclass(frozen=True)
class Step:
    """One line of the derivation.

    Attributes
    ----------
    number : int or None
        Of the equation in Zhang 2016; None for other networks.
    cites : str
        "(17)", or for other networks the nearest equation and what differs: "as (38), stride 2".
    title : str
    direction : {"forward", "backward", "update"}
    equation : str
        Plain text; `source` is the same as it was written, for `notation`.
    symbol : str
        What the values are called.
    values : float64 array
    checks : tuple of Check
    note : str
        Where the printed equation cannot be taken literally.
    """

    number: int | None
    cites: str
    title: str
    direction: str
    source: str
    symbol: str
    values: Array = field(repr=False)
    checks: tuple[Check, ...] = ()
    note: str = ""

    @property
    def equation(self) -> str:
        """The equation as plain text."""
        from .notation import text

        return text(self.source)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The step in values that JSON holds; the values are nested lists."""
        return {
            "number": self.number,
            "cites": self.cites,
            "title": self.title,
            "direction": self.direction,
            "equation": self.equation,
            "symbol": plain_symbol(self.symbol),
            "shape": list(self.values.shape),
            "values": self.values.tolist(),
            "note": self.note,
            "checks": [check.to_dict() for check in self.checks],
            "passed": self.passed,
        }


def plain_symbol(symbol: str) -> str:
    """A symbol as plain text."""
    from .notation import text

    return text(symbol)


ROUNDING = 1e-12  # of the largest value: what sums in another order may differ by


def same(values: Any, others: Any, against: str, share: float = ROUNDING) -> Check:
    """The check that two arrays are equal but for rounding: up to `share` of the largest value."""
    a, b = np.asarray(values, "float64"), np.asarray(others, "float64")
    if a.shape != b.shape:
        return Check(f"{against}, of shape {b.shape} and not {a.shape}", float("inf"), 0.0, 0, a.size)
    difference = float(np.abs(a - b).max(initial=0.0))
    return Check(against, difference, share * max(1e-3, float(np.abs(b).max(initial=0.0))), a.size, a.size)
