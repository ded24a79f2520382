"""Matches the names in a file with the names of a network: renames, removes prefixes, compares."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..typing import Array
from . import dtypes
from .dtypes import Entry
from .errors import Mismatch, faults, shortened

Rename: TypeAlias = Mapping[str, str | None] | Callable[[str], str | None]  # a name in the file -> the network's

DATA = ("x_train", "train_images", "x", "X", "images")  # names of arrays in files of data
TRAINING = "run/"  # names of arrays of a training run begin so; a network has none of them
PREFIXES = ("module.", "model.", "_orig_mod.", "state_dict.")  # that wrappers put before every name of a network


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

    fitting: dict[str, str]  # the network's name -> the file's
    missing: list[str]
    unknown: list[str]
    misshapen: dict[str, str]


def compared(entries: Mapping[str, Entry], arrays: Mapping[str, Array], rename: Rename | None) -> Comparison:
    """Compares the entries of a file with a network's arrays, by name, shape and dtype.

    Entries of a training run, such as "run/optimizer/velocity/conv1.weight", are left out.
    """
    own = [name for name in entries if not name.startswith(TRAINING)]
    names = without_prefix(renamed(own, rename), arrays)
    fitting, misshapen = {}, {}
    for name, array in arrays.items():
        if name in names:
            how = dtypes.difference(entries[names[name]], array)
            if how:
                misshapen[name] = how
            else:
                fitting[name] = names[name]
    missing = [name for name, array in arrays.items() if name not in names and not may_be_missing(name, array)]
    unknown = [original for name, original in names.items() if name not in arrays]
    return Comparison(fitting, missing, unknown, misshapen)


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


def without_prefix(names: dict[str, str], wanted: Collection[str]) -> dict[str, str]:
    """The names without a prefix that all of them have from a wrapper, if none is wanted with it."""
    taken = names
    while taken and not any(name in wanted for name in taken):
        prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in taken)), None)
        if prefix is None or any(name.startswith(prefix) for name in wanted):
            return names
        taken = {name.removeprefix(prefix): original for name, original in taken.items()}
    return taken


def mismatch(path: str, comparison: Comparison) -> Mismatch:
    """The error that lists everything that is missing, unknown or misshapen."""
    fitting, missing, unknown, misshapen = comparison
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
