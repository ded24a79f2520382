"""Gradient buckets: parameters that are neighbours in memory are updated by one call, when all gradients are known."""

from collections.abc import Container, Mapping
from math import prod
from typing import Any

import numpy as np

from ..ops.allocation import nbytes
from ..typing import Shape
from .arena import dense_slot
from .values import Value

BUCKET = 32 << 20  # most bytes of a bucket; a larger one falls out of the cache of the core that wrote it


class Bucket:
    """The gradients of a few neighbours as one vector; `value` is its memory while it has any."""

    def __init__(self) -> None:
        self.starts: dict[str, int] = {}  # name -> its first byte
        self.nbytes = 0
        self.value: Value | None = None

    def add(self, name: str, length: int) -> None:
        """Append a parameter's gradient of `length` bytes."""
        self.starts[name] = self.nbytes
        self.nbytes += length

    def part(self, whole: Value, name: str, shape: Shape) -> Value:
        """The gradient of one parameter; `whole`: that of the bucket."""
        start = whole.slot.start + self.starts[name]
        return whole._replace(slot=dense_slot(start, shape, whole.slot.dtype))


def buckets(shapes: Mapping[str, Shape], dtype: np.dtype[Any], alone: Container[str]) -> dict[str, Bucket]:
    """name -> its bucket, for buckets of two parameters and more; the names in `alone` are in none.

    Shapes come in the order of the parameters in memory. A bucket ends before a gap, which has no gradient.
    """
    found: dict[str, Bucket] = {}
    bucket: Bucket | None = None
    for name, shape in shapes.items():
        whole, length = nbytes(shape, dtype), prod(shape) * dtype.itemsize
        if name in alone:
            bucket = None
            continue
        if bucket is None or bucket.nbytes + whole > BUCKET:
            bucket = Bucket()
        bucket.add(name, length)
        found[name] = bucket
        if whole > length:
            bucket = None
    return {name: bucket for name, bucket in found.items() if len(bucket.starts) > 1}
