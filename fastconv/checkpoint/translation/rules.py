"""What a table of names is made of, and how it translates the names of a file.

A rule has a name elsewhere and the name here. In both, a letter in braces is a number: {s} a stage, {b} a block, {i} a
layer; {a} is a letter a, b, c ... that counts from 0. The name here may compute with them: {s+1}, {2s+1}. It may
also have {n}, the number of the block counted through all stages, {N}, how many blocks there are, and {S}, how many
stages. Names are those of layers; the names of their arrays follow.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

__all__ = ["Rule", "Source", "Table"]

LETTER = "a"  # the one that stands for a letter
PLACE = re.compile(r"\{(\w)\}")
SUM = re.compile(r"\{(\d*)(\w)([+-]\d+)?\}")


class Rule(NamedTuple):
    """One name elsewhere, and the name here."""

    theirs: str
    ours: str
    where: str = ""  # the rule counts only where the file has arrays whose names begin with this
    form: str = ""  # how the array is laid out: a name in `layout.FORMS`


class Source(NamedTuple):
    """Where the values of an array of a network come from."""

    name: str  # in the file
    form: str = ""
    minus: str = ""  # the name of an array in the file that is subtracted


class Table(NamedTuple):
    """The names of a family of networks in another program."""

    family: str
    rules: tuple[Rule, ...]
    blocks: str = ""  # how names of blocks begin, with {s} and {b}
    ends: Mapping[str, tuple[str, str]] | None = None  # the name of an array of a layer -> the name here, its form


@cache
def pattern(text: str) -> re.Pattern[str]:
    """The regular expression for a name elsewhere."""
    number = PLACE.sub(lambda m: f"(?P<{m[1]}>{'[a-z]' if m[1] == LETTER else '[0-9]{1,4}'})", text.replace(".", r"\."))
    return re.compile(number)


def numbers(match: re.Match[str]) -> dict[str, int]:
    """The number of each letter."""
    return {key: ord(text) - ord("a") if key == LETTER else int(text) for key, text in match.groupdict().items()}


def filled(text: str, values: Mapping[str, int]) -> str:
    """The name, with numbers in place of letters."""
    return SUM.sub(lambda m: str(int(m[1] or 1) * values[m[2]] + int(m[3] or 0)), text)


class Translation:
    """A table for the names of one file."""

    def __init__(self, table: Table, names: Collection[str]) -> None:
        self.table = table
        self.begins = {name[:at] for name in names for at in range(len(name)) if name[at] == "."}
        found = (pattern(table.blocks).match(name) for name in names) if table.blocks else ()
        blocks = sorted({(int(match["s"]), int(match["b"])) for match in found if match})
        self.number = {block: number for number, block in enumerate(blocks)}
        self.counts = {"N": len(blocks), "S": len({stage for stage, _ in blocks})}

    def of(self, name: str) -> tuple[str, str] | None:
        """(the name here, the form) of an array; None where no rule is for it."""
        layer, _, end = name.rpartition(".")
        for rule in self.table.rules:
            match = pattern(rule.theirs).fullmatch(name)
            if match and self.holds(rule, values := self.values(match)):
                return filled(rule.ours, values), rule.form
            match = pattern(rule.theirs).fullmatch(layer)
            ends = self.table.ends
            if match and (ends is None or end in ends) and self.holds(rule, values := self.values(match)):
                ours, form = (end, "") if ends is None else ends[end]
                return f"{filled(rule.ours, values)}.{ours}", rule.form or form
        return None

    def values(self, match: re.Match[str]) -> dict[str, int]:
        """All numbers that a rule may name."""
        values = numbers(match) | self.counts
        if "s" in values and "b" in values:
            values["n"] = self.number.get((values["s"], values["b"]), 0)
        return values

    def holds(self, rule: Rule, values: Mapping[str, int]) -> bool:
        """Whether the file has what the rule needs."""
        return not rule.where or filled(rule.where, values) in self.begins
