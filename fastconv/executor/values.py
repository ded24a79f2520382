"""Liveness: which slot each value takes, and how long. A slot is given back after its last reader and used again."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from numpy.typing import DTypeLike

from ..graph import Node
from ..layer import Array
from ..ops.allocation import nbytes
from ..typing import Shape
from . import rewrites
from .analysis import Analysis
from .arena import ArenaAllocator, Slot, dense_slot


class Live:
    """A range of the arena with the number of its readers to come; several values may lie in it."""

    __slots__ = ("length", "readers", "start")

    def __init__(self, start: int, length: int, readers: int) -> None:
        self.start, self.length, self.readers = start, length, readers


class Value(NamedTuple):
    """An array of a plan: its slot, and the live range that the slot belongs to."""

    slot: Slot
    live: Live


class ValueMemory:
    """Gives slots to the values of a graph for batches of `n`."""

    def __init__(self, analysis: Analysis, n: int, channels_last: bool) -> None:
        self.analysis, self.n, self.channels_last = analysis, n, channels_last
        self.dtype = analysis.output.graph.dtype
        self.readers_of_roots = analysis.readers_of_roots()
        self.allocator = ArenaAllocator()
        self.values: dict[int, Value] = {}  # by the index of a node
        self.roots: dict[int, Value] = {}  # likewise: arrays that hold others

    def new(self, shape: Shape, dtype: DTypeLike | None = None, readers: int = 1, images: bool = True) -> Value:
        """A new array; `images`: in the network's layout, else in C order."""
        dtype = self.dtype if dtype is None else dtype
        length = nbytes(shape, dtype)
        live = Live(self.allocator.allocate(length), length, readers)
        return Value(dense_slot(live.start, shape, dtype, images and self.channels_last), live)

    def new_like(self, node: Node, readers: int = 1) -> Value:
        """A new array of a node's shape."""
        return self.new((self.n, *node.shape), readers=readers)

    def new_declared(self, arrays: Mapping[str, Array]) -> dict[str, Value]:
        """The arrays that a layer declared as saved or scratch."""
        return {k: self.new((self.n, *a.shape) if a.batched else a.shape, a.dtype) for k, a in arrays.items()}

    def release(self, live: Live) -> None:
        """One reader less; after the last the bytes are free."""
        live.readers -= 1
        if live.readers == 0 and rewrites.enabled("reuse"):
            self.allocator.free(live.start, live.length)

    def release_all(self, values: Mapping[Any, Value]) -> None:
        """One reader less for each of name -> Value."""
        for value in values.values():
            self.release(value.live)

    def at_home(self, node: Node) -> Slot:
        """The slot for a node's value: its own, or its channels of the concatenation that it will be part of."""
        root, channel = self.analysis.aliases[node.index]
        if root.index not in self.roots:
            self.roots[root.index] = self.new_like(root, self.readers_of_roots[root.index])
        whole = self.roots[root.index]
        value = whole if root is node else whole._replace(slot=whole.slot.channels(channel, node.shape[0]))
        self.values[node.index] = value
        return value.slot

    def over(self, value: Value, shape: Shape, view: bool = False) -> Slot | None:
        """A slot of this shape over `value`'s bytes, if its one reader may overwrite it and the layout fits; else None.

        A view leaves the bytes as they are, so others may read them too.
        """
        if not (view or value.live.readers == 1) or not rewrites.enabled("in_place"):
            return None
        seen = value.slot.reshaped(shape)
        if seen is None or seen is value.slot:
            return seen
        wanted = dense_slot(0, shape, self.dtype, self.channels_last).strides
        return seen if all(e <= 1 or s == w for e, s, w in zip(shape, seen.strides, wanted, strict=True)) else None

    def over_one_of(self, values: Iterable[Value], node: Node, view: bool = False) -> Slot:
        """The slot for a node's value over the first of these values that it may overwrite, else at home."""
        if self.analysis.aliases[node.index][0] is node and node.index not in self.roots:
            for value in values:
                seen = self.over(value, (self.n, *node.shape), view)
                if seen is not None:
                    value.live.readers += self.analysis.readers[node.index]
                    self.values[node.index] = Value(seen, value.live)
                    return seen
        return self.at_home(node)

    def over_or_new(self, given: Value | None, node: Node, view: bool = False) -> Value:
        """Memory for the gradient of `node`: over `given` (a Value or None) where that is allowed, else new."""
        seen = None if given is None else self.over(given, (self.n, *node.shape), view)
        if given is None or seen is None:
            return self.new_like(node)
        given.live.readers += 1
        return Value(seen, given.live)


def slot_of(value: Value | None) -> Slot | None:
    """The slot of a Value; None for None."""
    return None if value is None else value.slot


def slots(values: Mapping[str, Value]) -> dict[str, Slot]:
    """name -> slot of name -> Value."""
    return {name: value.slot for name, value in values.items()}
