"""Fusions: a layer, and the nodes after it that are computed while the layer stores its result.

    y = activation(norm(f(x)) + residual)

A node joins the fusion before it if nobody else reads the value between them, which then never exists in memory. A
fusion runs at the place of its last node in the order of the model, because its residual is known only there.
"""

from collections import Counter
from collections.abc import Container, Sequence, Set
from typing import NamedTuple

from ..graph import Node
from . import rewrites
from .frozen_parameters import saves


class Fusion(NamedTuple):
    """The nodes that run as one step. Only the value of the last one exists in memory."""

    node: Node
    norm: Node | None = None
    add: Node | None = None
    residual: Node | None = None  # the other term of the sum `add`
    activation: Node | None = None

    @property
    def nodes(self) -> list[Node]:
        """The nodes that are computed, in order."""
        return [node for node in (self.node, self.norm, self.add, self.activation) if node]

    @property
    def last(self) -> Node:
        """The node whose value is stored."""
        return self.activation or self.add or self.norm or self.node

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes whose values are read."""
        return self.node.inputs if self.residual is None else (*self.node.inputs, self.residual)

    @property
    def has_one_backward(self) -> bool:
        """Whether the layer's own backward is that of the whole fusion."""
        return self.node.layer is not None and self.node.layer.fused_backward

    @property
    def activation_name(self) -> str | None:
        """The name under which layers apply the activation; None if there is none."""
        return None if self.activation is None else self.activation.layer.epilogue

    def saves(self, frozen: Container[str] = frozenset()) -> Set[str]:
        """Which of its x and y the backward pass reads; `frozen`: names of parameters without a gradient."""
        own = saves(self.node, frozen)
        activation: Set[str] = self.activation.layer.saves if self.activation else frozenset()
        if not self.has_one_backward:
            return own | activation
        mask = {"y"} if self.activation and self.residual else set()  # where relu passed depends on the residual
        return own | mask


def find_fusions(
    nodes: list[Node], output: Node, wanted: Set[int], frozen: bool = False, also: Sequence[Node] = ()
) -> list[Fusion]:
    """The fusions of a graph in the order they run in.

    `wanted`: indices of the nodes whose gradient is needed; empty for prediction. `frozen`: batch norm may join too.
    `also`: nodes whose values are read at the end, like that of `output`.
    """
    builder = FusionBuilder(nodes, (output, *also), wanted, frozen)
    return sorted(filter(None, map(builder.starting_with, nodes)), key=lambda fusion: fusion.last.index)


class FusionBuilder:
    """Takes the nodes of a graph in order; `taken` holds the nodes that joined an earlier fusion."""

    def __init__(self, nodes: list[Node], outputs: Sequence[Node], wanted: Set[int], frozen: bool) -> None:
        self.outputs, self.wanted, self.frozen = {node.index for node in outputs}, wanted, frozen
        self.taken: set[int] = set()
        self.uses = Counter(source.index for node in nodes for source in node.inputs)
        self.reader = {source.index: node for node in nodes for source in node.inputs}
        states = Counter(node.owner for node in nodes if node.spec and node.spec.state)
        self.ordered = {owner for owner, uses in states.items() if uses > 1} if wanted else set()

    def starting_with(self, node: Node) -> Fusion | None:
        """The fusion that starts with `node`; None if the node is part of an earlier one."""
        if node.index in self.taken:
            return None
        fusion = Fusion(node)
        fuses: Container[str] = {"activation"} if node.kind == "add" else ()
        if node.layer:
            fuses = node.layer.fuses_at(node.inputs[0].shape)
        if node.owner in self.ordered:
            fuses = ()  # in training each use changes the layer's state, so that its uses must keep the model's order
        for joins, join in (("norm", self.norm), ("residual", self.residual), ("activation", self.activation)):
            if joins in fuses and rewrites.enabled(joins):
                fusion = join(fusion, self.only_reader(fusion.last)) or fusion
        self.taken.update(part.index for part in fusion.nodes[1:])
        return fusion

    def only_reader(self, node: Node) -> Node | None:
        """The node that reads this value, if nobody else does."""
        return self.reader[node.index] if self.uses[node.index] == 1 and node.index not in self.outputs else None

    def norm(self, fusion: Fusion, then: Node | None) -> Fusion | None:
        """The fusion with batch norm, if the network is frozen and that is what follows; else None."""
        if self.frozen and then and then.layer and then.layer.folds:
            return fusion._replace(norm=then)
        return None

    def residual(self, fusion: Fusion, then: Node | None) -> Fusion | None:
        """The fusion with a sum, if that is what follows; else None."""
        if not then or then.kind != "add" or then.index in self.taken:
            return None
        a, b = then.inputs
        other = b if a is fusion.last else a
        if self.wanted and (fusion.node.index in self.wanted) != (then.index in self.wanted):
            return None  # the layer has no backward step, but the sum needs one
        return fusion._replace(add=then, residual=other)

    def activation(self, fusion: Fusion, then: Node | None) -> Fusion | None:
        """The fusion with an activation, if that is what follows; else None."""
        return fusion._replace(activation=then) if then and then.layer and then.layer.epilogue else None
