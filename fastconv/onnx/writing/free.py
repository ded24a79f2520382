"""Networks with H and W free: at which other sizes they compute the same operators.

A network is translated for its own size. Its nodes are made again for images of other sizes; where the operators of a
layer, or the shapes of its weights, are others there, the layer holds the size.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ... import Node, concat
from ..errors import OnnxError
from .folding import arrays_of
from .joints import JOINTS
from .part import Extents, Growing, Part
from .table import Translation

__all__ = ["free_shapes"]

STEPS = (1, 2, 3, 4, 5, 8, 16, 32, 64)  # added to H, and twice of them to W
MOST_SHOWN = 10  # layers in an error
JOINED: dict[str, Callable[..., Node]] = {"add": operator.add, "multiply": operator.mul, "matmul": operator.matmul}
JOINED["concat"] = concat


def free_shapes(network: Any, graph: Growing, ready: Mapping[type, Translation]) -> dict[int, Extents]:
    """By the index of a node: its shape, with None for extents that depend on the size of the images.

    OnnxError where no other size fits, and with the names of all layers that hold the size.
    """
    sizes, refused = [], None
    for step in STEPS:
        try:
            sizes.append(again(network, step))
        except (ValueError, TypeError) as error:
            refused = error
    if not sizes:
        raise OnnxError(f"free_size=True: the network takes images of no other size: {refused}")
    held = [
        node for node in network.nodes if any(holds(network, graph, node, size[node.index], ready) for size in sizes)
    ]
    if held:
        few = ", ".join(f"{node.name} ({type(node.layer or node).__name__})" for node in held[:MOST_SHOWN])
        more = f" and {len(held) - MOST_SHOWN} more" if len(held) > MOST_SHOWN else ""
        raise OnnxError(f"free_size=True: these layers are written for images of one size: {few}{more}")
    return {node.index: extents(node, [size[node.index] for size in sizes]) for node in network.nodes}


def again(network: Any, step: int) -> dict[int, Node]:
    """The nodes of the network, by their index, for images that have more rows and columns; ValueError where they do
    not fit.
    """
    first = network.nodes[0].graph
    shapes = [larger(node.shape, step) for node in first.inputs]
    graph = type(first)(shapes[0] if len(shapes) == 1 else tuple(shapes), first.dtype, first.precise)
    made = dict(zip((node.index for node in first.inputs), graph.inputs, strict=True))
    for node in network.nodes:
        sources = tuple(made[x.index] for x in node.inputs)
        if node.layer is not None:
            spec = node.layer.spec(sources[0].shape, first.dtype)
            made[node.index] = Node(graph, "layer", node.name, spec.y_shape, sources, node.layer, spec, node.owner)
        elif node.kind == "slice":
            made[node.index] = sources[0][node.first : node.first + node.shape[0]]
        elif node.kind != "input":
            made[node.index] = JOINED[node.kind](*sources)
    return made


def larger(shape: Sequence[int], step: int) -> tuple[int, ...]:
    """The channels, and more rows and columns."""
    return (shape[0], *(extent + step * factor for factor, extent in enumerate(shape[1:], 1)))


def holds(network: Any, graph: Growing, node: Any, other: Node, ready: Mapping[type, Translation]) -> bool:
    """Whether the operators, or the weights, are others for this size."""
    if node.kind == "input":
        return False
    if node.layer is not None:
        own, there = ({key: each.shape for key, each in n.spec.params.items()} for n in (node, other))
        if own != there:
            return True
    return operators(network, graph, node, node, ready) != operators(network, graph, node, other, ready)


def operators(network: Any, graph: Growing, node: Any, at: Any, ready: Mapping[type, Translation]) -> list[bytes]:
    """The operators that the node becomes, with the shapes that it has at another size."""
    alone = Growing(graph.opset, graph.batch, graph.dtype, free=True)
    part = Part(alone, node.name, "x", (at.inputs[0].shape, at.shape), arrays_of(network, node), node.owner or "")
    if node.layer is None:
        JOINTS[node.kind](node, [f"x{place}" for place in range(len(node.inputs))], part)
    else:
        ready[type(node.layer)](node.layer, part)
    return [each.SerializeToString() for each in alone.nodes]


def extents(node: Any, others: Sequence[Node]) -> Extents:
    """The shape of the node, with None where it is another for images of another size."""
    names = ("H", "W") if len(node.shape) == 3 else ("L",)
    free = [any(n != other.shape[axis] for other in others) for axis, n in enumerate(node.shape)]
    name = dict(enumerate(names, 1)) if node.kind == "input" and len(node.graph.inputs) == 1 else {}
    return [name.get(axis) if free[axis] else n for axis, n in enumerate(node.shape)]
