"""Sums of nodes."""

from .... import Node
from ..call import Call

__all__ = ["TABLE"]


def add(call: Call) -> Node:
    """`Add` and `Sum`"""
    total = call.node(0)
    for place in range(1, len(call.values)):
        total = total + call.node(place)
    return total


TABLE = {"Add": add, "Sum": add}
