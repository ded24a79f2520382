"""Weights on disk: written so that a crash loses nothing, read so that a stranger's file harms nothing.

The suffix says what is written: .safetensors, else an .npz of plain arrays with JSON beside them. Files of either kind
by PyTorch or NumPy are read too. Names, shapes, dtypes and sizes are checked before any array is allocated, and all
arrays are read before the first weight changes.
"""

import os
import secrets
from pathlib import Path

import numpy as np

from .weights import FORMAT, CheckpointError, open_weights, write_npz, write_safetensors

__all__ = ["FORMAT", "CheckpointError", "Mismatch", "load", "metadata", "save"]

SHOWN = 10  # names of each fault


class Mismatch(CheckpointError):
    """What a file and a network do not share: `missing`, `unknown`, and `other`, of another shape or dtype."""

    def __init__(self, path, missing, unknown, other):
        self.missing, self.unknown, self.other = missing, unknown, other
        faults = {"missing": missing, "unknown": unknown, "of another shape or dtype": other}
        parts = [f"{len(names):,} {what}: {shortened(names)}" for what, names in faults.items() if names]
        super().__init__(f"{path} does not fit this network: {'; '.join(parts)}")


def shortened(names):
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def save(path, arrays, metadata=None):
    """Write the arrays (a mapping) and the metadata (what JSON can hold); the old file stays until the new is whole.

    Written to a temporary file in the same folder, forced to disk, then renamed over `path`.
    """
    write = write_safetensors if Path(path).suffix == ".safetensors" else write_npz
    path = Path(os.path.realpath(path))  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write(temporary, arrays, metadata)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder):
    """Make the rename itself survive a power cut, where folders can be opened at all."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def metadata(path):
    """What `save` was given as metadata; nothing where another program wrote the file."""
    with open_weights(path) as file:
        return file.metadata


def load(path, arrays):
    """Fill the arrays from the file and return its metadata; if anything does not fit, nothing changes.

    What counts or draws random numbers may be missing, and is left as it is: torch has no such entry for dropout, and
    its early files none for the steps of batch normalisation.
    """
    with open_weights(path) as file:
        compare(path, file.entries, arrays)
        loaded = {name: file.read(name) for name in arrays if name in file.entries}
    for name, value in loaded.items():
        np.copyto(arrays[name], value)
    return file.metadata


def may_be_missing(name, array):
    return array.dtype == np.uint64 or name.endswith("num_batches_tracked")


def compare(path, entries, arrays):
    """One error that tells everything that is missing, unknown or of another shape."""
    missing = [name for name, array in arrays.items() if name not in entries and not may_be_missing(name, array)]
    unknown = [name for name in entries if name not in arrays]
    other = [
        f"{name} is {entries[name][0]} {entries[name][1]}, must be {array.shape} {array.dtype}"
        for name, array in arrays.items()
        if name in entries and entries[name] != (array.shape, array.dtype)
    ]
    if missing or unknown or other:
        raise Mismatch(path, missing, unknown, other)
