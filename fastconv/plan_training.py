"""The plan of a training step: the forward pass, the loss, and every gradient, in the reverse order."""

from .plan import Planner, Value, places
from .steps import Add, AddGradient, Backward, Loss
from .wires import depend_on_parameters


class TrainingPlanner(Planner):
    def __init__(self, output, n, channels_last=False):
        super().__init__(output, n, channels_last)
        self.gradients, self.written = {}, set()

    def wanted_gradients(self):
        return depend_on_parameters(self.nodes)

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
        dy, dx = self.gradients.pop(node.index), None
        if node.inputs[0].index in self.wanted:
            dx = self.over_or_new(dy if node.layer.in_place else None, node.inputs[0], node.layer.view)
        x = self.values[node.inputs[0].index] if "x" in node.layer.saves else None
        y = self.values[node.index] if "y" in node.layer.saves else None
        self.backward(node, x, y, dy, dx)

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
        x = self.values[source.index] if "x" in saves else None
        y = self.values[unit.last.index] if "y" in saves else None
        self.backward(node, x, y, dy, dx, unit.activation_name, dresidual)
        if shared:
            self.contribute(unit.residual, dy if dresidual is None else dresidual)

    def over_or_new(self, dy, node, view=False):
        """Memory for the gradient of `node`: that of dy where nobody else reads it, or where it is a view of it."""
        seen = None if dy is None else self.over(dy, (self.n, *node.shape), view)
        if seen is None:
            return self.new_like(node)
        dy.block.readers += 1
        return Value(seen, dy.block)

    def backward(self, node, x, y, dy, dx, activation=None, dresidual=None):
        scratch, more, saved = self.asked(node.spec.scratch), self.further_uses(node), self.saved.pop(node.index, {})
        grads = {key: more[key].place if key in more else None for key in node.spec.params}
        read = (value and value.place for value in (x, y, dy, dx))
        beside = dresidual and dresidual.place
        self.steps.append(Backward(node, *read, places(saved), places(scratch), grads, activation, beside))
        self.steps += [AddGradient(f"{node.owner}.{key}", value.place) for key, value in more.items()]
        for values in (saved, scratch, more):
            self.release_all(values)
        for value in (x, y, dy):
            if value is not None:
                self.release(value.block)
        if dx is not None:
            self.contribute(node.inputs[0], dx)

    def further_uses(self, node):
        """Memory for gradients of parameters that a later layer of the model has written already."""
        names = {key: f"{node.owner}.{key}" for key in node.spec.params}
        more = {k: self.new(p.shape) for k, p in node.spec.params.items() if names[k] in self.written}
        self.written.update(names.values())
        return more

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
