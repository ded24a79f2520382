"""What a model is made of: layers, and the nodes that wires join.

A model is any function Node -> Node; a layer is the smallest one. A layer declares (`Spec`: shapes only) and prepares
calls (`forward`, `backward`); it owns no array. The only joints are ``a + b`` and ``concat(a, b, ...)``.
"""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from . import habits
from .ops import check
from .spec import Array, Parameter, Spec, State

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
    "scope",
    "sequential",
]


class Layer:
    """y = f(x; params): one input, one output.

    `forward` and `backward` get the bound arrays `b` (x, y, dy, dx, params, grads, state, saved, scratch, training,
    x_shape, y_shape) once per plan and return prepared calls: callables without arguments that overwrite their
    results. In `backward`, `b.x` and `b.y` are None unless `saves` names them, and `b.dx` is None where unwanted.
    A layer with `fuses` also gets `b.activation` (a name or None) and `b.residual` (an array or None), and stores
    activation(f(x) + residual).

    Examples
    --------
    >>> import numpy as np
    >>> from functools import partial
    >>> import fastconv
    >>> class Negative(fastconv.Layer):
    ...     kind = "negative"
    ...     def spec(self, x_shape, dtype):
    ...         return fastconv.Spec(x_shape)
    ...     def forward(self, b):
    ...         return [partial(np.negative, b.x, b.y)]
    ...     def backward(self, b):
    ...         return [] if b.dx is None else [partial(np.negative, b.dy, b.dx)]
    >>> fastconv.Network(Negative(), (2,)).predict(np.array([1, -2], "float32"))
    array([-1.,  2.], dtype=float32)
    """

    saves = frozenset()  # which of x, y the backward equations read
    in_place = False  # y may take x's memory (and dx that of dy) when nobody needs x any more
    view = False  # in place it leaves the bytes as they are, so that others may still read x
    fuses = frozenset()  # what it can do while it stores: "activation", "residual", "norm"
    fused_backward = False  # its backward undoes all of that too
    epilogue = None  # the name under which other layers can apply it while they store
    folds = False  # in prediction it is a scale and a shift of each channel
    keeps_order = False  # each y is the largest of some x: what never falls may as well be applied to y
    convolution = False  # counts when the executor chooses the memory layout
    kind = "layer"

    def __new__(cls, *args, **options):
        habits.check_options(cls, options)
        return super().__new__(cls)

    def __init__(self, name=None):
        if name is not None and not (isinstance(name, str) and name):
            raise TypeError(f"name must be a text, which the layer's parameters are found under, got {name!r}")
        self.name = name

    def spec(self, x_shape, dtype):
        raise NotImplementedError

    gradient_by_rows = frozenset()  # parameters whose gradient `backward` can make by rows, calling `b.update` on each
    again = None  # or a method that makes y from x and what was saved, bit for bit

    def forward(self, b):
        raise NotImplementedError

    def backward(self, b):
        raise NotImplementedError

    def freeze(self, params, norm, x_shape):
        """What `forward` reads as `b.params` in a frozen network, with `norm` (scale, shift) of each channel folded."""
        return SimpleNamespace(**{name: array.copy() for name, array in vars(params).items()})

    def adds_gradient(self, x_shape, dtype):
        """Whether `backward` adds `b.known`, an array or None that may be `b.dx` itself, to dx while it stores."""
        return False

    def made_precise(self):
        """The layer as a network with ``precise=True`` has it: itself, or a copy that calls `conv2d` with that."""
        return self

    def multiply_adds(self, x_shape, y_shape):
        """Of one sample's forward pass."""
        return 0

    def __call__(self, x):
        if not isinstance(x, Node):
            raise TypeError(f"{type(self).__name__} is called with a Node (see Network), got {type(x).__name__}")
        return x.graph.apply(self, x)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.name is None else f'name={self.name!r}'})"


class Node:
    """A value in a model: the image, a layer's output, a sum or a concatenation. `shape` is without the batch.

    Examples
    --------
    >>> import fastconv
    >>> def model(x):
    ...     y = fastconv.layers.Conv2D(3, 3, padding=1)(x)
    ...     print(x, y, y.shape)
    ...     return x + y
    >>> network = fastconv.Network(model, (3, 8, 8))
    <Node input (3, 8, 8)> <Node conv1 (3, 8, 8)> (3, 8, 8)
    """

    __slots__ = ("graph", "index", "inputs", "kind", "layer", "name", "owner", "shape", "spec")

    def __init__(self, graph, kind, name, shape, inputs=(), layer=None, spec=None, owner=None):
        self.graph, self.kind, self.name, self.shape = graph, kind, name, shape
        self.inputs, self.layer, self.spec = inputs, layer, spec
        self.owner = owner  # the name under which the layer's parameters live
        self.index = graph.add(self)

    def __add__(self, other):
        if not isinstance(other, Node):
            return NotImplemented
        one_graph(self, other)
        if self.shape != other.shape:
            raise ValueError(f"a + b must have one shape, got {describe(self)} and {describe(other)}")
        return Node(self.graph, "add", self.graph.fresh("add"), self.shape, (self, other))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"the node {describe(self)} of a model is no array: models are made of layers, such as fastconv.ReLU(), "
            "and not of functions of arrays"
        )

    def __repr__(self):
        return f"<Node {describe(self)}>"


class Graph:
    """The nodes of one network in the order they were made, which is an order they can run in; and their names."""

    def __init__(self, input_shape, dtype, precise=False):
        self.dtype, self.precise = np.dtype(dtype), precise
        self.nodes, self.names, self.counts, self.layers = [], {}, {}, {}
        self.input = Node(self, "input", "input", input_shape)

    def add(self, node):
        self.nodes.append(node)
        return len(self.nodes) - 1

    def fresh(self, kind):
        """<kind><n> in the current scope, n counted from 1."""
        while True:
            key = in_scope(kind)
            self.counts[key] = self.counts.get(key, 0) + 1
            name = f"{key}{self.counts[key]}"
            if name not in self.names:
                return name

    def apply(self, layer, x):
        owner, name = self.name_of(layer)
        with reading(name, layer, x):
            spec = layer.spec(x.shape, self.dtype)
            check.size((1, *spec.y_shape), self.dtype)
        first = self.layers[id(layer)][1] = self.layers[id(layer)][1] or (x, spec)
        shapes, known = ({k: p.shape for k, p in s.params.items()} for s in (spec, first[1]))
        if shapes != known:
            raise ValueError(
                f"{name} reading {describe(x)} would need parameters {shapes}, but shares {known}, "
                f"made for {describe(first[0])}"
            )
        layer = layer.made_precise() if self.precise else layer
        return Node(self, "layer", name, spec.y_shape, (x,), layer, spec, owner)

    def name_of(self, layer):
        """Where the layer's parameters live, and the name of this use of it."""
        if id(layer) in self.layers:
            entry = self.layers[id(layer)]
            entry[2] += 1
            return entry[0], f"{entry[0]}#{entry[2]}"
        name = self.fresh(layer.kind) if layer.name is None else in_scope(layer.name)
        if name in self.names:
            raise ValueError(f"two layers are named {name!r}: {self.names[name]!r} and {layer!r}")
        self.names[name] = layer  # keeps the object alive, so its id stays its own
        self.layers[id(layer)] = [name, None, 1]
        return name, name


@contextmanager
def reading(name, layer, x):
    """Errors of a layer, with its name and what it reads."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise type(error)(f"{name} ({type(layer).__name__}) reading {describe(x)}: {error}") from None


def describe(node):
    return f"{node.name} {node.shape}"


def one_graph(first, *others):
    for other in others:
        if other.graph is not first.graph:
            raise ValueError(f"nodes of two different networks: {describe(first)} and {describe(other)}")


def concat(*nodes):
    """The channels of all nodes, one after another; H and W must agree.

    Free of cost where a node can be computed inside the result; a node that repeats, or that already lies inside
    another concatenation, is copied.

    Examples
    --------
    >>> import fastconv
    >>> model = lambda x: fastconv.concat(x, fastconv.layers.Conv2D(4, 3, padding=1)(x))
    >>> fastconv.Network(model, (3, 8, 8)).output_shape
    (7, 8, 8)
    """
    if not nodes:
        raise ValueError("concat needs at least one node")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"concat takes Nodes, got {type(node).__name__}")
    first = nodes[0]
    one_graph(*nodes)
    for node in nodes[1:]:
        if node.shape[1:] != first.shape[1:]:
            raise ValueError(f"concat needs equal H and W, got {describe(first)} and {describe(node)}")
    channels = sum(node.shape[0] for node in nodes)
    return Node(first.graph, "concat", first.graph.fresh("concat"), (channels, *first.shape[1:]), nodes)


def sequential(*models):
    """The model that applies these models (layers, or any functions Node -> Node) one after another.

    Examples
    --------
    >>> import fastconv
    >>> from fastconv.layers import Flatten, Linear, ReLU
    >>> list(fastconv.Network(fastconv.sequential(Flatten(), Linear(5), ReLU()), (1, 8, 8)).parameters)
    ['linear1.weight', 'linear1.bias']
    """
    for model in models:
        habits.check_model(model, "sequential takes layers and functions Node -> Node")

    def model(x):
        for part in models:
            x = part(x)
        return x

    return model


class Scopes(threading.local):
    names = ()


scopes = Scopes()


@contextmanager
def scope(name):
    """``with scope("layer1.0"):`` puts that prefix before the names of the layers called inside; scopes nest.

    Examples
    --------
    >>> import fastconv
    >>> def model(x):
    ...     with fastconv.scope("layer1.0"):
    ...         return fastconv.layers.Linear(5)(x)
    >>> list(fastconv.Network(model, (3,)).parameters)
    ['layer1.0.linear1.weight', 'layer1.0.linear1.bias']
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"scope needs a name, got {name!r}")
    before, scopes.names = scopes.names, (*scopes.names, name)
    try:
        yield
    finally:
        scopes.names = before


def in_scope(name):
    return ".".join((*scopes.names, name))


def build(model, input_shape, dtype, precise=False):
    """The output node of the model; its graph holds the rest."""
    habits.check_model(model, "model must be a layer or a function Node -> Node")
    shape = habits.sample_shape(input_shape)
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
        raise TypeError(f"{error}; if model is a function that makes a model, call it first, as resnet18()") from None
    if not isinstance(output, Node) or output.graph is not graph:
        raise TypeError(f"model must return a Node made from the one it was given, got {output!r}")
    return output


def ancestors(output):
    """The nodes that `output` depends on and itself, in an order they can run in."""
    wanted, open_nodes = {output.index}, [output]
    while open_nodes:
        for node in open_nodes.pop().inputs:
            if node.index not in wanted:
                wanted.add(node.index)
                open_nodes.append(node)
    return [node for node in output.graph.nodes if node.index in wanted]


def declared(nodes):
    """All parameters and states, by full name, in the order of the model."""
    params, states = {}, {}
    for node in nodes:
        if node.spec:
            params.update({f"{node.owner}.{name}": p for name, p in node.spec.params.items()})
            states.update({f"{node.owner}.{name}": s for name, s in node.spec.state.items()})
    return params, states
