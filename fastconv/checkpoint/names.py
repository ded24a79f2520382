"""Matches the names in a file with the names of a network: renames, removes prefixes, translates, compares."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..typing import Array
from . import dtypes
from .dtypes import Entry
from .errors import Mismatch, faults, shortened
from .translation import Found, Source, arranged_shape, as_they_are, not_the_same, translated

Rename: TypeAlias = Mapping[str, str | None] | Callable[[str], str | None]  # a name in the file -> the network's

DATA = ("x_train", "train_images", "x", "X", "images")  # names of arrays in files of data
TRAINING = "run/"  # names of arrays of a training run begin so; a network has none of them
PREFIXES = ("module.", "model.", "_orig_mod.", "state_dict.")  # that wrappers put before every name of a network
COUNTERS = ("n_averaged",)  # of wrappers, beside the names with a prefix: AveragedModel has this one


class Loaded(NamedTuple):
    """What `Network.load(path, strict=False)` did; `print` it.

    Attributes
    ----------
    metadata
        The metadata given to `save`; {} if another program wrote the file.
    loaded : list of names that were filled from the file
    missing : list of names that the file does not have; their arrays are unchanged
    unknown : list of names of the file that the network does not have
    misshapen : dict, name -> how the file's array differs in shape or dtype; these are unchanged
    rounded : list of names whose numbers were rounded, from float64 to float32
    """

    metadata: Any
    loaded: list[str]
    missing: list[str]
    unknown: list[str]
    misshapen: dict[str, str]
    rounded: list[str]

    def __str__(self) -> str:
        other = [f"{name} {how}" for name, how in self.misshapen.items()]
        left = faults(self.missing, self.unknown, other)
        rounded = f"{len(self.rounded):,} rounded: {shortened(self.rounded)}" if self.rounded else ""
        return "; ".join(part for part in (f"{len(self.loaded):,} loaded", left, rounded) if part)


class Comparison(NamedTuple):
    """Which names of a network and a file match, and which do not."""

    fitting: dict[str, Source]  # by the network's name
    missing: list[str]
    unknown: list[str]
    misshapen: dict[str, str]
    notice: str  # what a person must know, where the names are those of another program


def compared(
    entries: Mapping[str, Entry],
    arrays: Mapping[str, Array],
    rename: Rename | None,
    model: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compares the entries of a file with a network's arrays, by name, shape and dtype.

    `model` is the name and the arguments of the network's model, if it is one of `fastconv.models`. Entries of a
    training run, such as "run/optimizer/velocity/conv1.weight", are left out.
    """
    own = [name for name in entries if not name.startswith(TRAINING) and (name not in COUNTERS or name in arrays)]
    wanted = [name for name, array in arrays.items() if not may_be_missing(name, array)]
    sources, table = matched(renamed(own, rename), arrays, wanted)
    fitting, misshapen = {}, {}
    for name, array in arrays.items():
        if name in sources:
            source = sources[name]
            entry = entries[source.name]
            shape = arranged_shape(entry.shape, source.form, array.shape)
            how = dtypes.difference(entry if shape is None else entry._replace(shape=shape), array)
            if how is None and source.minus:
                how = dtypes.difference(entries[source.minus], array)
            if shape is None:
                how = f"is {entry.shape} {entry.stored}, which cannot be laid out as {array.shape}"
            if how:
                misshapen[name] = how
            else:
                fitting[name] = source
    missing = [name for name in wanted if name not in sources]
    unknown = [source.name for name, source in sources.items() if name not in arrays]
    notice = not_the_same(table, model) if table else ""
    return Comparison(fitting, missing, unknown, misshapen, notice)


def may_be_missing(name: str, array: Array) -> bool:
    """Whether a file may lack the array: PyTorch stores no state of dropout, and its early files no counters."""
    return array.dtype == np.uint64 or name.endswith("num_batches_tracked")


def renamed(names: Iterable[str], rename: Rename | None) -> dict[str, str]:
    """The network's name -> the file's name, without names that are renamed to None."""
    if rename is None:
        return {name: name for name in names}
    if isinstance(rename, Mapping):
        strange = [name for name in rename if name not in names]
        if strange:
            raise ValueError(f"rename must have names of the file as keys, got {shortened(list(map(repr, strange)))}")
    elif not callable(rename):
        raise TypeError(f"rename must be a dict or a function, name -> name or None, got {rename!r}")
    result: dict[str, str] = {}
    for name in names:
        new = rename.get(name, name) if isinstance(rename, Mapping) else rename(name)
        if not isinstance(new, str | None):
            raise TypeError(f"rename must give a name or None, got {new!r} for {name!r}")
        if new in result:
            raise ValueError(f"rename must give different names, got {new!r} for {result[new]!r} and {name!r}")
        if new is not None:
            result[new] = name
    return result


def matched(names: dict[str, str], arrays: Collection[str], wanted: Collection[str]) -> Found:
    """The sources of a network's arrays, with as few prefixes removed as let any name fit; else the names as they are.

    `wanted` are those arrays of the network that the file must have.
    """
    for version in without_prefixes(names, arrays, wanted):
        found = translated(version, wanted)
        if any(name in arrays for name in found.sources):
            return found
    return as_they_are(names)


def without_prefixes(
    names: dict[str, str], arrays: Collection[str], wanted: Collection[str]
) -> Iterator[dict[str, str]]:
    """The names; then without a prefix that all have from a wrapper, and so on; never one that the network has too.

    Any other prefix is removed if all arrays of the network are found behind it, and behind no other.
    """
    prefix: str | None = ""
    while prefix is not None and not any(prefix and name.startswith(prefix) for name in arrays):
        new = {name: name.removeprefix(prefix) for name in names}
        names = {new[name] if new[name] not in names else name: original for name, original in names.items()}
        yield names
        prefix = next((prefix for prefix in PREFIXES if names and all(name.startswith(prefix) for name in names)), None)
        prefix = prefix or only_prefix(names, wanted)


def only_prefix(names: Collection[str], wanted: Collection[str]) -> str | None:
    """The prefix behind which all wanted names are found; None if there is none, or several that no wrapper writes."""
    first = next(iter(wanted), None)
    prefixes = [name.removesuffix(first) for name in names if name.endswith(f".{first}")] if first else []
    found = [prefix for prefix in prefixes if all(prefix + name in names for name in wanted)]
    return found[0] if len(found) == 1 else next((prefix for prefix in PREFIXES if prefix in found), None)


def mismatch(path: str, comparison: Comparison) -> Mismatch:
    """The error that lists everything that is missing, unknown or misshapen."""
    fitting, missing, unknown, misshapen, _ = comparison
    other = [f"{name} {how}" for name, how in misshapen.items()]
    if fitting:
        cure = f"; load(path, strict=False) loads the {len(fitting):,} that fit"
    else:
        cure = "; nothing fits, so strict=False loads nothing either; rename= translates the names of the file"
        cure += example_of_rename(missing, unknown) + what_it_may_be(missing, unknown)
    return Mismatch(path, missing, unknown, other, cure)


def example_of_rename(missing: list[str], unknown: list[str]) -> str:
    """', for example ...' if the names differ only by a prefix; else ''."""
    for name in missing:
        longer = [other for other in unknown if other.endswith(f".{name}")]
        if len(longer) == 1:
            return f", for example rename=lambda name: name.removeprefix({longer[0].removesuffix(name)!r})"
    return ""


def what_it_may_be(missing: list[str], unknown: list[str]) -> str:
    """What a file is by its names, if they are those of images or those that `numpy.savez` makes up; else ''."""
    if any(name in unknown for name in DATA):
        return "; it looks like images and labels, not weights: read them with numpy.load"
    if missing and unknown and all(re.fullmatch(r"arr_\d+", name) for name in unknown):
        return f"; numpy.savez made up these names: write numpy.savez(path, **{{{missing[0]!r}: array, ...}})"
    return ""
