"""What a table of names is made of, and how it translates the names of a file.

A rule has a name elsewhere and the name here. In both, a letter in braces is a number: {s} a stage, {b} a block, {i} a
layer; {a} is a letter a, b, c ... that counts from 0. The name here may compute with them: {s+1}, {2n+s-1}. It may
also have {n}, the number of the block counted through all stages, {N}, how many blocks there are, and {S}, how many
stages. Names are those of layers; the names of their arrays follow. Arrays whose name here is "" are left out.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

__all__ = ["Rule", "Source", "Table"]

LETTER = "a"  # the one that stands for a letter
PLACE = re.compile(r"\{(\w)\}")
SUM = re.compile(r"\{([^{}]+)\}")
TERM = re.compile(r"([+-]?)(\d*)([a-zA-Z]?)")


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
    minus: str = ""  # an array in the file of the same shape, which is subtracted


class Table(NamedTuple):
    """The names of a family of networks in another program."""

    family: str
    rules: tuple[Rule, ...]
    blocks: str = ""  # how names of blocks begin
    ends: Mapping[str, tuple[str, str]] | None = None  # the name of an array of a layer -> the name here, its form
    options: tuple[Mapping[str, object], ...] = ()  # arguments of a model here; with one of these outputs are the same


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
    return SUM.sub(lambda m: str(total(m[1], values)), text)


def total(text: str, values: Mapping[str, int]) -> int:
    """The value of a sum such as 2n+s-1."""
    terms = (m for m in TERM.finditer(text) if m[0])
    return sum(int(f"{m[1]}{m[2] or 1}") * (values[m[3]] if m[3] else 1) for m in terms)


def canonical(name: str) -> str:
    """The layer and the array with a dot between: Keras writes group/layer/kernel:0."""
    return ".".join(name.partition(":")[0].split("/")[-2:]) if "/" in name else name


class Translation:
    """A table for the names of one file."""

    def __init__(self, table: Table, names: Collection[str]) -> None:
        self.table = table
        names = [canonical(name) for name in names]
        self.begins = {name[:at] for name in names for at in range(len(name)) if name[at] == "."}
        found = (pattern(table.blocks).match(name) for name in names) if table.blocks else ()
        blocks = sorted({tuple(numbers(match).values()) for match in found if match})
        self.number = {block: number for number, block in enumerate(blocks)}
        self.counts = {"N": len(blocks), "S": len({block[0] for block in blocks})}

    def of(self, name: str) -> tuple[str, str] | None:
        """(the name here, the form) of an array; None where no rule is for it."""
        name = canonical(name)
        layer, _, end = name.rpartition(".")
        for rule in self.table.rules:
            match = pattern(rule.theirs).fullmatch(name)
            if match and self.holds(rule, match):
                return filled(rule.ours, self.values(match)), rule.form
            match = pattern(rule.theirs).fullmatch(layer)
            ends = self.table.ends
            if match and (ends is None or end in ends) and self.holds(rule, match):
                ours, form = (end, "") if ends is None else ends[end]
                return f"{filled(rule.ours, self.values(match))}.{ours}", rule.form or form
        return None

    def values(self, match: re.Match[str]) -> dict[str, int]:
        """All numbers that a rule may name."""
        values = numbers(match) | self.counts
        if "s" in values and "b" in values:
            values["n"] = self.number.get((values["s"], values["b"]), 0)  # of a block (s, b)
        return values

    def holds(self, rule: Rule, match: re.Match[str]) -> bool:
        """Whether the file has what the rule needs."""
        return not rule.where or PLACE.sub(lambda m: match[m[1]], rule.where) in self.begins
