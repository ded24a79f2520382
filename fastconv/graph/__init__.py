"""What a model is made of: layers, and the nodes between them.

A model is any function Node -> Node; a layer is the smallest one. A layer declares (`Spec`: shapes only) and prepares
calls (`forward`, `backward`); it owns no array. Nodes are joined by ``a + b``, ``a * b`` and ``concat(a, b, ...)``, and
taken apart by ``x[2:5]`` and ``split(x, sizes)``.
"""

from ..layer import Array, Layer, Parameter, Spec, State
from .build import build
from .chain import sequential
from .graph import Graph, ancestors, declared, nodes_of
from .joints import concat, split
from .node import Node
from .scopes import scope

__all__ = [
    "Array",
    "Graph",
    "Layer",
    "Node",
    "Parameter",
    "Spec",
    "State",
    "ancestors",
    "build",
    "concat",
    "declared",
    "nodes_of",
    "scope",
    "sequential",
    "split",
]
