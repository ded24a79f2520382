"""Files of the format safetensors.

    8 bytes      the length of the header, little-endian
    header       JSON: name -> {"dtype", "shape", "data_offsets": [start, stop]}, and "__metadata__": text -> text
    the rest     the arrays, C-ordered and little-endian, one after another without a gap

Nothing of the header is believed before it is compared with the length of the file.
"""

import json
import os
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from . import dtypes, metadata
from .errors import CheckpointError

NAMES = {"F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool"}
NAMES |= {f"{kind[0].upper()}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
CODES = {name: code for code, name in NAMES.items()}
BFLOAT16 = "BF16"
OTHERS = "__metadata__"
OURS = "fastconv"  # the key of its metadata under which ours lies
MOST_HEADER = 100_000_000  # bytes, as the format says
MOST_COUNTERS = 16  # numbers of an array that is kept in the metadata


def write(file, arrays, described):
    """Weights as arrays; what draws random numbers (uint64) as metadata, so that PyTorch finds its own names alone."""
    counters = {name: array.tolist() for name, array in arrays.items() if is_counter(array)}
    kept = {name: array for name, array in arrays.items() if name not in counters}
    kept = dict(sorted(kept.items(), key=lambda item: -item[1].itemsize))  # each begins at a multiple of its size
    header, stop = {OTHERS: {OURS: metadata.written(described, counters=counters)}}, 0
    for name, array in kept.items():
        start, stop = stop, stop + array.nbytes
        header[name] = {"dtype": CODES[array.dtype.name], "shape": array.shape, "data_offsets": [start, stop]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for array in kept.values():
        file.write(np.asarray(array, array.dtype.newbyteorder("<")).data)


def is_counter(array):
    return array.dtype == np.uint64 and array.ndim == 1 and array.size <= MOST_COUNTERS


class Span(NamedTuple):
    """Where an array lies in the file."""

    start: int
    stop: int
    dtype: np.dtype | None


class SafetensorsFile:
    """What `write` wrote, or anybody else."""

    def __init__(self, path, file):
        self.path, self.file, self.metadata = path, file, {}
        self.entries, self.spans, self.counters = {}, {}, {}
        header, start = self.header()
        others = header.pop(OTHERS, {})
        for name, told in header.items():
            self.add(name, told, start)
        self.check_spans(start)
        if not isinstance(others, dict) or not all(isinstance(value, str) for value in others.values()):
            raise self.not_one(f"its {OTHERS} is not text")
        if OURS in others:
            self.read_metadata(others[OURS])

    def not_one(self, why):
        return CheckpointError(f"{self.path} is not a safetensors file, or damaged: {why}")

    def header(self):
        """What it says, and where the arrays begin."""
        self.length = os.fstat(self.file.fileno()).st_size
        self.file.seek(0)
        size = int.from_bytes(self.file.read(8), "little")
        if size > min(MOST_HEADER, self.length - 8):
            raise self.not_one(f"its header has {size} bytes, the file {self.length}")
        try:
            header = json.loads(self.file.read(size).decode(), object_pairs_hook=once)
        except (ValueError, RecursionError) as error:
            raise self.not_one(f"its header is not JSON: {str(error)[:100]}") from None
        if not isinstance(header, dict):
            raise self.not_one("its header is not an object")
        return header, 8 + size

    def add(self, name, told, begin):
        try:
            code, shape, (start, stop) = told["dtype"], tuple(told["shape"]), told["data_offsets"]
        except (TypeError, ValueError, LookupError):
            raise self.not_one(f"{name} has no dtype, shape and offsets") from None
        if not all(type(number) is int and number >= 0 for number in (*shape, start, stop)):
            raise self.not_one(f"{name} has a shape or offsets that are no sizes")
        stored = "bfloat16" if code == BFLOAT16 else NAMES.get(code, str(code))
        dtype = np.dtype("<u2" if code == BFLOAT16 else NAMES[code]).newbyteorder("<") if known(code) else None
        if stop < start or (dtype is not None and stop - start != prod(shape) * dtype.itemsize):
            raise self.not_one(f"{name} has {stop - start} bytes for {shape} {stored}")
        self.spans[name] = Span(begin + start, begin + stop, dtype)
        given = None if dtype is None else np.dtype("float32") if code == BFLOAT16 else dtype.newbyteorder("=")
        self.entries[name] = dtypes.Entry(shape, given, stored)

    def check_spans(self, start):
        """One after another from the header to the end."""
        spans = sorted(self.spans.values(), key=lambda span: span[:2])
        ends = [(start, start), *(span[:2] for span in spans), (self.length, self.length)]
        if any(before[1] != after[0] for before, after in pairwise(ends)):
            raise self.not_one("its arrays overlap, leave a gap, or do not end where the file ends")

    def read_metadata(self, text):
        self.metadata, content = metadata.read(self.path, text)
        counters = content.get("counters", {})
        if not isinstance(counters, dict) or not all(are_counters(value) for value in counters.values()):
            raise CheckpointError(f"{self.path}: its counters are not lists of numbers")
        self.counters = {name: np.array(value, np.uint64) for name, value in counters.items()}
        self.entries.update({name: dtypes.entry(value.shape, value.dtype) for name, value in self.counters.items()})

    def read(self, name):
        if name in self.counters:
            return self.counters[name]
        span, entry = self.spans[name], self.entries[name]
        self.file.seek(span.start)
        values = np.frombuffer(self.file.read(span.stop - span.start), span.dtype)
        if entry.stored == "bfloat16":
            values = dtypes.widened(values)
        return values.reshape(entry.shape)


def known(code):
    return isinstance(code, str) and (code in NAMES or code == BFLOAT16)


def once(pairs):
    """An object of JSON, each of whose keys comes once."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name comes twice")
    return content


def are_counters(value):
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 1 << 64 for number in value)
