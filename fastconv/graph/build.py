"""From a model, a function Node -> Node, to its graph."""

import inspect
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import models as given
from ..fields import several, structured
from ..ops import check
from .chain import Model, one_model
from .graph import Graph
from .node import Node
from .refused import RULE


def build(model: Model, input_shape: Any, dtype: DTypeLike, precise: bool = False) -> Any:
    """The output node of the model, or a dict or tuple of them; its graph holds the rest."""
    given.check_order(model, input_shape)
    model = one_model(model, "model must be a layer or a function Node -> Node")
    shape = given.input_shapes(input_shape)
    dtype = np.dtype(dtype)
    if dtype not in check.DTYPES:
        raise TypeError(f"dtype must be float32 or float64, got {dtype}")
    graph = Graph(shape, dtype, check.flag(precise, "precise"))
    for node in graph.inputs:
        check.size(node.shape, dtype)
    output = applied(model, graph.input)
    found = several(output) if isinstance(output, dict | tuple | list) and output else None
    for node in (output,) if found is None else found.values():
        if not isinstance(node, Node) or node.graph is not graph:
            rule = "model must return a Node made from the one it was given, or a dict or tuple of them"
            raise TypeError(f"{rule}, got {output!r}{given.returned(model, node)}")
    if found is None:
        return output
    given.check_names(output, "the dict that the model returns")
    return structured(output, found.values())


def applied(model: Model, node: Any) -> Any:
    """model(node); TypeError with what to write where the model takes no node, or other arguments too."""
    try:
        return model(node)
    except TypeError as error:
        name = given.name_of(model)
        makes = f"{error}; if {name} makes a model, call it: {name}()"
        if not given.callable_with(model, node):
            cure = f"{error}; model must take one Node, the rest by functools.partial({name}, ...)"
            raise TypeError(makes if given.callable_with(model) else cure) from None
        explained = RULE in str(error) or "call the layer" in str(error)
        if f"got {node!r}" in str(error) and not explained and inspect.isfunction(model):
            raise TypeError(makes) from None
        raise
