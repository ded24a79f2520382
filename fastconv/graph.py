"""What a model is made of: layers, and the nodes that wires join.

A model is any function Node -> Node; a layer is the smallest one. A layer declares (`Spec`: shapes only) and prepares
calls (`forward`, `backward`); it owns no array. The only joints are ``a + b`` and ``concat(a, b, ...)``.
"""

import copy
from contextlib import contextmanager
from functools import partial

import numpy as np

from . import habits
from .copying import copied, picklable
from .layer import Layer
from .ops import check
from .scopes import in_scope, scope
from .spec import Array, Parameter, Spec, State, checked, differences

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
        # owner: the name under which the layer's parameters live
        own = {"graph": graph, "kind": kind, "name": name, "shape": shape, "inputs": inputs}
        self.fill({**own, "layer": layer, "spec": spec, "owner": owner, "index": graph.add(self)})

    def fill(self, values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f"{name} of {self!r} cannot be set: nodes cannot be changed")

    def replaced(self, **values):
        """A copy of the node with some values changed; it is not in the graph's list."""
        new = object.__new__(Node)
        new.fill({name: values.get(name, getattr(self, name)) for name in self.__slots__})
        return new

    @property
    def computing(self):
        """The layer whose calls are made: with precise=True it is made from the network's own, as that is now."""
        return self.layer.made_precise() if self.graph.precise else self.layer

    def __reduce__(self):
        return node_of, (self.graph, self.index)

    def __add__(self, other):
        return added(self, other) if isinstance(other, Node) else NotImplemented

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"the node {describe(self)} of a model is not an array: models are made of layers, such as "
            "fastconv.ReLU(), not of functions of arrays"
        )

    def __repr__(self):
        return f"<Node {describe(self)}>"


def node_of(graph, index):
    return graph.nodes[index]


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
        return self.use(layer, x, *self.name_of(layer))

    def use(self, layer, x, owner, name):
        """The node of a layer that reads x."""
        with reading(name, layer, x):
            spec = declaration(layer, x)
        entry = self.layers[id(layer)]
        entry[1] = entry[1] or (x, spec)
        source, first = entry[1]
        other = differences(Spec((), spec.params, spec.state), Spec((), first.params, first.state))
        if other:
            raise ValueError(
                f"{name} reading {describe(x)} would need {'; '.join(other)} as made for {describe(source)}; "
                "use a layer of its own for each shape"
            )
        vars(layer)["_used"] = True
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

    # Copies: nodes are stored as a flat list, so that a long chain needs no deep recursion.

    def __getstate__(self):
        unchanged(self.nodes)
        uses = {owner: self.layers[id(layer)][2] for owner, layer in self.names.items()}
        nodes = [(n.kind, n.name, [x.index for x in n.inputs], n.owner) for n in self.nodes[1:]]
        return self.input.shape, self.dtype.name, self.precise, self.names, uses, self.counts, nodes

    def __setstate__(self, state):
        shape, dtype, precise, names, uses, counts, nodes = state
        self.__init__(shape, dtype, precise)
        self.names, self.counts = dict(names), dict(counts)
        self.layers = {id(layer): [owner, None, uses[owner]] for owner, layer in names.items()}
        for kind, name, inputs, owner in nodes:
            sources = [self.nodes[index] for index in inputs]
            if kind == "layer":
                self.use(self.names[owner], *sources, owner, name)
            else:
                JOINTS[kind](*sources, name=name)

    def __reduce_ex__(self, protocol):
        for owner, layer in self.names.items():
            picklable(layer, owner, protocol)
        return super().__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        return self.with_layers(partial(copied, memo=memo), memo)

    def __copy__(self):
        """The same nodes with copies of the layers, which later changes of the layers do not affect."""
        return self.with_layers(lambda layer, owner: copy.copy(layer))

    def with_layers(self, change, memo=None):
        new = Graph.__new__(Graph)
        if memo is not None:
            memo[id(self)] = new
        shape, dtype, precise, names, *rest = self.__getstate__()
        layers = {owner: change(layer, owner) for owner, layer in names.items()}
        new.__setstate__((shape, dtype, precise, layers, *rest))
        return new


def declaration(layer, x):
    """The Spec that the layer declares for x, checked."""
    return checked(layer.spec(x.shape, x.graph.dtype), x.graph.dtype)


def unchanged(nodes):
    """RuntimeError if a layer no longer declares what the network was built with."""
    for node in nodes:
        if node.layer is None:
            continue
        who = f"{node.name} ({type(node.layer).__name__}) was changed after the network was built"
        cure = "set it back, or build another network"
        try:
            now = declaration(node.layer, node.inputs[0])
        except Exception as error:
            raise RuntimeError(f"{who}: {error}; {cure}") from error
        other = differences(now, node.spec)
        if other:
            raise RuntimeError(f"{who}: it declares {'; '.join(other)}; {cure}")


@contextmanager
def reading(name, layer, x):
    """Adds the layer's name and its input to the errors of a layer."""
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
            cure = "; write concat(*nodes)" if isinstance(node, list | tuple) else ""
            raise TypeError(f"concat takes Nodes, got {type(node).__name__}{cure}")
    return concatenated(*nodes)


def concatenated(*nodes, name=None):
    first = nodes[0]
    one_graph(*nodes)
    for node in nodes[1:]:
        if node.shape[1:] != first.shape[1:]:
            raise ValueError(f"concat needs equal H and W, got {describe(first)} and {describe(node)}")
    shape = (sum(node.shape[0] for node in nodes), *first.shape[1:])
    check.size(shape, first.graph.dtype)
    return Node(first.graph, "concat", name or first.graph.fresh("concat"), shape, nodes)


def added(a, b, name=None):
    one_graph(a, b)
    if a.shape != b.shape:
        raise ValueError(f"a + b must have one shape, got {describe(a)} and {describe(b)}")
    return Node(a.graph, "add", name or a.graph.fresh("add"), a.shape, (a, b))


JOINTS = {"add": added, "concat": concatenated}


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

    return partial(one_after_another, models)


def one_after_another(models, x):
    for model in models:
        x = model(x)
    return x


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
        raise TypeError(f"{error}; if model is a function that returns a model, call it: resnet18()") from None
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
