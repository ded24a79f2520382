"""Files of the format safetensors, by its own library, which checks header, offsets, overlaps and gaps.

It is asked for bytes, not for arrays, for NumPy has no bfloat16.
"""

import json

import numpy as np

from . import dtypes, metadata
from .errors import CheckpointError

NAMES = {"F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool"}
NAMES |= {f"{kind[0].upper()}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
BFLOAT16 = "BF16"
OTHERS = "__metadata__"
OURS = "fastconv"  # the key of its metadata under which ours lies
MOST_COUNTERS = 16  # numbers of an array that is kept in the metadata


def library():
    try:
        import safetensors.numpy
    except ImportError:
        raise CheckpointError("a .safetensors file needs safetensors: pip install 'fastconv[safetensors]'") from None
    return safetensors


def write(file, arrays, described):
    """Weights as arrays; what draws random numbers (uint64) as metadata, so that PyTorch finds its own names alone."""
    counters = {name: array.tolist() for name, array in arrays.items() if is_counter(array)}
    kept = {name: array for name, array in arrays.items() if name not in counters}
    file.write(library().numpy.save(kept, {OURS: metadata.written(described, counters=counters)}))


def is_counter(array):
    return array.dtype == np.uint64 and array.ndim == 1 and array.size <= MOST_COUNTERS


class SafetensorsFile:
    """What `write` wrote, or anybody else."""

    def __init__(self, path, file):
        self.path, self.metadata, self.counters = path, {}, {}
        file.seek(0)
        data = file.read()
        try:
            self.tensors = dict(library().deserialize(data))
        except library().SafetensorError as error:
            raise CheckpointError(f"{path} is not a safetensors file, or damaged: {error}") from None
        self.entries = {name: entry(tensor) for name, tensor in self.tensors.items()}
        others = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get(OTHERS) or {}
        if OURS in others:
            self.read_metadata(others[OURS])

    def read_metadata(self, text):
        self.metadata, told = metadata.read(self.path, text)
        counters = told.get("counters", {})
        if not isinstance(counters, dict) or not all(are_counters(value) for value in counters.values()):
            raise CheckpointError(f"{self.path}: its counters are not lists of numbers")
        self.counters = {name: np.array(value, np.uint64) for name, value in counters.items()}
        self.entries.update({name: dtypes.entry(value.shape, value.dtype) for name, value in self.counters.items()})

    def read(self, name):
        if name in self.counters:
            return self.counters[name]
        tensor = self.tensors[name]
        if tensor["dtype"] == BFLOAT16:
            values = dtypes.widened(np.frombuffer(tensor["data"], "<u2"))
        else:
            values = np.frombuffer(tensor["data"], np.dtype(NAMES[tensor["dtype"]]).newbyteorder("<"))
        return values.reshape(tensor["shape"])


def entry(tensor):
    """Shape and dtype of an array of the file; no dtype where NumPy has none for it."""
    code, shape = tensor["dtype"], tuple(tensor["shape"])
    if code == BFLOAT16:
        return dtypes.Entry(shape, np.dtype("float32"), "bfloat16")
    name = NAMES.get(code)
    return dtypes.Entry(shape, name and np.dtype(name), name or code)


def are_counters(value):
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 1 << 64 for number in value)
