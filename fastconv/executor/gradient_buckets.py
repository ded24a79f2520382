"""Parameters that lie side by side, whose gradients wait for each other so that one call updates them all."""

from math import prod

from ..ops.allocation import nbytes
from .arena import place

MOST = 32 << 20  # bytes of gradients that wait: what the caches hold of them is slow to read from another core


class Group:
    """Gradients of a few parameters as one vector; `value`: where it lies, while it does."""

    def __init__(self):
        self.starts, self.nbytes, self.value = {}, 0, None  # name -> its first byte

    def add(self, name, length):
        self.starts[name] = self.nbytes
        self.nbytes += length

    def part(self, name, shape):
        """One parameter's gradient."""
        whole = self.value.place
        return self.value._replace(place=place(whole.start + self.starts[name], shape, whole.dtype))


def groups(shapes, dtype, alone):
    """name -> its group, where that holds more than one name; those in `alone` have none.

    Shapes come in the order of the parameters in memory. A group ends before a gap, which has no gradient.
    """
    found, group = {}, None
    for name, shape in shapes.items():
        whole, length = nbytes(shape, dtype), prod(shape) * dtype.itemsize
        if name in alone:
            group = None
            continue
        if group is None or group.nbytes + whole > MOST:
            group = Group()
        group.add(name, length)
        found[name] = group
        if whole > length:
            group = None
    return {name: group for name, group in found.items() if len(group.starts) > 1}
