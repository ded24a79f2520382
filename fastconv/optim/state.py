"""The state that optimizers keep of each parameter: named vectors, and its number of steps.

The state belongs to the memory of the parameter, whatever its name or view, and is freed together with that memory.
Copies and pickles of an optimizer keep it by name, for the first parameter of the same name, shape and dtype.
"""

import mmap
from functools import partial
from typing import NamedTuple
from weakref import WeakValueDictionary, ref

import numpy as np

from ..ops import allocation


class Region(NamedTuple):
    """The memory of an array, from start to stop, and (extent, stride) of its axes, with contiguous axes joined."""

    start: int
    stop: int
    dims: tuple
    dtype: np.dtype

    @property
    def __array_interface__(self):
        shape, strides = ([dim[i] for dim in self.dims] for i in (0, 1))
        return {
            "version": 3,
            "typestr": self.dtype.str,
            "data": (self.start, True),
            "shape": tuple(shape),
            "strides": tuple(strides),
        }

    def dense(self):
        return not self.dims or (len(self.dims) == 1 and self.dims[0][1] == self.dtype.itemsize)

    def meets(self, other):
        """Whether two regions share bytes of an element, given that their ranges from start to stop overlap."""
        return (self.dense() and other.dense()) or np.shares_memory(np.asarray(self), np.asarray(other))


def region(a):
    """The region of an array that is not empty."""
    start = a.__array_interface__["data"][0]
    if a.flags.c_contiguous:
        return Region(start, start + a.nbytes, ((a.size, a.itemsize),) if a.size > 1 else (), a.dtype)
    axes = [(extent, stride) for extent, stride in zip(a.shape, a.strides, strict=True) if extent > 1]
    start += sum((extent - 1) * stride for extent, stride in axes if stride < 0)
    dims = []
    for stride, extent in sorted(((abs(stride), extent) for extent, stride in axes), reverse=True):
        if dims and dims[-1][1] == extent * stride:
            dims[-1] = (dims[-1][0] * extent, stride)
        else:
            dims.append((extent, stride))
    stop = start + sum((extent - 1) * stride for extent, stride in dims) + a.itemsize
    return Region(start, stop, tuple(dims), a.dtype)


def overlaps(regions):
    """Pairs (i, j) of regions that share memory."""
    order = sorted(range(len(regions)), key=lambda i: regions[i].start)
    for at, i in enumerate(order):
        stop = regions[i].stop
        for j in order[at + 1 :]:
            if regions[j].start >= stop:
                break
            if regions[i].meets(regions[j]):
                yield i, j


def owner(a):
    """The object that owns the memory of an array, for a weak reference; if it is unknown, the array itself."""
    base = a
    while (below := base.obj if isinstance(base, memoryview) else getattr(base, "base", None)) is not None:
        base = below
    known = base.flags.owndata if isinstance(base, np.ndarray) else isinstance(base, mmap.mmap)
    return base if known else a


class Order:
    """The order of elements in memory, from the strides: which axes are flipped, and the axes by decreasing stride."""

    def __init__(self, strides):
        self.flips = (*(slice(None, None, -1 if stride < 0 else 1) for stride in strides), ...)
        self.axes = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))

    def of(self, a):
        """A view of `a` in this order; contiguous in C order if `a` has the strides of this order and no gaps."""
        return a[self.flips].transpose(self.axes)

    def back(self, a):
        return a.transpose(sorted(range(a.ndim), key=self.axes.__getitem__))[self.flips]


class Block:
    """State vectors over parameters that lie side by side; each is created, as zeros, when a rule first needs it."""

    def __init__(self, size, dtype):
        self.size, self.dtype, self.kept = size, dtype, {}
        self.places = []  # (start, stop) of each parameter
        self.made, self.ahead = 0, []  # each parameter has made `made` + its `ahead` steps
        self.starts = None  # `starts` of the mapping that has exactly these parameters, in this order
        self.half = False  # True during a lean step, and after one that did not end

    def vectors(self, names):
        for name in names:
            if name not in self.kept:
                self.kept[name] = allocation.aligned(self.size, self.dtype)
        return [self.kept[name] for name in names]

    @property
    def steps(self):
        """The number of steps of each parameter; None if they differ."""
        return self.made + self.ahead[0] if len(set(self.ahead)) == 1 else None

    def count(self):
        self.made += 1

    def pieces(self, start, stop):
        """(start, stop, steps) of ranges of elements with the same number of steps."""
        if self.steps is not None:
            return [(start, stop, self.steps)]
        cut = (
            (max(start, first), min(stop, last), self.made + ahead)
            for (first, last), ahead in zip(self.places, self.ahead, strict=True)
        )
        return [piece for piece in cut if piece[0] < piece[1]]

    def not_half(self):
        if self.half:
            raise half_a_step()


def half_a_step():
    return RuntimeError(
        "an earlier lean step stopped half-way, after it had updated some of these parameters; "
        "load weights you trust and make a new optimizer"
    )


class Record:
    """The state of one parameter: its range of the vectors of a block."""

    def __init__(self, w, alive):
        self.alive, self.block = alive, None
        self.lie_in(Block(w.size, w.dtype), 0, w.size)

    def lie_in(self, block, start, size):
        """Move the state to `start` in this block."""
        old, steps = ({}, 0) if self.block is None else (self.block.kept, self.steps)
        for name in old:
            block.vectors([name])[0][start : start + size] = self.vectors([name])[0]
        self.block, self.at = block, len(block.places)
        block.places.append((start, start + size))
        block.ahead.append(steps - block.made)

    def seen_as(self, name, w):
        self.name, self.shape, self.strides = name, w.shape, w.strides

    @property
    def steps(self):
        return self.block.made + self.block.ahead[self.at]

    def vectors(self, names):
        start, stop = self.block.places[self.at]
        return [vector[start:stop] for vector in self.block.vectors(names)]

    def count(self):
        self.block.ahead[self.at] += 1

    def copy(self):
        order = Order(self.strides)
        form = order.of(np.empty(self.shape, bool)).shape
        kept = {name: order.back(self.vectors([name])[0].reshape(form)).copy() for name in self.block.kept}
        return Copied(self.name, self.shape, self.block.dtype, None if self.block.half else self.steps, kept)

    def continues(self, copied, order):
        self.block.ahead[self.at] = copied.steps - self.block.made
        for name, array in copied.kept.items():
            self.vectors([name])[0][...] = order.of(array).reshape(-1)


class Copied(NamedTuple):
    """The state in a copied optimizer of a parameter that it has not seen yet."""

    name: str
    shape: tuple
    dtype: np.dtype
    steps: int | None  # None after a lean step that stopped half-way
    kept: dict

    def fits(self, w):
        return self.shape == w.shape and self.dtype == w.dtype


class State:
    """The records of an optimizer, by region."""

    def __init__(self):
        self.known, self.copied = {}, []
        self.blocks = WeakValueDictionary()  # id of the starts of a mapping -> the block of its parameters

    def records(self, arrays, regions):
        """The records of arrays by name; the arrays must not share memory."""
        refuse_twice(regions)
        new = {name: place for name, place in regions.items() if place not in self.known}
        if new:
            self.refuse_overlaps(new)
            self.add({name: arrays[name] for name in new}, new)
        found = {name: self.known[place] for name, place in regions.items()}
        for name, record in found.items():
            record.block.not_half()
            record.block.starts = None
            record.seen_as(name, arrays[name])
        return found

    def gather(self, parameters):
        """The block with the state of all these parameters, laid out like `parameters.flat`."""
        block = self.blocks.get(id(parameters.starts))
        if block is not None and block.starts is parameters.starts:
            return block
        arrays = {name: w for name, w in parameters.items() if w.size}
        found = self.records(arrays, {name: region(w) for name, w in arrays.items()})
        starts, size = parameters.starts, parameters.vector.size
        blocks = {id(record.block): record.block for record in found.values()}
        block = blocks.popitem()[1] if len(blocks) == 1 else None
        if block is None or block.size != size:
            block = Block(size, parameters.vector.dtype)
            for name, record in found.items():
                record.lie_in(block, starts[name], arrays[name].size)
        block.starts = starts
        self.blocks[id(starts)] = block
        return block

    def refuse_overlaps(self, new):
        """ValueError if a parameter overlaps another one: the two would share a part of their state."""
        known = [(record.name, place) for place, record in self.known.copy().items()]
        names, regions = zip(*known, *new.items(), strict=True)
        for i, j in overlaps(regions):
            one, other = sorted((i, j))
            raise ValueError(
                f"{names[other]} shares part of its memory with {names[one]}, which this optimizer updates "
                "as another array; give each parameter whole, and once"
            )

    def add(self, arrays, regions):
        claimed = {name: self.claim(name, w) for name, w in arrays.items()}
        self.refuse_strangers(claimed)
        for name, w in arrays.items():
            forget = partial(drop, ref(self), regions[name])
            source = owner(w)
            record = Record(w, w if source is w and not w.flags.owndata else ref(source, forget))
            record.seen_as(name, w)
            if claimed[name] is not None:
                record.continues(claimed[name], Order(w.strides))
            self.known[regions[name]] = record
            self.copied = [copied for copied in self.copied if copied is not claimed[name]]

    def claim(self, name, w):
        """The copied state of a parameter with this name, shape and dtype; None for a new parameter."""
        named = [copied for copied in self.copied if copied.name == name]
        fitting = [copied for copied in named if copied.fits(w)]
        if not fitting and any(copied.kept for copied in named):
            raise ValueError(
                f"this copy of an optimizer remembers {name} of shape {named[0].shape} and dtype {named[0].dtype}, "
                f"got {w.shape} {w.dtype}; make a new optimizer for other parameters"
            )
        if len(fitting) > 1 and any(copied.kept for copied in fitting):
            raise ValueError(
                f"this copy of an optimizer remembers {len(fitting)} parameters named {name} of shape {w.shape}, "
                "and cannot tell which is meant; use one optimizer for each network"
            )
        if fitting and fitting[0].steps is None:
            raise half_a_step()
        return fitting[0] if fitting else None

    def refuse_strangers(self, claimed):
        """ValueError if none of the first parameters that a copy gets has a name that it knows."""
        waiting = [copied.name for copied in self.copied if copied.kept]
        if waiting and not self.known and not any(copied is not None for copied in claimed.values()):
            raise ValueError(
                f"this copy of an optimizer remembers {few(waiting)}, but the parameters are {few(list(claimed))}; "
                "make a new optimizer for other parameters"
            )

    def __getstate__(self):
        return [*self.copied, *(record.copy() for record in self.known.copy().values())], None

    def __setstate__(self, state):
        self.__init__()
        self.copied = list(state[0])


def few(names):
    shown = ", ".join(map(str, names if len(names) <= 4 else names[:3]))
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 3} more"


def refuse_twice(regions):
    names = {}
    for name, place in regions.items():
        if names.setdefault(place, name) != name:
            raise ValueError(f"{names[place]} and {name} are the same memory; give each array once")


def drop(state, place, _):
    """Drops the record of a parameter whose memory was freed."""
    state = state()
    if state is not None:
        state.known.pop(place, None)
