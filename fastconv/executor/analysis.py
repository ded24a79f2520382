"""What the planner reads off the graph: who needs a gradient, who reads a value, which arrays lie inside others."""

from collections import Counter
from itertools import pairwise

from ..layer import Spec
from . import rewrites


def depend_on_parameters(nodes):
    """Indices of the nodes whose gradient is needed: some parameter lies at or before them."""
    wanted = set()
    for node in nodes:
        if (node.spec and node.spec.params) or any(source.index in wanted for source in node.inputs):
            wanted.add(node.index)
    return wanted


def pooled_first(nodes, output):
    """The nodes with relu after max pooling where the model has it before: the same values from a quarter of the work.

    max(relu(x)) = relu(max(x)), and the gradient takes the same way, through the largest value if that is positive.
    So the layer before need not keep its result for relu's gradient. Each pair of nodes keeps its two indices.
    """
    uses = Counter(source.index for node in nodes for source in node.inputs)
    placed = {node.index: node for node in nodes}
    for pool in nodes:
        relu = pool.inputs[0] if pool.layer and pool.layer.keeps_order else None
        if relu is None or not relu.layer or not relu.layer.epilogue or uses[relu.index] > 1 or relu is output:
            continue
        source = relu.inputs[0]
        if source.layer is None or source.layer.fused_backward:
            continue
        first = pool.replaced(index=relu.index, inputs=(source,))
        then = relu.replaced(index=pool.index, inputs=(first,), shape=pool.shape, spec=Spec(pool.shape))
        placed[first.index], placed[then.index] = first, then
    return [placed[node.index] for node in nodes]


def count_readers(units, output):
    """For each value how many steps use it: the one that makes it, the ones that read it, the network's end."""
    readers = Counter(unit.last.index for unit in units)
    readers[output.index] += 1
    readers.update(source.index for unit in units for source in unit.inputs)
    return readers


def count_savers(units, wanted):
    """For each value how many steps of the backward pass read it."""
    savers = Counter()
    for unit in units:
        if unit.last.index in wanted:
            saves = unit.saves()
            savers[unit.node.inputs[0].index] += "x" in saves
            savers[unit.last.index] += "y" in saves
    return savers


def homes(nodes):
    """node.index -> (root, channel): the node whose array holds this one's, and the first channel there.

    The inputs of a concatenation live inside it, and a concatenation lives inside a longer one that begins with the
    same inputs. A node has one home; elsewhere it is copied.
    """
    inside, concats = {}, [node for node in nodes if node.kind == "concat" and rewrites.enabled("concat")]
    starting_with = {}
    for node in concats:
        starting_with.setdefault(node.inputs[0].index, []).append(node)
    for group in starting_with.values():
        for shorter, longer in pairwise(sorted(group, key=lambda node: len(node.inputs))):
            if longer.inputs[: len(shorter.inputs)] == shorter.inputs:
                inside[shorter.index] = (longer, 0)
    for node in concats:
        first = 0
        for source in node.inputs:
            if source.index not in inside:
                inside[source.index] = (node, first)
            first += source.shape[0]
    return {node.index: follow(node, inside) for node in nodes}


def follow(node, inside):
    channel = 0
    while node.index in inside:
        node, first = inside[node.index]
        channel += first
    return node, channel
