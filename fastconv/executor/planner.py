"""The plan of a prediction: which steps run in which order, and which slot of the arena each array takes.

Pure bookkeeping: nothing is computed, no memory is touched. `training_planner` goes on from the forward pass planned
here, through the loss to the gradients.
"""

import sys
from collections.abc import Sequence

from .. import graph
from ..graph import Node
from ..graph.graph import unchanged
from ..ops import check
from . import microbatch, rewrites
from .analysis import Analysis, analyse_prediction
from .fusion import Fusion
from .steps import Add, Copy, Forward, MatMul, MicroBatches, Multiply, Plan, Step
from .values import Value, ValueMemory, slot_of, slots


def plan_prediction(
    output: Node,
    n: int,
    channels_last: bool = False,
    fusions: list[Fusion] | None = None,
    others: Sequence[Node] = (),
) -> Plan:
    """The plan for `n` images.

    `fusions`: the fusions of a frozen network. `others`: the outputs after the first.
    """
    nodes = checked_nodes(n, output, *others)
    planner = ForwardPlanner(analyse_prediction(nodes, output, fusions, others), n, channels_last)
    one = not others and len(output.graph.inputs) == 1
    planner.run(planner.run_micro_batches() if one and rewrites.enabled("slices") else 0)
    return planner.plan()


def checked_nodes(n: int, *outputs: Node) -> list[Node]:
    """The nodes of a network; RuntimeError if a layer was changed, ValueError if a batch of `n` is too large."""
    nodes = graph.ancestors(*outputs)
    unchanged(nodes)
    for node in nodes:
        try:
            check.size((n, *node.shape), node.graph.dtype)
        except ValueError:
            raise ValueError(f"{too_large(n)}, at {node.name} {node.shape}; use a smaller one") from None
    return nodes


def too_large(n: int) -> str:
    """The beginning of the error for a batch of `n`."""
    return f"batch_size={n} is too large: its values take more bytes than can be addressed"


class ForwardPlanner:
    """The steps of the forward pass for batches of `n`."""

    def __init__(self, analysis: Analysis, n: int, channels_last: bool = False) -> None:
        self.analysis, self.n = analysis, n
        self.memory = ValueMemory(analysis, n, channels_last)
        self.steps: list[Step] = []
        self.micro_batches = MicroBatches()
        self.saved: dict[int, dict[str, Value]] = {}  # by the index of a node: what its backward will read

    def run(self, first: int = 0) -> None:
        """The fusions from number `first` on."""
        for fusion in self.analysis.fusions[first:]:
            self.step(fusion)

    def plan(self) -> Plan:
        """All steps so far as a Plan."""
        if self.memory.allocator.size > sys.maxsize:
            raise ValueError(f"{too_large(self.n)}, {self.memory.allocator.size} in all; use a smaller one")
        inputs, outputs = (
            tuple(self.memory.values[node.index].slot for node in nodes)
            for nodes in (self.analysis.output.graph.inputs, self.analysis.outputs)
        )
        return Plan(self.steps, inputs, outputs, self.memory.allocator.size, self.micro_batches)

    def run_micro_batches(self) -> int:
        """The fusions that run for a few images at a time, planned for the first of the micro-batches; their number.

        The input and the output of these fusions lie in memory for the whole batch.
        """
        memory, fusions = self.memory, self.analysis.fusions
        chosen = microbatch.choose(fusions, self.analysis.output, self.analysis.aliases, self.n, memory.dtype.itemsize)
        if chosen is None:
            return 0
        ends = (self.analysis.nodes[0], fusions[chosen.fusions - 1].last)
        whole = {node.index: memory.new_like(node, memory.readers_of_roots[node.index] + 1) for node in ends}
        memory.n = chosen.images
        memory.roots = {index: value._replace(slot=value.slot.images(memory.n)) for index, value in whole.items()}
        for fusion in fusions[: chosen.fusions]:
            self.step(fusion)
        ranges = tuple(
            (v.slot.start, v.slot.start + v.live.length, memory.n * v.slot.strides[0]) for v in whole.values()
        )
        self.micro_batches = MicroBatches(len(self.steps), self.n // memory.n, memory.n, ranges)
        memory.n = self.n
        memory.roots.update(whole)
        memory.values.update(whole)
        memory.release_all(whole)
        return chosen.fusions

    def step(self, fusion: Fusion) -> None:
        """Plan one fusion, and count one reader less for each value that it uses."""
        match fusion.node.kind:
            case "input":
                self.memory.at_home(fusion.node)
            case "layer":
                self.layer(fusion)
            case "add":
                self.add(fusion)
            case "multiply":
                self.multiply(fusion.node)
            case "matmul":
                self.matmul(fusion.node)
            case "concat":
                self.concat(fusion.node)
            case "slice":
                self.slice(fusion.node)
        for node in (*fusion.inputs, fusion.last):
            self.memory.release(self.memory.values[node.index].live)

    def layer(self, fusion: Fusion) -> None:
        """y = activation(norm(f(x)) + residual), over x or the residual where that is allowed."""
        memory, node = self.memory, fusion.node
        layer, spec = node.layer, node.spec
        x = memory.values[node.inputs[0].index]
        residual = None if fusion.residual is None else memory.values[fusion.residual.index]
        free = [x] if layer.in_place else []
        y = memory.over_one_of([*free, residual] if residual else free, fusion.last, layer.view)
        saved, scratch = memory.new_declared(spec.saved), memory.new_declared(spec.scratch)
        self.steps.append(Forward(fusion, x.slot, y, slots(saved), slots(scratch), slot_of(residual)))
        memory.release_all(scratch)
        if fusion.last.index in self.analysis.wanted:
            self.saved[node.index] = saved
        else:
            memory.release_all(saved)  # no backward step will read it

    def add(self, fusion: Fusion) -> None:
        """y = activation(a + b), over a or b where that is allowed."""
        a, b = (self.memory.values[source.index] for source in fusion.node.inputs)
        y = self.memory.over_one_of([a, b], fusion.last)
        self.steps.append(Add(a.slot, b.slot, y, fusion.activation_name, fusion.last))

    def multiply(self, node: Node) -> None:
        """y = a b, over a where that is allowed."""
        a, b = (self.memory.values[source.index] for source in node.inputs)
        y = self.memory.over_one_of([a], node)
        self.steps.append(Multiply(a.slot, b.slot, y, node))

    def matmul(self, node: Node) -> None:
        """y = a b"""
        a, b = (self.memory.values[source.index] for source in node.inputs)
        self.steps.append(MatMul(a.slot, b.slot, self.memory.at_home(node), node))

    def slice(self, node: Node) -> None:
        """The channels where they lie; nothing is done."""
        whole = self.memory.values[node.inputs[0].index]
        whole.live.readers += self.analysis.readers[node.index]
        self.memory.values[node.index] = whole._replace(slot=whole.slot.channels(node.first, node.shape[0]))

    def concat(self, node: Node) -> None:
        """Copies of those inputs that were not computed inside the concatenation."""
        whole, first = self.memory.at_home(node), 0
        root, channel = self.analysis.aliases[node.index]
        for source in node.inputs:
            if self.analysis.aliases[source.index] != (root, channel + first):
                part = whole.channels(first, source.shape[0])
                self.steps.append(Copy(self.memory.values[source.index].slot, part, node))
            first += source.shape[0]
