"""Names of other programs, translated by tables to the names that the networks of `fastconv.models` have.

    timm.blocks.1.0.conv_pw.weight -> features.2.conv.0.0.weight

`rules` says what a table is, `timm` and `keras` hold them, `layout` turns the axes of arrays. A table is used only
where it finds the arrays of a network, all but those of one layer (the head may have been left out).
"""

from collections.abc import Collection, Iterator, Mapping

from .layout import arranged, arranged_shape
from .rules import Source, Table, Translation

__all__ = ["Source", "arranged", "arranged_shape", "translated"]

MOST = 4  # names in a file for each array of the network; of files with more no name is translated


def tables() -> Iterator[Table]:
    """All tables; they are loaded when names do not fit as they are."""
    from . import timm

    yield from timm.TABLES


def translated(names: Mapping[str, str], wanted: Collection[str]) -> dict[str, Source]:
    """The network's name -> its source, from (a name -> the file's) and the names that the file must have.

    Names stay as they are where all are found, or where no table finds more.
    """
    plain = {name: Source(original) for name, original in names.items()}
    if all(name in names for name in wanted) or len(names) > MOST * len(wanted) + MOST:
        return plain
    best, fewest = plain, sum(name not in plain for name in wanted)
    for table in tables():
        found = sources(table, names)
        missing = [name for name in wanted if name not in found]
        if len(missing) < fewest and len({name.rpartition(".")[0] for name in missing}) <= 1:
            best, fewest = found, len(missing)
    return best


def sources(table: Table, names: Mapping[str, str]) -> dict[str, Source]:
    """The network's name -> its source, by one table; names without a rule stay as they are."""
    translation = Translation(table, names)
    found: dict[str, Source] = {}
    for name, original in names.items():
        ours, form = translation.of(name) or (name, "")
        if ours in found:
            return {}
        found[ours] = Source(original, form)
    return found
