"""The traffic of an op without its arithmetic, as a call: the limit that memory and caches set on the same arrays."""

import probe
from shapes import FORWARD

from fastconv.ops.elementwise import new_like


def copy_of(case, ours, threads):
    """A call that reads the arrays that `ours` reads, and writes a new one, in the same order; None for other ops.

    Batch norm reads x, or dy and x, twice, and writes once: channel by channel in planar memory, else all of it before
    it begins again.
    """
    if case.shape.family != "norm":
        return None
    try:
        two_passes = probe.load(str(case.dtype)).two_passes
    except ImportError:
        return None
    planar = case.shape.layout == "planar"
    runs = by_channel if planar else by_sample
    first, second = (ours.args[0], None) if case.direction == FORWARD else ours.args[:2]

    def call():
        y = new_like(first)
        two_passes(runs(first), None if second is None else runs(second), runs(y), planar, threads)
        return y

    return call


def by_channel(a):
    """Planar a[n, c, h, w] as [c, n, h w]."""
    return a.reshape(*a.shape[:2], -1).swapaxes(0, 1)


def by_sample(a):
    """Channels-last a[n, c, h, w] as [n, 1, h w c]."""
    return a.transpose(0, 2, 3, 1).reshape(len(a), 1, -1)
