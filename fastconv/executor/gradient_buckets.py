"""Gradient buckets: parameters that are neighbours in memory are updated by one call, when all gradients are known."""

from math import prod

from ..ops.allocation import nbytes
from .arena import dense_slot

BUCKET = 32 << 20  # most bytes of a bucket; a larger one falls out of the cache of the core that wrote it


class Bucket:
    """The gradients of a few neighbours as one vector; `value` is its memory while it has any."""

    def __init__(self):
        self.starts, self.nbytes, self.value = {}, 0, None  # starts: name -> its first byte

    def add(self, name, length):
        """Append a parameter's gradient of `length` bytes."""
        self.starts[name] = self.nbytes
        self.nbytes += length

    def part(self, name, shape):
        """The gradient of one parameter."""
        whole = self.value.slot
        return self.value._replace(slot=dense_slot(whole.start + self.starts[name], shape, whole.dtype))


def buckets(shapes, dtype, alone):
    """name -> its bucket, for buckets of two parameters and more; the names in `alone` are in none.

    Shapes come in the order of the parameters in memory. A bucket ends before a gap, which has no gradient.
    """
    found, bucket = {}, None
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
