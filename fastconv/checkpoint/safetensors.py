"""Files in the safetensors format, read by its own library, which checks header, offsets, overlaps and gaps.

Arrays are read one at a time, when they are asked for, and as bytes, because NumPy has no bfloat16.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from ..typing import Array
from . import dtypes, metadata
from .errors import CheckpointError

NAMES = {"F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool"}
NAMES |= {f"{kind[0].upper()}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
BFLOAT16 = "BF16"
SUFFIX = ".safetensors"
OTHERS = "__metadata__"
OURS = "fastconv"  # the key in its metadata that holds ours
MOST_HEADER = 100_000_000  # bytes, as the format says
MOST_COUNTERS = 16  # elements of an array that is stored in the metadata


def library(path: str = "a .safetensors file") -> Any:
    """The package safetensors; CheckpointError if it is not installed."""
    try:
        import safetensors.numpy
    except ImportError:
        raise CheckpointError(f"{path} needs the package safetensors: pip install safetensors") from None
    return safetensors


def write(file: BinaryIO, arrays: Mapping[str, Array], described: Any) -> None:
    """Writes weights as arrays, and states of random numbers (uint64) as metadata, which PyTorch ignores."""
    counters = {name: array.tolist() for name, array in arrays.items() if is_counter(array)}
    kept = {name: array for name, array in arrays.items() if name not in counters}
    file.write(library().numpy.save(kept, {OURS: metadata.written(described, counters=counters)}))


def is_counter(array: Array) -> bool:
    """Whether an array is the state of a random number generator."""
    return array.dtype == np.uint64 and array.ndim == 1 and array.size <= MOST_COUNTERS


class SafetensorsFile:
    """A .safetensors file that `write` or another program wrote."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.file = path, file
        self.metadata: Any = {}
        self.counters: dict[str, Array] = {}
        length = os.fstat(file.fileno()).st_size
        file.seek(0)
        size = file.read(8)
        header = file.read(min(int.from_bytes(size, "little"), length, MOST_HEADER))
        check(path, size + header, length)
        self.start = len(size + header)  # of the arrays
        self.tensors = json.loads(header, object_pairs_hook=once)
        others = self.tensors.pop(OTHERS, None) or {}
        self.entries = {name: entry(tensor) for name, tensor in self.tensors.items()}
        if OURS in others:
            self.read_metadata(others[OURS])

    def read_metadata(self, text: str) -> None:
        """Sets `metadata`, and the counters that `write` stored beside it."""
        self.metadata, content = metadata.read(self.path, text)
        counters = content.get("counters", {})
        if not isinstance(counters, dict) or not all(are_counters(value) for value in counters.values()):
            raise CheckpointError(f"{self.path}: its counters are not lists of numbers")
        self.counters = {name: np.array(value, np.uint64) for name, value in counters.items()}
        self.entries.update({name: dtypes.entry(value.shape, value.dtype) for name, value in self.counters.items()})

    def read(self, name: str) -> Array:
        """The array of this name."""
        if name in self.counters:
            return self.counters[name]
        tensor = self.tensors[name]
        begin, end = tensor["data_offsets"]
        self.file.seek(self.start + begin)
        data = self.file.read(end - begin)
        if tensor["dtype"] == BFLOAT16:
            values = dtypes.widened(np.frombuffer(data, "<u2"))
        else:
            values = np.frombuffer(data, np.dtype(NAMES[tensor["dtype"]]).newbyteorder("<"))
        return values.reshape(tensor["shape"])


def check(path: str, start: bytes, length: int) -> None:
    """Let the library check the header of a file of this length, which begins with `start`.

    The library gets a copy in memory, without the arrays, because nobody can change the copy meanwhile.
    """
    copy = os.memfd_create("header", os.MFD_CLOEXEC)
    try:
        os.write(copy, start)
        os.ftruncate(copy, length)
        with library(path).safe_open(f"/proc/self/fd/{copy}", "numpy"):
            pass
    except library().SafetensorError as error:
        raise CheckpointError(f"{path} is not a safetensors file, or damaged: {error}") from None
    finally:
        os.close(copy)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which each key comes once; of two equal keys readers take the first or the last."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("its header has a name twice")
    return content


def entry(tensor: dict[str, Any]) -> dtypes.Entry:
    """Shape and dtype of an array in the file; the dtype is None if NumPy does not have it."""
    code, shape = tensor["dtype"], tuple(tensor["shape"])
    if code == BFLOAT16:
        return dtypes.Entry(shape, np.dtype("float32"), "bfloat16")
    name = NAMES.get(code)
    return dtypes.Entry(shape, np.dtype(name) if name else None, name or code)


def are_counters(value: object) -> bool:
    """Whether this is a list of integers that fit in uint64."""
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 1 << 64 for number in value)
