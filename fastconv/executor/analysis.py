"""What the planners read off a graph before they plan: order, fusions, aliases, and how many steps read each value."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence, Set
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from ..graph import Node
from ..layer import Spec
from . import rewrites
from .frozen_parameters import trained
from .fusion import Fusion, find_fusions

Aliases: TypeAlias = dict[int, tuple[Node, int]]  # value -> (root, channel)
Recomputed: TypeAlias = dict[int, tuple[Fusion, int]]  # value -> (fusion, readers)


class Analysis(NamedTuple):
    """Facts about a graph. Values are named by the index of their node."""

    output: Node
    nodes: list[Node]  # in the order they run
    wanted: set[int]  # the values whose gradient is needed; empty for prediction
    fusions: list[Fusion]
    aliases: Aliases  # a value's array begins at this channel of the root's array
    readers: Counter[int]  # value -> the number of steps that use it
    recomputed: Recomputed  # values that are not kept for the backward pass, but computed a second time there
    frozen: Set[str] = frozenset()  # names of the parameters without a gradient
    others: Sequence[Node] = ()  # the outputs after the first

    @property
    def outputs(self) -> tuple[Node, ...]:
        """All outputs."""
        return (self.output, *self.others)

    def readers_of_roots(self) -> Counter[int]:
        """root -> the number of uses of all values that lie in its array."""
        found: Counter[int] = Counter()
        for index, readers in self.readers.items():
            found[self.aliases[index][0].index] += readers
        return found


def analyse_prediction(
    nodes: list[Node], output: Node, fusions: list[Fusion] | None = None, others: Sequence[Node] = ()
) -> Analysis:
    """`fusions`: the fusions of a frozen network; found here if None. `others`: the outputs after the first."""
    fusions = find_fusions(nodes, output, set(), also=others) if fusions is None else fusions
    readers = count_readers(fusions, output, *others)
    return Analysis(output, nodes, set(), fusions, concat_aliases(nodes), readers, {}, others=others)


def analyse_training(
    nodes: list[Node],
    output: Node,
    recompute: bool = False,
    inputs: bool = False,
    frozen: Set[str] = frozenset(),
    also: Sequence[Node] = (),
    others: Sequence[Node] = (),
) -> Analysis:
    """`recompute`: values that a layer can compute a second time, bit for bit, are not kept.

    `inputs`: the gradient of the images is wanted too. `frozen`: names of the parameters without a gradient.
    `also`: nodes whose gradients are wanted too. `others`: the outputs after the first.
    """
    outputs = (output, *others)
    nodes = relu_after_pool(nodes, outputs) if rewrites.enabled("pooled_first") and not also else nodes
    wanted = with_gradient(nodes, [*(output.graph.inputs if inputs else ()), *also], frozen)
    fusions, aliases = find_fusions(nodes, output, wanted, also=(*others, *also)), concat_aliases(nodes)
    backward_readers = count_backward_readers(fusions, wanted, frozen)
    recomputed: Recomputed = {}
    ends = {node.index for node in outputs}
    for fusion in fusions if recompute else ():
        index = fusion.last.index
        alone = aliases[index][0] is fusion.last
        if alone and index not in ends and backward_readers[index] and can_recompute(fusion, wanted, recomputed):
            recomputed[index] = fusion, backward_readers.pop(index)
    readers = count_readers(fusions, *outputs) + backward_readers
    return Analysis(output, nodes, wanted, fusions, aliases, readers, recomputed, frozen, others)


def with_gradient(nodes: Iterable[Node], asked: Iterable[Node], frozen: Container[str]) -> set[int]:
    """The values whose gradient is needed: a trained parameter, or one of the nodes `asked`, lies at or before them."""
    wanted = {node.index for node in asked}
    for node in nodes:
        if trained(node, frozen) or any(source.index in wanted for source in node.inputs):
            wanted.add(node.index)
    return wanted


def can_recompute(fusion: Fusion, wanted: Container[int], recomputed: Container[int]) -> bool:
    """Whether the fusion's layer can compute y a second time, from an x that is kept."""
    node = fusion.node
    return (
        node.layer is not None
        and node.layer.recompute is not None
        and fusion.residual is None
        and "y" not in fusion.saves()
        and node.index in wanted
        and node.inputs[0].index not in recomputed
    )


def relu_after_pool(nodes: list[Node], outputs: Sequence[Node]) -> list[Node]:
    """The nodes with relu after max pooling where the model has relu before it.

    max(relu(x)) = relu(max(x)), and the gradient passes both in either order through the largest value, if that is
    positive. relu then works on the smaller planes, and the layer before it need not keep its result for relu's
    gradient. Each pair of nodes keeps its two indices.
    """
    uses = Counter(source.index for node in nodes for source in node.inputs)
    moved = {node.index: node for node in nodes}
    for pool in nodes:
        relu = pool.inputs[0] if pool.layer and pool.layer.keeps_order else None
        if relu is None or not relu.layer or not relu.layer.epilogue or uses[relu.index] > 1 or relu in outputs:
            continue
        source = relu.inputs[0]
        if source.layer is None or source.layer.fused_backward:
            continue
        first = pool.replaced(index=relu.index, inputs=(source,))
        then = relu.replaced(index=pool.index, inputs=(first,), shape=pool.shape, spec=Spec(pool.shape))
        moved[first.index], moved[then.index] = first, then
    return [moved[node.index] for node in nodes]


def count_readers(fusions: Sequence[Fusion], *outputs: Node) -> Counter[int]:
    """value -> the number of uses: by the step that makes it, by each step that reads it, and as an output."""
    readers = Counter(fusion.last.index for fusion in fusions)
    readers.update(output.index for output in outputs)
    readers.update(source.index for fusion in fusions for source in fusion.inputs)
    return readers


def count_backward_readers(fusions: Iterable[Fusion], wanted: Container[int], frozen: Container[str]) -> Counter[int]:
    """value -> the number of steps of the backward pass that read it."""
    readers: Counter[int] = Counter()
    for fusion in fusions:
        if fusion.node.inputs and fusion.last.index in wanted:
            if fusion.node.kind in ("multiply", "matmul"):
                a, b = (source.index for source in fusion.node.inputs)
                readers[a] += b in wanted
                readers[b] += a in wanted
            saves = fusion.saves(frozen)
            readers[fusion.node.inputs[0].index] += "x" in saves
            readers[fusion.last.index] += "y" in saves
    return readers


def concat_aliases(nodes: Sequence[Node]) -> Aliases:
    """value -> (root, channel): the node whose array holds this value, and the value's first channel there.

    The inputs of a concatenation are computed inside it. A concatenation lies inside a longer one that begins with the
    same inputs. A value lies inside one concatenation only; the others that it belongs to get a copy. A slice lies
    where its whole is.
    """
    concats = [node for node in nodes if node.kind == "concat" and rewrites.enabled("concat")]
    inside: Aliases = {}
    starting_with: dict[int, list[Node]] = {}
    for node in concats:
        starting_with.setdefault(node.inputs[0].index, []).append(node)
    for group in starting_with.values():
        for shorter, longer in pairwise(sorted(group, key=lambda node: len(node.inputs))):
            if longer.inputs[: len(shorter.inputs)] == shorter.inputs:
                inside[shorter.index] = (longer, 0)
    for node in concats:
        first = 0
        for source in node.inputs:
            if source.index not in inside and source.kind != "slice":
                inside[source.index] = (node, first)
            first += source.shape[0]
    return {node.index: outermost(node, inside) for node in nodes}


def outermost(node: Node, inside: Aliases) -> tuple[Node, int]:
    """The root that holds the node after all levels of nesting, and the node's first channel there."""
    channel = 0
    while node.index in inside:
        node, first = inside[node.index]
        channel += first
    return node, channel
