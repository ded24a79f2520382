"""The plan of one network for one batch size: which steps run in which order, and where every array lies.

Pure bookkeeping: nothing is computed, no memory is touched. Every array is a `Place` in one arena. A block of the arena
is given back after its last reader, so later steps reuse it; a layer that allows it overwrites what nobody else needs.
`plan_training` goes on from here through the loss to the gradients.
"""

import sys
from collections import Counter
from typing import NamedTuple

from .. import graph
from ..graph.graph import unchanged
from ..ops import check
from ..ops.allocation import nbytes
from . import fusion, microbatch, rewrites
from .analysis import count_readers, homes
from .arena import Place, Space, place
from .steps import Add, Copy, Forward, Plan, Rounds


class Block:
    """A range of the arena, given back when its last reader has read."""

    __slots__ = ("length", "readers", "start")

    def __init__(self, start, length, readers):
        self.start, self.length, self.readers = start, length, readers


class Value(NamedTuple):
    place: Place
    block: Block


class Planner:
    """The forward pass for batches of `n`; `units`: its steps, where they are known already."""

    def __init__(self, output, n, channels_last=False, units=None):
        self.output = output
        nodes = graph.ancestors(output)
        unchanged(nodes)
        batch_fits(n, nodes)
        self.nodes = self.order(nodes)
        self.n, self.channels_last = n, channels_last
        self.dtype = output.graph.dtype
        self.wanted = self.wanted_gradients()
        self.units = fusion.units(self.nodes, output, self.wanted) if units is None else units
        self.homes = homes(self.nodes)
        self.readers = count_readers(self.units, output) + self.savers()
        self.block_readers = {}
        for index, readers in self.readers.items():
            root = self.homes[index][0].index
            self.block_readers[root] = self.block_readers.get(root, 0) + readers
        self.space, self.steps, self.rounds = Space(), [], Rounds()
        self.roots, self.values, self.saved = {}, {}, {}

    def order(self, nodes):
        """The nodes in the order they run."""
        return nodes

    def wanted_gradients(self):
        return set()

    def savers(self):
        """How many readers each value has after the forward pass."""
        return Counter()

    def run(self):
        first = self.run_slices() if rewrites.enabled("slices") else 0
        for unit in self.units[first:]:
            self.step(unit)
        self.finish()
        if self.space.size > sys.maxsize:
            raise ValueError(f"{too_large(self.n)}, {self.space.size} in all; use a smaller one")
        values = (self.values[node.index].place for node in (self.nodes[0], self.output))
        return Plan(self.steps, *values, self.space.size, self.rounds)

    def step(self, unit):
        getattr(self, unit.node.kind)(unit)
        for node in (*unit.inputs, unit.last):
            self.release(self.values[node.index].block)

    def slices(self):
        return microbatch.choose(self.units, self.output, self.homes, self.n, self.dtype.itemsize)

    def run_slices(self):
        """The steps that run for a few images at a time, planned for the first of these; how many units they are.

        What they read and what they give lies there for the whole batch.
        """
        chosen = self.slices()
        if chosen is None:
            return 0
        whole, ends = self.n, (self.nodes[0], self.units[chosen.steps - 1].last)
        given = {node.index: self.new_like(node, self.block_readers[node.index] + 1) for node in ends}
        self.n = chosen.images
        self.roots = {index: value._replace(place=value.place.images(self.n)) for index, value in given.items()}
        for unit in self.units[: chosen.steps]:
            self.step(unit)
        moves = tuple(
            (v.place.start, v.place.start + v.block.length, self.n * v.place.strides[0]) for v in given.values()
        )
        self.rounds = Rounds(len(self.steps), whole // self.n, self.n, moves)
        self.n = whole
        self.roots.update(given)
        self.values.update(given)
        for value in given.values():
            self.release(value.block)
        return chosen.steps

    def finish(self):
        """What comes after the forward pass."""

    # Memory.

    def new(self, shape, dtype=None, readers=1, images=True):
        """Memory for an array; `images`: in the network's layout, else in C order."""
        dtype = self.dtype if dtype is None else dtype
        length = nbytes(shape, dtype)
        block = Block(self.space.take(length), length, readers)
        return Value(place(block.start, shape, dtype, images and self.channels_last), block)

    def new_like(self, node, readers=1):
        return self.new((self.n, *node.shape), readers=readers)

    def asked(self, arrays):
        """The arrays a layer declared as saved or scratch."""
        return {k: self.new((self.n, *a.shape) if a.batched else a.shape, a.dtype) for k, a in arrays.items()}

    def release(self, block):
        block.readers -= 1
        if block.readers == 0 and rewrites.enabled("reuse"):
            self.space.give(block.start, block.length)

    def release_all(self, values):
        for value in values.values():
            self.release(value.block)

    def at_home(self, node):
        """Memory for a node's value: its own, or its channels of the concatenation it will be part of."""
        root, channel = self.homes[node.index]
        if root.index not in self.roots:
            self.roots[root.index] = self.new_like(root, self.block_readers[root.index])
        whole = self.roots[root.index]
        value = whole if root is node else whole._replace(place=whole.place.channels(channel, node.shape[0]))
        self.values[node.index] = value
        return value.place

    def over(self, value, shape, view=False):
        """`value`'s memory as an array of this shape, if its one reader may overwrite it and the layout fits.

        A view leaves the bytes as they are, so others may read them too.
        """
        if not (view or value.block.readers == 1) or not rewrites.enabled("in_place"):
            return None
        seen = value.place.reshaped(shape)
        if seen is None or seen is value.place:
            return seen
        wanted = place(0, shape, self.dtype, self.channels_last).strides
        return seen if all(e <= 1 or s == w for e, s, w in zip(shape, seen.strides, wanted, strict=True)) else None

    def over_one_of(self, values, node, view=False):
        """The node's value in the memory of the first of these values that it may overwrite, else at home."""
        if self.homes[node.index][0] is node and node.index not in self.roots:
            for value in values:
                seen = self.over(value, (self.n, *node.shape), view)
                if seen is not None:
                    value.block.readers += self.readers[node.index]
                    self.values[node.index] = Value(seen, value.block)
                    return seen
        return self.at_home(node)

    # The kinds of steps.

    def input(self, unit):
        self.at_home(unit.node)

    def layer(self, unit):
        x = self.values[unit.node.inputs[0].index]
        residual = unit.residual and self.values[unit.residual.index]
        free = [x] if unit.node.layer.in_place else []
        y = self.over_one_of([*free, residual] if residual else free, unit.last, unit.node.layer.view)
        saved, scratch = self.asked(unit.node.spec.saved), self.asked(unit.node.spec.scratch)
        seen = residual and residual.place
        self.steps.append(Forward(unit, x.place, y, places(saved), places(scratch), seen))
        self.release_all(scratch)
        self.keep(unit, saved)

    def keep(self, unit, saved):
        """Nobody reads in prediction what a layer saved."""
        self.release_all(saved)

    def add(self, unit):
        a, b = (self.values[source.index] for source in unit.node.inputs)
        y = self.over_one_of([a, b], unit.last)
        self.steps.append(Add(a.place, b.place, y, unit.activation_name, unit.last))

    def concat(self, unit):
        node, first = unit.node, 0
        whole = self.at_home(node)
        root, channel = self.homes[node.index]
        for source in node.inputs:
            if self.homes[source.index] != (root, channel + first):
                part = whole.channels(first, source.shape[0])
                self.steps.append(Copy(self.values[source.index].place, part, node))
            first += source.shape[0]


def batch_fits(n, nodes):
    """ValueError if a value of a batch of `n` is too large to be addressed."""
    for node in nodes:
        try:
            check.size((n, *node.shape), node.graph.dtype)
        except ValueError:
            raise ValueError(f"{too_large(n)}, at {node.name} {node.shape}; use a smaller one") from None


def too_large(n):
    return f"batch_size={n} is too large: its values take more bytes than can be addressed"


def places(values):
    return {name: value.place for name, value in values.items()}
