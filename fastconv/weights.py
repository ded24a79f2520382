"""The two files that hold weights: .npz archives and .safetensors.

    with open_weights(path) as file:
        file.metadata, file.entries           what `write` was given; name -> (shape, dtype)
        file.read(name)                       one array

No pickle anywhere, and nothing is believed: sizes are checked before an array of a declared size is allocated.
"""

import json
import os
import zipfile
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy

METADATA = "metadata.json"
FORMAT = "fastconv 1"
MAX_METADATA = 1 << 20  # bytes
MAX_ENTRIES = 100_000
DTYPES = ("float16", "float32", "float64", "int64", "uint64")


class CheckpointError(ValueError):
    """The file is not a checkpoint, is damaged, or does not fit the network."""


def open_weights(path):
    """The file as its first bytes tell: an archive, or the length of a header and the header, which is JSON."""
    with open(path, "rb") as file:  # a missing file stays an OSError
        start = file.read(9)
    return SafetensorsFile(path) if start[8:] == b"{" else NpzFile(path)


def describe(metadata, **more):
    """The JSON that tells what was saved."""
    text = json.dumps({"format": FORMAT, "metadata": metadata or {}, **more})
    if len(text) > MAX_METADATA:
        raise ValueError(f"metadata must be at most {MAX_METADATA} bytes of JSON, got {len(text)}")
    return text


def understood(path, text):
    """What `describe` was given, from its JSON."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path}: its metadata is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of the format {FORMAT!r}")
    if not isinstance(content.get("metadata"), dict):
        raise CheckpointError(f"{path}: its metadata is not an object")
    return content


class WeightsFile:
    """An open file of weights; whatever goes wrong while it is read becomes a CheckpointError."""

    def __init__(self, path):
        self.path, self.metadata, self.entries = path, {}, {}

    def __enter__(self):
        self.file = open(self.path, "rb")
        try:
            self.begin()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.file.close()
        if isinstance(error, Exception) and not isinstance(error, CheckpointError | MemoryError):
            raise CheckpointError(f"{self.path} is damaged: {error}") from error


# Archives of .npy files.


def write_npz(path, arrays, metadata):
    text = describe(metadata)
    with open(path, "xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(METADATA, text)
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    npy.write_array(entry, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


class Npy(NamedTuple):
    shape: tuple
    dtype: np.dtype
    fortran: bool
    length: int  # of the header


class NpzFile(WeightsFile):
    """What `write_npz` wrote, or numpy.savez: that has no metadata."""

    def begin(self):
        try:
            self.archive = zipfile.ZipFile(self.file)
        except Exception as error:
            raise CheckpointError(f"{self.path} is not a checkpoint: {error}") from None
        names = [entry.filename for entry in self.archive.infolist()]
        if len(names) > MAX_ENTRIES or len(set(names)) != len(names):
            raise CheckpointError(f"{self.path} is not a checkpoint: too many entries, or one of them twice")
        if METADATA in names:
            names.remove(METADATA)
            self.metadata = self.read_metadata()
        self.headers = {name.removesuffix(".npy"): self.header(name) for name in names}
        self.entries = {name: header[:2] for name, header in self.headers.items()}

    def read_metadata(self):
        if self.archive.getinfo(METADATA).file_size > MAX_METADATA:
            raise CheckpointError(f"{self.path}: its {METADATA} is larger than {MAX_METADATA} bytes")
        with self.archive.open(METADATA) as entry:
            return understood(self.path, entry.read(MAX_METADATA + 1))["metadata"]

    def header(self, name):
        if not name.endswith(".npy"):
            raise CheckpointError(f"{self.path}: entry {name!r} is not an array")
        with self.archive.open(name) as entry:
            header = npy_header(entry, self.path, name)
        if self.archive.getinfo(name).file_size != header.length + prod(header.shape) * header.dtype.itemsize:
            raise CheckpointError(
                f"{self.path}: {name.removesuffix('.npy')} does not hold what its header says: "
                f"{header.shape} {header.dtype}"
            )
        return header

    def read(self, name):
        shape, dtype, fortran, length = self.headers[name]
        size = prod(shape) * dtype.itemsize
        with self.archive.open(f"{name}.npy") as entry:
            entry.read(length)
            data = entry.read(size + 1)  # one more: reaching the end checks the sum
        if len(data) != size:
            raise CheckpointError(f"{self.path}: {name} has {len(data)} bytes of data, must have {size}")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def npy_header(entry, path, name):
    try:
        if npy.read_magic(entry) != (1, 0):  # later versions allow headers of 4 GB
            raise ValueError("unknown version")
        shape, fortran, dtype = npy.read_array_header_1_0(entry)
    except Exception as error:
        raise CheckpointError(f"{path}: {name} is not an array: {error}") from None
    if dtype.name not in DTYPES or not dtype.isnative or min(shape, default=0) < 0:
        raise CheckpointError(f"{path}: {name} has the dtype {dtype}, must be one of {', '.join(DTYPES)}")
    return Npy(shape, dtype, fortran, entry.tell())


# safetensors: by its own library, which checks header, offsets, overlaps and gaps.

NAMES = {"F16": "float16", "F32": "float32", "F64": "float64", "I64": "int64", "U64": "uint64"}
OURS = "fastconv"  # the key of its metadata under which ours lies


def library():
    try:
        import safetensors.numpy
    except ImportError:
        raise CheckpointError("a .safetensors file needs safetensors: pip install 'fastconv[safetensors]'") from None
    return safetensors


def write_safetensors(path, arrays, metadata):
    """Weights as arrays; what draws random numbers (uint64) as metadata, so that PyTorch finds its own names alone."""
    counters = {name: array.tolist() for name, array in arrays.items() if array.dtype == np.uint64}
    kept = {
        name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items() if name not in counters
    }
    text = describe(metadata, counters=counters)
    for name, array in kept.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(f"{name} has the dtype {array.dtype}, must be one of {', '.join(DTYPES)}")
    library().numpy.save_file(kept, path, {OURS: text})
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


class SafetensorsFile(WeightsFile):
    """What `write_safetensors` wrote, or anybody else."""

    def begin(self):
        safetensors = library()
        try:
            self.tensors = safetensors.safe_open(self.path, framework="numpy").__enter__()
        except (safetensors.SafetensorError, ValueError) as error:
            raise CheckpointError(f"{self.path} is not a safetensors file: {error}") from None
        for name in self.tensors.keys():  # noqa: SIM118  (it has no __iter__)
            part = self.tensors.get_slice(name)
            if part.get_dtype() not in NAMES:
                raise CheckpointError(
                    f"{self.path}: {name} has the dtype {part.get_dtype()}, must be one of {', '.join(NAMES)}"
                )
            self.entries[name] = (tuple(part.get_shape()), np.dtype(NAMES[part.get_dtype()]))
        self.counters = {}
        text = (self.tensors.metadata() or {}).get(OURS)
        if text is not None:
            self.read_metadata(text)

    def read_metadata(self, text):
        if len(text) > MAX_METADATA:
            raise CheckpointError(f"{self.path}: its metadata is larger than {MAX_METADATA} bytes")
        content = understood(self.path, text)
        counters = content.get("counters", {})
        if not isinstance(counters, dict) or not all(is_counter(value) for value in counters.values()):
            raise CheckpointError(f"{self.path}: its counters are not lists of numbers")
        self.metadata = content["metadata"]
        self.counters = {name: np.array(value, np.uint64) for name, value in counters.items()}
        self.entries.update({name: (value.shape, value.dtype) for name, value in self.counters.items()})

    def read(self, name):
        return self.counters[name] if name in self.counters else self.tensors.get_tensor(name)


def is_counter(value):
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 1 << 64 for number in value)
