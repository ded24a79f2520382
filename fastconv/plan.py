"""The plan of one network for one batch size: which steps run in which order, and where every array lies.

Pure bookkeeping: nothing is computed, no memory is touched. Every array is a `Place` in one arena. A block of the arena
is given back after its last reader, so later steps reuse it; a layer that allows it overwrites what nobody else needs.
"""

from typing import NamedTuple

from . import graph
from .memory import Place, Space, nbytes, place
from .steps import Add, AddGradient, Backward, Copy, Forward, Loss, Plan
from .wires import count_readers, depend_on_parameters, homes


class Block:
    """A range of the arena, given back when its last reader has read."""

    __slots__ = ("length", "readers", "start")

    def __init__(self, start, length, readers):
        self.start, self.length, self.readers = start, length, readers


class Value(NamedTuple):
    place: Place
    block: Block


def plan(output, n, channels_last=False, training=False):
    """The plan for batches of `n`; with `training` it goes on through the loss to every gradient."""
    return Planner(output, n, channels_last, training).run()


class Planner:
    def __init__(self, output, n, channels_last, training):
        self.nodes = graph.ancestors(output)
        self.output, self.n, self.channels_last, self.training = output, n, channels_last, training
        self.dtype = output.graph.dtype
        self.wanted = depend_on_parameters(self.nodes) if training else set()
        self.homes = homes(self.nodes)
        self.readers = count_readers(self.nodes, output, self.wanted)
        self.block_readers = {}
        for node in self.nodes:
            root = self.homes[node.index][0].index
            self.block_readers[root] = self.block_readers.get(root, 0) + self.readers[node.index]
        self.space, self.steps = Space(), []
        self.roots, self.values, self.saved, self.gradients, self.written = {}, {}, {}, {}, set()

    def run(self):
        for node in self.nodes:
            getattr(self, node.kind)(node)
            for source in (*node.inputs, node):
                self.release(self.values[source.index].block)
        if self.training:
            self.loss()
            for node in reversed(self.nodes):
                if node.index in self.wanted:
                    getattr(self, f"{node.kind}_backward")(node)
        return Plan(self.steps, self.values[0].place, self.values[self.output.index].place, self.space.size)

    # Memory.

    def new(self, shape, dtype=None, readers=1):
        dtype = self.dtype if dtype is None else dtype
        length = nbytes(shape, dtype)
        block = Block(self.space.take(length), length, readers)
        return Value(place(block.start, shape, dtype, self.channels_last), block)

    def new_like(self, node):
        return self.new((self.n, *node.shape))

    def asked(self, arrays):
        """The arrays a layer declared as saved or scratch."""
        return {k: self.new((self.n, *a.shape) if a.batched else a.shape, a.dtype) for k, a in arrays.items()}

    def release(self, block):
        block.readers -= 1
        if block.readers == 0:
            self.space.give(block.start, block.length)

    def release_all(self, values):
        for value in values.values():
            self.release(value.block)

    def at_home(self, node):
        """Memory for a node's value: its own, or its channels of the concatenation it will be part of."""
        root, channel = self.homes[node.index]
        if root.index not in self.roots:
            self.roots[root.index] = self.new((self.n, *root.shape), readers=self.block_readers[root.index])
        whole = self.roots[root.index]
        value = whole if root is node else whole._replace(place=whole.place.channels(channel, node.shape[0]))
        self.values[node.index] = value
        return value.place

    def over(self, value, shape):
        """`value`'s memory as an array of this shape, if its one reader may overwrite it and the layout fits."""
        if value.block.readers != 1:
            return None
        seen = value.place.reshaped(shape)
        if seen is None or seen is value.place:
            return seen
        wanted = place(0, shape, self.dtype, self.channels_last).strides
        return seen if all(e <= 1 or s == w for e, s, w in zip(shape, seen.strides, wanted, strict=True)) else None

    # Forward.

    def input(self, node):
        self.at_home(node)

    def layer(self, node):
        x, y = self.values[node.inputs[0].index], None
        if node.layer.in_place and self.homes[node.index][0] is node:
            y = self.over(x, (self.n, *node.shape))
        if y is None:
            y = self.at_home(node)
        else:
            x.block.readers += self.readers[node.index]
            self.values[node.index] = Value(y, x.block)
        saved, scratch = self.asked(node.spec.saved), self.asked(node.spec.scratch)
        self.steps.append(Forward(node, x.place, y, places(saved), places(scratch)))
        self.release_all(scratch)
        if node.index in self.wanted:
            self.saved[node.index] = saved
        else:
            self.release_all(saved)

    def add(self, node):
        a, b = (self.values[source.index].place for source in node.inputs)
        self.steps.append(Add(a, b, self.at_home(node)))

    def concat(self, node):
        whole, first = self.at_home(node), 0
        root, channel = self.homes[node.index]
        for source in node.inputs:
            if self.homes[source.index] != (root, channel + first):
                part = whole.channels(first, source.shape[0])
                self.steps.append(Copy(self.values[source.index].place, part))
            first += source.shape[0]

    # Backward.

    def loss(self):
        dy = None
        if self.output.index in self.wanted:
            self.gradients[self.output.index] = self.new_like(self.output)
            dy = self.gradients[self.output.index].place
        self.steps.append(Loss(self.values[self.output.index].place, dy))

    def layer_backward(self, node):
        layer, source = node.layer, node.inputs[0]
        dy, dx = self.gradients.pop(node.index), None
        if source.index in self.wanted:
            seen = self.over(dy, (self.n, *source.shape)) if layer.in_place else None
            dx = self.new_like(source) if seen is None else Value(seen, dy.block)
            dx.block.readers += seen is not None
        scratch, more = self.asked(node.spec.scratch), self.further_uses(node)
        x = self.values[source.index] if "x" in layer.saves else None
        y = self.values[node.index] if "y" in layer.saves else None
        saved = self.saved.pop(node.index)
        grads = {key: more[key].place if key in more else None for key in node.spec.params}
        read = (value and value.place for value in (x, y, dy, dx))
        self.steps.append(Backward(node, *read, places(saved), places(scratch), grads))
        self.steps += [AddGradient(f"{node.owner}.{key}", value.place) for key, value in more.items()]
        for values in (saved, scratch, more):
            self.release_all(values)
        for value in (x, y, dy):
            if value is not None:
                self.release(value.block)
        if dx is not None:
            self.contribute(source, dx)

    def further_uses(self, node):
        """Memory for gradients of parameters that a later layer of the model has written already."""
        names = {key: f"{node.owner}.{key}" for key in node.spec.params}
        more = {k: self.new(p.shape) for k, p in node.spec.params.items() if names[k] in self.written}
        self.written.update(names.values())
        return more

    def add_backward(self, node):
        """da = dy, db = dy: the same memory."""
        dy = self.gradients.pop(node.index)
        self.hand_down(dy, [(source, dy.place) for source in node.inputs])

    def concat_backward(self, node):
        """Each input's gradient is its channels of dy."""
        dy, first, parts = self.gradients.pop(node.index), 0, []
        for source in node.inputs:
            parts.append((source, dy.place.channels(first, source.shape[0])))
            first += source.shape[0]
        self.hand_down(dy, parts)

    def hand_down(self, dy, parts):
        parts = [(source, seen) for source, seen in parts if source.index in self.wanted]
        dy.block.readers += len(parts)
        self.release(dy.block)
        for source, seen in parts:
            self.contribute(source, Value(seen, dy.block))

    def contribute(self, node, more):
        """d(node) += more: the sum over all uses of a value, in a fixed order."""
        known = self.gradients.get(node.index)
        if known is None:
            self.gradients[node.index] = more
            return
        own = [value for value in (known, more) if value.block.readers == 1]
        total = own[0] if own else self.new_like(node)
        self.steps.append(Add(known.place, more.place, total.place))
        for value in (known, more):
            if value is not total:
                self.release(value.block)
        self.gradients[node.index] = total


def places(values):
    return {name: value.place for name, value in values.items()}
