"""What a check of gradients found: rows, a table of 80 columns, and the text of the error."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from .central import Index

HEADS = ("gradient", "shape", "tested", "kinks", "largest difference", "relative")
WIDTH = 80


class GradientError(AssertionError):
    """A gradient differs from central differences; `report` has all that was found."""

    report: "Report"


@dataclass(frozen=True)
class Row:
    """One gradient compared with central differences.

    Attributes
    ----------
    name : str
        "dx" for the input x, "dweight" for a parameter of an op or a layer, "conv1.weight" for one of a network.
    note : str
        The function that gave it, or the mode of the network, where there are several; else "".
    shape : tuple of ints
    entries, directions : int
        How many entries were tested alone, and how many random directions through all of them.
    kinks : int
        Of these, how many lie at a kink: there every gradient between the slopes to both sides is right.
    wrong, vague : int
        Of these, how many differ, and how many the central differences could not decide.
    absolute, relative : float
        The largest difference, and its share of the largest slope of the array.
    index : tuple of ints, or None
        The worst entry; None for a direction.
    analytic, numeric : float
        What the backward pass gives there, and the central difference.
    pattern : str
        What a wrong gradient looks like, where that is evident.
    """

    name: str
    shape: tuple[int, ...]
    note: str = ""
    entries: int = 0
    directions: int = 0
    kinks: int = 0
    wrong: int = 0
    vague: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    index: Index | None = None
    analytic: float = 0.0
    numeric: float = 0.0
    pattern: str = ""

    @property
    def passed(self) -> bool:
        """Whether all that was tested agrees."""
        return not self.wrong and not self.vague

    def message(self) -> str:
        """What is wrong, in one line: the entry, both numbers, and by how much they differ."""
        where = f"{self.name} along a random direction" if self.index is None else self.name + shown(self.index)
        where += f" ({self.note})" if self.note else ""
        if not self.wrong:
            more = f", and at {self.vague - 1} more" if self.vague > 1 else ""
            return f"{where}: central differences decide nothing, y jumps or is not finite beside this entry{more}"
        difference = abs(self.analytic - self.numeric)
        share = f" = {100 * difference / abs(self.numeric):.3g} %" if self.numeric else ""
        by = f", difference {difference:.2g}{share}" if isfinite(difference) else ""
        both = f"{where}: backward gives {self.analytic:.6g}, central differences {self.numeric:.6g}{by}"
        several = self.entries > 1 and self.index is not None
        verb = "differs" if self.wrong == 1 else "differ"
        count = f"{self.wrong} of {self.entries} entries {verb}" if several else ""
        return "; ".join(filter(None, (both, count, self.pattern)))


def shown(index: Index) -> str:
    """[3, 0, 1, 2]; nothing for an array without axes."""
    return f"[{', '.join(map(str, index))}]" if index else ""


@dataclass(frozen=True)
class Report:
    """The result of `gradcheck`; true if all gradients are right.

    Attributes
    ----------
    title : str
        What was checked.
    rows : tuple of Row
    faults : tuple of str
        What is wrong besides the values: another shape, a changed argument, a result that depends on earlier calls.
    """

    title: str
    rows: tuple[Row, ...]
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def message(self) -> str:
        """All that is wrong, one line each, the largest first."""
        wrong = sorted((row for row in self.rows if not row.passed), key=lambda row: -row.relative)
        return "\n".join([*self.faults, *(row.message() for row in wrong)])

    def __str__(self) -> str:
        lines = [cells(row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(HEADS, *lines, strict=True)]
        widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * (len(HEADS) - 1))
        body = [joined(line, widths) for line in lines]
        head = joined(HEADS, widths)
        below = "all gradients are right" if self.passed else self.message()
        return "\n".join([self.title, head, "-" * len(head), *grouped(self.rows, body), below])


def grouped(rows: tuple[Row, ...], body: list[str]) -> list[str]:
    """The lines of the table, with each note above those it belongs to."""
    lines, note = [], ""
    for row, line in zip(rows, body, strict=True):
        if row.note != note:
            lines.append(f"{row.note}:" if row.note else "")
            note = row.note
        lines.append(line)
    return lines


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    number: Any = row.entries
    if row.directions:
        number = f"{row.entries} + {row.directions} dir."
    worst = f"{row.absolute:.1e}"
    if row.index is not None:
        worst += f" at {list(row.index)}".replace(" ", "").replace("at", " at ")
    return (
        row.name,
        str(row.shape),
        str(number),
        str(row.kinks),
        worst,
        f"{row.relative:.0e}{'' if row.passed else ' !'}",
    )


def joined(line: tuple[str, ...], widths: list[int]) -> str:
    """One line with columns of these widths; what is too long is cut."""
    first, *others = (
        text if len(text) <= width else text[: width - 3] + "..." for text, width in zip(line, widths, strict=True)
    )
    right = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *right]).rstrip()
