"""Which nodes run as one step: a layer, and what is done to its result while it is stored.

    y = activation(norm(f(x)) + residual)

A node joins the step before it where that step's result has no other reader. A step runs where its last node stands in
the order of the model, so that the residual is there.
"""

from collections import Counter
from typing import NamedTuple

from ..graph import Node
from . import rewrites


class Unit(NamedTuple):
    """One step. Only its last node's value exists in memory."""

    node: Node
    norm: Node | None = None
    add: Node | None = None
    residual: Node | None = None
    activation: Node | None = None

    @property
    def last(self):
        return self.activation or self.add or self.norm or self.node

    @property
    def inputs(self):
        return self.node.inputs if self.residual is None else (*self.node.inputs, self.residual)

    @property
    def one_backward(self):
        """Whether the layer's backward undoes the whole step."""
        return self.node.layer is not None and self.node.layer.fused_backward

    @property
    def activation_name(self):
        return None if self.activation is None else self.activation.layer.epilogue

    def saves(self):
        """Which of its x and its y the backward pass reads."""
        if self.node.layer is None:
            return self.activation.layer.saves if self.activation else frozenset()
        if not self.one_backward:
            return self.node.layer.saves | (self.activation.layer.saves if self.activation else frozenset())
        mask = {"y"} if self.activation and self.residual else set()
        return self.node.layer.saves | mask


def units(nodes, output, wanted, frozen=False):
    """The steps of a graph in the order they run in; `wanted`: nodes whose gradient is needed."""
    growing = Growing(nodes, output, wanted, frozen)
    return sorted(filter(None, map(growing.unit, nodes)), key=lambda unit: unit.last.index)


class Growing:
    """Nodes taken into units so far."""

    def __init__(self, nodes, output, wanted, frozen):
        self.output, self.wanted, self.frozen, self.taken = output, wanted, frozen, set()
        self.uses = Counter(source.index for node in nodes for source in node.inputs)
        self.reader = {source.index: node for node in nodes for source in node.inputs}
        states = Counter(node.owner for node in nodes if node.layer and node.spec.state)
        self.ordered = {owner for owner, uses in states.items() if uses > 1} if wanted else set()

    def unit(self, node):
        """The step that starts with `node`; None where it is part of an earlier one."""
        if node.index in self.taken:
            return None
        unit = Unit(node)
        fuses = node.layer.fuses if node.layer else {"activation"} if node.kind == "add" else ()
        if node.owner in self.ordered:
            fuses = ()  # in training each use changes the states: in the model's order, so where the node stands
        for joins, grow in (("norm", self.norm), ("residual", self.residual), ("activation", self.activation)):
            if joins in fuses and rewrites.enabled(joins):
                unit = grow(unit, self.follower(unit.last)) or unit
        self.taken.update(part.index for part in (unit.norm, unit.add, unit.activation) if part)
        return unit

    def follower(self, node):
        """The one reader of a value that nobody else sees."""
        return self.reader[node.index] if self.uses[node.index] == 1 and node.index != self.output.index else None

    def norm(self, unit, then):
        if self.frozen and then and then.layer and then.layer.folds:
            return unit._replace(norm=then)
        return None

    def residual(self, unit, then):
        if not then or then.kind != "add" or then.index in self.taken:
            return None
        a, b = then.inputs
        other = b if a is unit.last else a
        if self.wanted and (unit.node.index in self.wanted) != (then.index in self.wanted):
            return None  # the layer has no backward step, the sum needs one
        return unit._replace(add=then, residual=other)

    def activation(self, unit, then):
        return unit._replace(activation=then) if then and then.layer and then.layer.epilogue else None
