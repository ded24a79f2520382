"""Names of other programs, translated by tables to the names that the networks of `fastconv.models` have.

    timm.blocks.1.0.conv_pw.weight -> features.2.conv.0.0.weight

`rules` says what a table is, `timm` and `keras` hold them, `layout` turns the axes of arrays. A table is used only
where it finds the arrays of a network, all but those of one layer (the head may have been left out).
"""

from collections.abc import Collection, Iterator, Mapping
from math import isclose
from typing import Any, NamedTuple

from .layout import arranged, arranged_shape
from .rules import Source, Table, Translation

__all__ = ["Found", "Source", "arranged", "arranged_shape", "as_they_are", "not_the_same", "translated"]

MINUS = "minus"  # the form of an array that is subtracted from the one with the same name here
MOST = 4  # names in a file for each array of the network; of files with more no name is translated


def tables() -> Iterator[Table]:
    """All tables; they are loaded when names do not fit as they are."""
    from . import keras, timm

    yield from timm.TABLES
    yield from keras.TABLES


class Found(NamedTuple):
    """Where the arrays of a network come from, and the table that said so."""

    sources: dict[str, Source]  # by the network's name
    table: Table | None = None


def translated(names: Mapping[str, str], wanted: Collection[str]) -> Found:
    """The sources of a network's arrays, from (a name -> the file's) and the names that the file must have.

    Names stay as they are where all are found, or where no table finds more.
    """
    best = as_they_are(names)
    if all(name in names for name in wanted) or len(names) > MOST * len(wanted) + MOST:
        return best
    fewest = sum(name not in names for name in wanted)
    for table in tables():
        found = sources(table, names)
        missing = [name for name in wanted if name not in found]
        if len(missing) < fewest and len({name.rpartition(".")[0] for name in missing}) <= 1:
            best, fewest = Found(found, table), len(missing)
    return best


def as_they_are(names: Mapping[str, str]) -> Found:
    """The sources of arrays under the names that they have."""
    return Found({name: Source(original) for name, original in names.items()})


def sources(table: Table, names: Mapping[str, str]) -> dict[str, Source]:
    """The network's name -> its source, by one table; names without a rule stay as they are."""
    translation = Translation(table, names)
    found: dict[str, Source] = {}
    minus: dict[str, str] = {}
    for name, original in names.items():
        ours, form = translation.of(name) or (name, "")
        if ours in (minus if form == MINUS else found):
            return {}
        if form == MINUS:
            minus[ours] = original
        elif ours:
            found[ours] = Source(original, form)
    return {ours: source._replace(minus=minus.get(ours, "")) for ours, source in found.items()}


def not_the_same(table: Table, model: Mapping[str, Any] | None) -> str:
    """With which arguments a model gives the outputs of the other program; '' where the network's has them."""
    given = model.get("arguments", {}) if model else {}
    if not table.options or any(all(fits(given, *each) for each in options.items()) for options in table.options):
        return ""
    written = ", ".join(f"{name}={value!r}" for name, value in table.options[0].items())
    made = f"fastconv.models.{model['name']}({written})" if model else f"{written} in the model"
    return f"weights of {table.family}; the outputs are the same with {made}"


def fits(given: Mapping[str, Any], name: str, wanted: Any) -> bool:
    """Whether an argument has the wanted value, a number to 1 %."""
    value = given.get(name)
    if isinstance(value, float) and isinstance(wanted, float):
        return isclose(value, wanted, rel_tol=0.01)
    return bool(value == wanted)
