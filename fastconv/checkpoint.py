"""Weights on disk: an .npz of plain arrays with JSON beside them, written so that a crash loses nothing.

No pickle anywhere. A file is read only as far as it holds what is wanted: names, shapes, dtypes and sizes are checked
before any array is allocated, and all arrays are read before the first weight changes.
"""

import json
import os
import secrets
import zipfile
from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

METADATA = "metadata.json"
FORMAT = "fastconv 1"
MAX_METADATA = 1 << 20  # bytes
MAX_ENTRIES = 100_000
DTYPES = ("float32", "float64", "int64", "uint64")


class CheckpointError(ValueError):
    """The file is not a checkpoint, is damaged, or does not fit the network."""


def save(path, arrays, metadata=None):
    """Write the arrays (a mapping) and the metadata (what JSON can hold); the old file stays until the new is whole.

    Written to a temporary file in the same folder, forced to disk, then renamed over `path`.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    text = json.dumps({"format": FORMAT, "metadata": metadata or {}}).encode()
    if len(text) > MAX_METADATA:
        raise ValueError(f"metadata must be at most {MAX_METADATA} bytes of JSON, got {len(text)}")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            write(file, arrays, text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(file, arrays, text):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(METADATA, text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)


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
    """What `save` was given as metadata."""
    with opened(path) as archive:
        return read_metadata(archive, path)


def load(path, arrays):
    """Fill the arrays from the file and return its metadata; if anything does not fit, nothing changes."""
    with opened(path) as archive:
        found = read_metadata(archive, path)
        headers = {name: read_header(archive, path, name) for name in array_names(archive)}
        compare(path, headers, arrays)
        loaded = {name: read_array(archive, path, name, arrays[name]) for name in arrays}
    for name, value in loaded.items():
        np.copyto(arrays[name], value)
    return found


class opened:
    """The zip archive at a path; whatever goes wrong while reading it becomes a CheckpointError."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, "rb")  # a missing file stays an OSError
        try:
            self.archive = zipfile.ZipFile(self.file)
        except Exception as error:
            self.file.close()
            raise CheckpointError(f"{self.path} is not a checkpoint: {error}") from None
        entries = self.archive.infolist()
        if len(entries) > MAX_ENTRIES or len({entry.filename for entry in entries}) != len(entries):
            self.file.close()
            raise CheckpointError(f"{self.path} is not a checkpoint: too many entries, or one of them twice")
        return self.archive

    def __exit__(self, kind, error, trace):
        self.file.close()
        if error is not None and isinstance(error, Exception) and not isinstance(error, CheckpointError):
            raise CheckpointError(f"{self.path} is damaged: {error}") from error


def read_metadata(archive, path):
    if METADATA not in archive.namelist():
        raise CheckpointError(f"{path} is not a checkpoint: it has no {METADATA}")
    if archive.getinfo(METADATA).file_size > MAX_METADATA:
        raise CheckpointError(f"{path}: its {METADATA} is larger than {MAX_METADATA} bytes")
    with archive.open(METADATA) as entry:
        text = entry.read(MAX_METADATA + 1)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path}: its {METADATA} is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of the format {FORMAT!r}")
    if not isinstance(content.get("metadata"), dict):
        raise CheckpointError(f"{path}: its metadata is not an object")
    return content["metadata"]


def array_names(archive):
    return [name.removesuffix(".npy") for name in archive.namelist() if name != METADATA]


def read_header(archive, path, name):
    """(shape, dtype, size of the header) of one entry, from its first bytes."""
    if f"{name}.npy" not in archive.namelist():
        raise CheckpointError(f"{path}: entry {name!r} is not an array")
    with archive.open(f"{name}.npy") as entry:
        shape, dtype, length = header(entry, path, name)
    if archive.getinfo(f"{name}.npy").file_size != length + prod(shape) * dtype.itemsize:
        raise CheckpointError(f"{path}: {name} does not hold what its header says: {shape} {dtype}")
    return shape, dtype, length


def header(entry, path, name):
    try:
        if npy.read_magic(entry) != (1, 0):  # later versions allow headers of 4 GB
            raise ValueError("unknown version")
        shape, fortran, dtype = npy.read_array_header_1_0(entry)
    except Exception as error:
        raise CheckpointError(f"{path}: {name} is not an array: {error}") from None
    if (fortran and len(shape) > 1) or dtype.name not in DTYPES or not dtype.isnative or min(shape, default=0) < 0:
        raise CheckpointError(
            f"{path}: {name} has the dtype {dtype} (must be one of {', '.join(DTYPES)}), or its order"
        )
    return shape, dtype, entry.tell()


def compare(path, headers, arrays):
    """One error that lists everything that is missing, unknown or of another shape."""
    faults = [f"missing {name}" for name in arrays if name not in headers]
    faults += [f"unknown {name}" for name in headers if name not in arrays]
    for name, array in arrays.items():
        if name in headers and (headers[name][0] != array.shape or headers[name][1] != array.dtype):
            shape, dtype, _ = headers[name]
            faults.append(f"{name} is {shape} {dtype}, must be {array.shape} {array.dtype}")
    if faults:
        raise CheckpointError(f"{path} does not fit this network: " + "; ".join(faults))


def read_array(archive, path, name, like):
    with archive.open(f"{name}.npy") as entry:
        header(entry, path, name)
        data = entry.read(like.nbytes + 1)  # one more: reaching the end checks the sum
    if len(data) != like.nbytes:
        raise CheckpointError(f"{path}: {name} has {len(data)} bytes of data, must have {like.nbytes}")
    return np.frombuffer(data, like.dtype).reshape(like.shape)
