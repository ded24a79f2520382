"""What joins several nodes."""

from collections.abc import Callable, Sequence
from typing import Any

from .part import Growing

__all__ = ["JOINTS"]


def add(graph: Growing, node: Any, inputs: Sequence[str]) -> str:
    """a + b"""
    return graph.add("Add", inputs, node.name, {})


def concat(graph: Growing, node: Any, inputs: Sequence[str]) -> str:
    """The channels, one after another"""
    return graph.add("Concat", inputs, node.name, {"axis": 1})


JOINTS: dict[str, Callable[[Growing, Any, Sequence[str]], str]] = {"add": add, "concat": concat}
