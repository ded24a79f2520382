"""The plan of a training step: the forward pass, the loss, and every gradient, in the reverse order."""

from collections import Counter

from .. import graph
from ..ops.allocation import nbytes
from . import gradient_buckets, rewrites
from .analysis import count_savers, depend_on_parameters, pooled_first
from .planner import Planner, Value, places
from .steps import Add, AddGradient, Again, Backward, Loss, Update

ROWS = 16 << 20  # bytes of a gradient that are made and used at a time


class TrainingPlanner(Planner):
    """The forward pass, the loss, the backward pass.

    `recompute`: values that a layer can make again from what it saves are not kept for the backward pass.
    `updates`: each gradient is used where it is made, and its memory given back.
    """

    def __init__(self, output, n, channels_last=False, recompute=False, updates=False):
        self.recompute, self.updates = recompute, updates
        self.again = {}  # value -> (unit, how many will read it), where it is to be made again
        super().__init__(output, n, channels_last)
        self.gradients, self.written, self.sums = {}, set(), {}
        self.uses = Counter(f"{n.owner}.{key}" for n in self.nodes if n.layer for key in n.spec.params)
        self.shared = {name for name, uses in self.uses.items() if uses > 1}
        self.group_of = self.groups() if updates and rewrites.enabled("updates") else {}

    def slices(self):
        """None: the backward pass reads what the whole batch left."""

    def order(self, nodes):
        return pooled_first(nodes, self.output) if rewrites.enabled("pooled_first") else nodes

    def wanted_gradients(self):
        return depend_on_parameters(self.nodes)

    def savers(self):
        savers = count_savers(self.units, self.wanted)
        for unit in self.units if self.recompute else ():
            if self.can_make_again(unit) and savers[unit.last.index]:
                self.again[unit.last.index] = unit, savers.pop(unit.last.index)
        return savers

    def can_make_again(self, unit):
        """A layer that can, whose own x is kept, in memory of its own."""
        return (
            unit.node.layer is not None
            and unit.node.layer.again is not None
            and unit.residual is None
            and "y" not in unit.saves()
            and unit.node.index in self.wanted
            and unit.node.inputs[0].index not in self.again
            and self.homes[unit.last.index][0] is unit.last
            and unit.last.index != self.output.index
        )

    def saved_value(self, node):
        """A value for the backward pass, made again where it was not kept."""
        if node.index in self.again:
            unit, readers = self.again.pop(node.index)
            value = self.values[node.index] = self.new_like(node, readers)
            x, saved = self.values[unit.node.inputs[0].index].place, places(self.saved[unit.node.index])
            self.steps.append(Again(unit, x, value.place, saved))
        return self.values[node.index]

    def keep(self, unit, saved):
        if unit.last.index in self.wanted:
            self.saved[unit.node.index] = saved
        else:
            self.release_all(saved)

    def finish(self):
        self.loss()
        whole = {unit.last.index: unit for unit in self.units if unit.one_backward}
        inner = {part.index for unit in whole.values() for part in (unit.node, unit.add) if part}
        for node in reversed(self.nodes):
            if node.index not in self.wanted:
                continue
            if node.index in whole:
                self.unit_backward(whole[node.index])
            elif node.index not in inner:
                getattr(self, f"{node.kind}_backward")(node)

    def loss(self):
        dy = None
        if self.output.index in self.wanted:
            self.gradients[self.output.index] = self.new_like(self.output)
            dy = self.gradients[self.output.index].place
        self.steps.append(Loss(self.values[self.output.index].place, dy))

    # A layer's step, with what its backward undoes besides.

    def layer_backward(self, node):
        source, dy, dx = node.inputs[0], self.gradients.pop(node.index), None
        known = self.known_gradient(node)
        if source.index in self.wanted:
            over = dy if node.layer.in_place else known
            dx = self.over_or_new(over, source, node.layer.view)
        x = self.saved_value(source) if "x" in node.layer.saves else None
        y = self.saved_value(node) if "y" in node.layer.saves else None
        self.backward(node, x, y, dy, dx, known=known)

    def known_gradient(self, node):
        """What later steps gave of dx, where the layer can add it while it stores."""
        source = node.inputs[0]
        if source.index not in self.gradients or not rewrites.enabled("gradients"):
            return None
        able = node.computing.adds_gradient(source.shape, self.dtype)
        return self.gradients.pop(source.index) if able else None

    def unit_backward(self, unit):
        """dz = dy where the activation passed; the residual's gradient is dz, the layer's that of its own backward."""
        node, dy = unit.node, self.gradients.pop(unit.last.index)
        source, saves = node.inputs[0], unit.saves()
        shared = unit.residual is not None and unit.residual.index in self.wanted
        dresidual = None
        if shared and unit.activation:
            dresidual = self.over_or_new(dy, unit.residual)
        elif shared:
            dy.block.readers += 1
        dx = None
        if source.index in self.wanted:
            dx = self.over_or_new(dy if node.layer.in_place and not shared else None, source)
        x = self.saved_value(source) if "x" in saves else None
        y = self.saved_value(unit.last) if "y" in saves else None
        self.backward(node, x, y, dy, dx, unit.activation_name, dresidual)
        if shared:
            self.contribute(unit.residual, dy if dresidual is None else dresidual)

    def over_or_new(self, given, node, view=False):
        """Memory for the gradient of `node`: what is given, where nobody else reads it, or a view of it."""
        seen = None if given is None else self.over(given, (self.n, *node.shape), view)
        if seen is None:
            return self.new_like(node)
        given.block.readers += 1
        return Value(seen, given.block)

    def backward(self, node, x, y, dy, dx, activation=None, dresidual=None, known=None):
        scratch, own, saved = self.asked(node.spec.scratch), self.gradient_memory(node), self.saved.pop(node.index, {})
        grads = {key: own[key].place if key in own else None for key in node.spec.params}
        read = (value and value.place for value in (x, y, dy, dx))
        beside = (value and value.place for value in (dresidual, known))
        self.steps.append(Backward(node, *read, places(saved), places(scratch), grads, activation, *beside))
        for key, value in own.items():
            self.use_gradient(f"{node.owner}.{key}", value, whole=value.place.shape == node.spec.params[key].shape)
        for values in (saved, scratch):
            self.release_all(values)
        for value in (x, y, dy, known):
            if value is not None:
                self.release(value.block)
        if dx is not None:
            self.contribute(node.inputs[0], dx)

    # Gradients of parameters: the network's own arrays, but for further uses of a shared one, or for updates.

    def groups(self):
        """name -> the parameters that are updated with it; in none are shared ones and those updated by rows."""
        alone = set(self.shared)
        for node in self.nodes:
            for key, p in node.spec.params.items() if node.layer else ():
                name = f"{node.owner}.{key}"
                if self.rows_at_a_time(node, key, name) != p.shape:
                    alone.add(name)
        params, _ = graph.declared(graph.ancestors(self.output))
        return gradient_buckets.groups({name: p.shape for name, p in params.items()}, self.dtype, alone)

    def gradient_memory(self, node):
        """Memory in the arena for those gradients of a layer that have no array of their own."""
        names = {key: f"{node.owner}.{key}" for key in node.spec.params}
        wanted = [key for key, name in names.items() if self.updates or name in self.written]
        self.written.update(names.values())
        return {key: self.gradient_of(node, key, names[key]) for key in wanted}

    def gradient_of(self, node, key, name):
        shape = self.rows_at_a_time(node, key, name)
        group = self.group_of.get(name)
        if group is None:
            return self.new(shape, images=False)
        if group.value is None:
            group.value = self.new((group.nbytes // self.dtype.itemsize,), readers=len(group.starts), images=False)
        return group.part(name, shape)

    def rows_at_a_time(self, node, key, name):
        """The shape of a gradient; where it is large and the layer can, that of some of its rows, updated in turn."""
        shape = node.spec.params[key].shape
        if self.updates and key in node.layer.gradient_by_rows and name not in self.shared:
            row = nbytes(shape[1:], self.dtype)
            return (min(shape[0], max(1, ROWS // row)), *shape[1:])
        return shape

    def use_gradient(self, name, value, whole):
        """Add it to what earlier uses gave; after the last use, update."""
        self.uses[name] -= 1
        if not self.updates:
            self.steps.append(AddGradient(name, value.place))
            self.release(value.block)
            return
        if name in self.group_of:
            self.update_group(self.group_of[name])
            return
        if name in self.sums:
            total = self.sums[name]
            self.steps.append(Add(total.place, value.place, total.place))
            self.release(value.block)
            value = total
        self.sums[name] = value
        if self.uses[name] == 0:
            if whole:  # else the layer updates row by row
                self.steps.append(Update((name,), value.place))
            self.release(self.sums.pop(name).block)

    def update_group(self, group):
        """After the last of its gradients."""
        if group.value.block.readers == 1:
            self.steps.append(Update(tuple(group.starts), group.value.place))
        self.release(group.value.block)

    # The wires.

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
