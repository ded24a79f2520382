"""Frozen parameters: training leaves them as they are, and computes no gradient of them.

A set of names says what is frozen: of parameters, and of the buffers of batch norms that have no parameters.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from fnmatch import fnmatchcase

from ..graph import Node
from ..ops import check

SHOWN = 8  # patterns in an error


def trained(node: Node, frozen: Container[str]) -> list[str]:
    """The parameters of the node's layer that are trained, by the layer's own names."""
    return [key for key in node.spec.params if f"{node.owner}.{key}" not in frozen] if node.spec else []


def saves(node: Node, frozen: Container[str]) -> Set[str]:
    """Which of its x and y the backward of a node's layer reads."""
    if node.layer is None:
        return frozenset()
    kept: Set[str] = node.layer.saves
    return kept if trained(node, frozen) else kept - node.layer.saves_for_gradients


def keeps_buffers(node: Node, frozen: Container[str]) -> bool:
    """Whether a layer with buffers works as in prediction: if all its parameters are frozen, so that it is no longer
    trained. A layer without parameters (dropout) does not, unless its buffers are frozen by name (batch norm).
    """
    return bool(node.spec.state) and all(f"{node.owner}.{key}" in frozen for key in node.spec.params or node.spec.state)


def freezable(nodes: Iterable[Node]) -> dict[str, Set[str]]:
    """name -> the names that are frozen with it: a parameter alone, all buffers of a batch norm without parameters."""
    found: dict[str, Set[str]] = {}
    for node in nodes:
        if node.spec is None:
            continue
        found.update({f"{node.owner}.{key}": {f"{node.owner}.{key}"} for key in node.spec.params})
        if node.layer.folds and not node.spec.params:
            buffers = {f"{node.owner}.{key}" for key in node.spec.state}
            found.update(dict.fromkeys(sorted(buffers), buffers))
    return found


def fitting(patterns: Sequence[str], names: Mapping[str, Set[str]]) -> frozenset[str]:
    """The names that some pattern fits, with those that are frozen with them; ValueError for one that fits nothing."""
    found: set[str] = set()
    for pattern in patterns:
        fits = [also for name, also in names.items() if fnmatchcase(name, pattern)]
        if not fits:
            raise ValueError(f"patterns must fit names of parameters, {pattern!r} fits none; {instead(pattern, names)}")
        found.update(*fits)
    return frozenset(found)


def instead(pattern: str, names: Iterable[str]) -> str:
    """The patterns and names most like this one; if there are none, the first patterns."""
    patterns = list(groups(names))
    near = [f"{pattern}.*"] if f"{pattern}.*" in patterns else check.nearest(pattern, (*names, *patterns), 3)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    first = [each for each in patterns if each.count(".") == 1]
    return f"write one such as {', '.join(map(repr, first[:SHOWN]))}" if first else "the network has no parameters"


def groups(names: Iterable[str]) -> Iterator[str]:
    """The patterns of all arrays of a layer, and of a part of a model, such as "layer1.0.conv1.*" and "layer1.*"."""
    parts = (name.split(".")[:end] for name in names for end in range(1, name.count(".") + 1))
    return iter(dict.fromkeys(".".join(part) + ".*" for part in parts))


def as_patterns(patterns: object) -> tuple[str, ...]:
    """One pattern or several, as a tuple; TypeError for anything else."""
    several = (patterns,) if isinstance(patterns, str) else patterns
    if not isinstance(several, Iterable) or not (found := tuple(several)):
        cure = f"; write network.set_trainable('*', {patterns})" if isinstance(patterns, bool) else ""
        what = f"one name or pattern such as 'conv1.*', or a list of them, got {check.shown(patterns)}"
        raise TypeError(f"patterns must be {what}{cure}")
    for pattern in found:
        if not isinstance(pattern, str):
            raise TypeError(f"patterns must be texts such as 'conv1.*', got {check.shown(pattern)} among them")
    return found
