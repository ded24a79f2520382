"""What `accelerate` decided, as a table."""

from collections.abc import Sequence
from typing import NamedTuple

from ..reports.table import Report, Table
from ..system.words import counted
from .table import Cost

__all__ = ["Acceleration", "Choice"]


class Choice(NamedTuple):
    """One layer: who computes it, and why."""

    name: str
    layer: str  # PyTorch's class
    ours: bool
    shape: str = ""  # of the images it was measured for
    cost: Cost | None = None
    why: str = ""


class Acceleration(Report):
    """The choice for each layer, as `choices`; `step` has the seconds of the whole module before and after.

    Attributes
    ----------
    choices : list of Choice
    step : Cost or None
        Of a forward and backward pass of the example; None where none was given.
    accelerated : bool
        Whether anything is computed by fastconv now.
    """

    def __init__(self, choices: Sequence[Choice], step: Cost | None = None) -> None:
        self.choices, self.step = list(choices), step
        self.accelerated = any(choice.ours for choice in choices) and (step is None or step.pays)

    def table(self) -> Table:
        """A row for each layer; milliseconds where it was measured."""
        head = ("name", "layer", "computed by", "images", "PyTorch, ms", "fastconv, ms")
        return Table(head, [self.row(choice) for choice in self.choices], left=(0, 1, 2, 3))

    def row(self, c: Choice) -> tuple[str, ...]:
        """The texts of one layer."""
        who = "fastconv" if c.ours and self.accelerated else "PyTorch"
        who += f": {c.why}" if c.why and (who == "fastconv") == c.ours else ""
        times = ("", "") if c.cost is None else (f"{1e3 * seconds:.3g}" for seconds in c.cost)
        return (c.name or "(module)", c.layer, who, c.shape, *times)

    def more(self) -> Sequence[str]:
        """How many layers fastconv computes, and what a step takes."""
        ours = sum(choice.ours for choice in self.choices) if self.accelerated else 0
        lines = [f"fastconv computes {ours:,} of {counted(len(self.choices), 'layer')} that it knows."]
        if self.step is not None:
            before, after = self.step
            lines.append(f"Forward and backward: {before:.3g} s with PyTorch, {after:.3g} s with fastconv.")
        if not self.accelerated:
            lines.append("fastconv is not quicker here: the module is left as it was.")
        return lines
