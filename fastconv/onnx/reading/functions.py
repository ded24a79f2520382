"""Functions that a model defines itself: their operations are put in place by `onnx.inliner`, up to a limit."""

from collections.abc import Iterator
from typing import Any

from ..errors import OnnxError

__all__ = ["inlined"]

MOST_OPERATIONS = 1_000_000


def inlined(model: Any) -> Any:
    """A ModelProto without functions; OnnxError where they call themselves, or would become too many operations."""
    if not model.functions:
        return model
    if operations(model) > MOST_OPERATIONS:
        raise OnnxError(f"the functions of the model would become more than {MOST_OPERATIONS:,} operations")
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # of several classes of C++
        raise OnnxError(f"the functions of the model cannot be put in place: {error}") from None


def operations(model: Any) -> int:
    """How many operations there are once every function is in place; OnnxError for one that calls itself."""
    bodies: dict[Any, list[Any]] = {(f.domain, f.name, overload(f)): [*nodes_in(f.node)] for f in model.functions}
    bodies[None] = [*nodes_in(model.graph.node)]
    counts: dict[Any, int | None] = {}  # of a function; None while it is counted
    stack: list[tuple[Any, bool]] = [(None, False)]
    while stack:
        key, ready = stack.pop()
        keys = ((node.domain, node.op_type, overload(node)) for node in bodies[key])
        called = [each for each in keys if each in bodies]
        if ready:
            counts[key] = len(bodies[key]) + sum(counts[each] or 0 for each in called)
        elif key not in counts:
            counts[key] = None
            stack.append((key, True))
            for each in dict.fromkeys(called):
                if each in counts and counts[each] is None:
                    raise OnnxError(f"the function {each[1][:80]!r} of the model calls itself")
                stack.append((each, False))
    return counts[None] or 0


def overload(entry: Any) -> str:
    """What tells functions of one name apart, in newer files."""
    return str(getattr(entry, "overload", ""))


def nodes_in(nodes: Any) -> Iterator[Any]:
    """The nodes, and those in the graphs among their attributes."""
    stack = [*nodes]
    while stack:
        node = stack.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                stack.extend(graph.node)
