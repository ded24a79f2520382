"""What joins and parts values: a + b, a * b, a @ b, concat, x[2:5]."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .part import Part

__all__ = ["JOINTS"]

Joint: TypeAlias = Callable[[Any, Sequence[str], Part], str]  # (node, inputs, part) -> the name of the result


def add(node: Any, inputs: Sequence[str], part: Part) -> str:
    """a + b"""
    return part.add("Add", *inputs)


def multiply(node: Any, inputs: Sequence[str], part: Part) -> str:
    """a * b, where b may be repeated along axes of extent 1"""
    return part.add("Mul", *inputs)


def matmul(node: Any, inputs: Sequence[str], part: Part) -> str:
    """a @ b"""
    return part.add("MatMul", *inputs)


def concat(node: Any, inputs: Sequence[str], part: Part) -> str:
    """The channels, one after another"""
    return part.add("Concat", *inputs, axis=1)


def channels(node: Any, inputs: Sequence[str], part: Part) -> str:
    """The channels of a slice"""
    first, stop = node.first, node.first + node.shape[0]
    return part.add("Slice", *inputs, *map(part.integers, (first, stop, 1)))


JOINTS: dict[str, Joint] = {"add": add, "multiply": multiply, "matmul": matmul, "concat": concat, "slice": channels}
