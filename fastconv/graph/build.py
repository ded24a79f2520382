"""From a model, a function Node -> Node, to its graph; and models one after another."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import models as given
from ..ops import check
from .graph import Graph
from .node import Node

Model: TypeAlias = Callable[[Node], Node]


def sequential(*models: Model) -> Model:
    """The model that applies these models (layers, or any functions Node -> Node) one after another.

    Examples
    --------
    >>> import fastconv
    >>> from fastconv.layers import Flatten, Linear, ReLU
    >>> list(fastconv.Network(fastconv.sequential(Flatten(), Linear(5), ReLU()), (1, 8, 8)).parameters)
    ['linear1.weight', 'linear1.bias']
    """
    for model in models:
        given.check_model(model, "sequential takes layers and functions Node -> Node")

    return partial(one_after_another, models)


def one_after_another(models: tuple[Model, ...], x: Node) -> Node:
    """The last model's node, each model applied to the node of the one before it."""
    for model in models:
        x = model(x)
    return x


def build(model: Model, input_shape: Any, dtype: DTypeLike, precise: bool = False) -> Node:
    """The output node of the model; its graph holds the rest."""
    given.check_model(model, "model must be a layer or a function Node -> Node")
    shape = given.sample_shape(input_shape)
    dtype = np.dtype(dtype)
    if dtype not in check.DTYPES:
        raise TypeError(f"dtype must be float32 or float64, got {dtype}")
    graph = Graph(shape, dtype, check.flag(precise, "precise"))
    check.size(shape, dtype)
    try:
        output = model(graph.input)
    except TypeError as error:
        if repr(graph.input) not in str(error):
            raise
        raise TypeError(f"{error}; if model is a function that returns a model, call it: resnet18()") from None
    if not isinstance(output, Node) or output.graph is not graph:
        raise TypeError(f"model must return a Node made from the one it was given, got {output!r}")
    return output
