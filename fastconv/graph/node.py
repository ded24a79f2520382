"""What a model is made of: layers, and the nodes that wires join.

A model is any function Node -> Node; a layer is the smallest one. A layer declares (`Spec`: shapes only) and prepares
calls (`forward`, `backward`); it owns no array. The only joints are ``a + b`` and ``concat(a, b, ...)``.
"""

from ..ops import check


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
