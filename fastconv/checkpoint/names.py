"""Names of a file beside those of a network: renamed, freed of a prefix, compared."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from . import dtypes
from .errors import Mismatch, faults, shortened

PREFIXES = ("module.", "model.", "_orig_mod.", "state_dict.")  # of wrappers around a whole network


class Loaded(NamedTuple):
    """What `Network.load(path, strict=False)` did; `print` it.

    Attributes
    ----------
    metadata
        What `save` was given; {} where another program wrote the file.
    loaded : list of names that were filled from the file
    missing : list of names that the file does not have; they are as they were
    unknown : list of names of the file that the network does not have
    misshapen : dict, name -> how the file's array differs in shape or dtype; they are as they were
    rounded : list of names whose numbers were rounded, from float64 to float32
    """

    metadata: object
    loaded: list
    missing: list
    unknown: list
    misshapen: dict
    rounded: list

    def __str__(self):
        other = [f"{name} {how}" for name, how in self.misshapen.items()]
        left = faults(self.missing, self.unknown, other)
        rounded = f"{len(self.rounded):,} rounded: {shortened(self.rounded)}" if self.rounded else ""
        return "; ".join(part for part in (f"{len(self.loaded):,} loaded", left, rounded) if part)


class Comparison(NamedTuple):
    """Names of a network, and of a file, that fit or do not."""

    fitting: dict  # the network's name -> the file's
    missing: list
    unknown: list
    misshapen: dict


def compared(entries, arrays, rename):
    """What of the file fits, by name, shape and dtype."""
    names = without_prefix(renamed(entries, rename), arrays)
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


def may_be_missing(name, array):
    """What counts or draws random numbers: torch has no such entry for dropout, and its early files none for steps."""
    return array.dtype == np.uint64 or name.endswith("num_batches_tracked")


def renamed(names, rename):
    """The network's name -> the file's name; without those that are renamed to None."""
    if rename is None:
        return {name: name for name in names}
    if isinstance(rename, Mapping):
        strange = [name for name in rename if name not in names]
        if strange:
            raise ValueError(f"rename must map names of the file, got {shortened(list(map(repr, strange)))}")
    elif not callable(rename):
        raise TypeError(f"rename must be a dict or a function, name -> name or None, got {rename!r}")
    result = {}
    for name in names:
        new = rename.get(name, name) if isinstance(rename, Mapping) else rename(name)
        if not isinstance(new, str | None):
            raise TypeError(f"rename must give a name or None, got {new!r} for {name!r}")
        if new in result:
            raise ValueError(f"rename must give different names, got {new!r} for {result[new]!r} and {name!r}")
        if new is not None:
            result[new] = name
    return result


def without_prefix(names, wanted):
    """Names less what a wrapper put before all of them, if only then one of them is wanted."""
    taken = names
    while taken and not any(name in wanted for name in taken):
        prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in taken)), None)
        if prefix is None or any(name.startswith(prefix) for name in wanted):
            return names
        taken = {name.removeprefix(prefix): original for name, original in taken.items()}
    return taken


def mismatch(path, comparison):
    """The error that tells everything that is missing, unknown or of another shape."""
    fitting, missing, unknown, misshapen = comparison
    other = [f"{name} {how}" for name, how in misshapen.items()]
    if fitting:
        cure = f"; load(path, strict=False) loads the {len(fitting):,} that fit"
    else:
        cure = "; nothing fits, so strict=False loads nothing either; rename= gives names of the file other names"
    return Mismatch(path, missing, unknown, other, cure)
