"""The boxes of a network's graph: nodes in a row without a branch become one box, and so do the nodes of a part."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from .figures import shortened

ROWS, BOXES = 40, 120  # more are not drawn unless a depth is given: parts of the model are folded
TOGETHER = 6  # nodes whose kinds are written into one box


class Box(NamedTuple):
    """Nodes that are drawn as one, and the numbers of the boxes before it."""

    nodes: Sequence[Any]
    inputs: tuple[int, ...]


def boxes_of(nodes: Sequence[Any], depth: int | None) -> list[Box]:
    """The boxes, each after those before it; `depth`: how many parts of a name are told apart.

    Without a depth, the largest with which there are not too many.
    """
    if depth is not None:
        return chains(grouped(nodes, lambda node: part_of(node, depth)))
    found = chains(grouped(nodes, lambda node: str(node.name)))
    for level in reversed(range(1, 1 + max(node.name.count(".") for node in nodes))):
        if rows_of(found) <= ROWS and len(found) <= BOXES:
            break
        found = chains(grouped(nodes, partial(part_of, depth=level)))
    return found


def rows_of(boxes: Sequence[Box]) -> int:
    """Boxes on the longest way from the input."""
    row: list[int] = []
    for box in boxes:
        row.append(1 + max((row[source] for source in box.inputs), default=0))
    return max(row)


def part_of(node: Any, depth: int) -> str:
    """The first parts of a node's name; its own where it has no more."""
    parts = node.name.split(".")
    return ".".join(parts[:depth]) if len(parts) > depth else str(node.name)


def grouped(nodes: Sequence[Any], key: Callable[[Any], str]) -> list[Box]:
    """A box for the neighbours in the order of the network with one key."""
    groups: list[list[Any]] = []
    for node in nodes:
        if groups and key(groups[-1][-1]) == key(node) and node.kind != "input":
            groups[-1].append(node)
        else:
            groups.append([node])
    where = {node.index: number for number, group in enumerate(groups) for node in group}
    return [Box(group, sources(group, where, number)) for number, group in enumerate(groups)]


def sources(group: Sequence[Any], where: dict[int, int], own: int) -> tuple[int, ...]:
    """The numbers of the groups that a group reads, each once."""
    found = dict.fromkeys(where[x.index] for node in group for x in node.inputs)
    return tuple(number for number in found if number != own)


def chains(boxes: Sequence[Box]) -> list[Box]:
    """Boxes in a row without a branch become one; a join begins a new one, and the input stands alone."""
    readers = [0] * len(boxes)
    for box in boxes:
        for source in box.inputs:
            readers[source] += 1
    into: list[int] = []
    merged: list[tuple[list[Any], tuple[int, ...]]] = []
    for box in boxes:
        source = box.inputs[0] if len(box.inputs) == 1 else -1
        after = source >= 0 and boxes[source].nodes[0].kind != "input" and readers[source] == 1
        if after and small(merged[into[source]][0], box.nodes):
            merged[into[source]][0].extend(box.nodes)
            into.append(into[source])
        else:
            merged.append((list(box.nodes), tuple(dict.fromkeys(into[each] for each in box.inputs))))
            into.append(len(merged) - 1)
    return [Box(*each) for each in merged]


def small(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Whether two boxes are drawn as one: of one part of the model; outside of parts, with weights only at its top."""
    whole = [*before, *after]
    if len(whole) > TOGETHER:
        return False
    alone = not scope_of(before) and not scope_of(after) and not any(len(weight_shape(node)) > 1 for node in after)
    return bool(scope_of(whole)) or alone


def scope_of(nodes: Sequence[Any]) -> str:
    """What the names of all nodes begin with."""
    parts = [node.name.split(".")[:-1] for node in nodes]
    common = []
    for each in zip(*parts, strict=False):
        if len(set(each)) > 1:
            break
        common.append(each[0])
    return ".".join(common)


def lines_of(box: Box, width: int) -> list[str]:
    """The text of a box: its part of the model, the names and kinds of its layers, and the shape of its result."""
    nodes, scope = box.nodes, scope_of(box.nodes)
    shape = " × ".join(map(str, nodes[-1].shape))
    if len(nodes) <= TOGETHER:
        head = [shortened(scope, width)] if scope else []
        return [*head, *(shortened(titled(node, scope), width) for node in nodes), shape]
    weighted = sum(len(weight_shape(node)) > 1 for node in nodes)
    numbers = sum(prod(p.shape) for node in nodes if node.spec for p in node.spec.params.values())
    more = [f"{weighted} layers with weights", f"{numbers:,} parameters"] if numbers else []
    named = shortened(scope or f"{nodes[0].name} ...", width)
    return [named, f"{len(nodes)} nodes", *more, shape]


def titled(node: Any, scope: str) -> str:
    """'conv1: Conv2D 3×3': the name without the part of the model, and what makes the node."""
    name, kind = node.name.removeprefix(f"{scope}."), kind_of(node)
    return kind if name == kind else f"{name}: {kind}"


JOINTS = {"add": "sum", "multiply": "product", "matmul": "matrix product"}  # kind of a node -> the word for it


def kind_of(node: Any) -> str:
    """What makes a node: 'Conv2D 3×3', 'sum', 'concat', 'input'."""
    if node.layer is None:
        return JOINTS.get(node.kind, str(node.kind))
    kind, shape = type(node.layer).__name__, weight_shape(node)
    return f"{kind} {shape[2]}×{shape[3]}" if len(shape) == 4 else kind


def weight_shape(node: Any) -> tuple[int, ...]:
    """The shape of the layer's weight; () without one."""
    weight = node.spec.params.get("weight") if node.spec else None
    return tuple(weight.shape) if weight is not None else ()
