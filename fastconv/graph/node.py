"""The values of a model (`Node`), and the two ways to join them: ``a + b`` and ``concat(a, b, ...)``."""

from typing import TYPE_CHECKING, Any, NoReturn

from ..layer import Layer, Spec
from ..ops import check
from ..typing import Shape
from .refused import RULE, SUM, NoArray

if TYPE_CHECKING:
    from .graph import Graph


class Node(NoArray):
    """A value in a model: the image, a layer's output, a sum or a concatenation. It cannot be changed.

    Attributes
    ----------
    graph : Graph
        The nodes of the network that it belongs to.
    kind : "input", "layer", "add" or "concat"
        How it is made.
    name : str
        Its name in plans and reports.
    shape : tuple of ints
        Its shape without the batch axis.
    inputs : tuple of Node
        What it is made from.
    layer, spec : Layer and Spec, or None
        For kind "layer": the layer that makes it, and what the layer declared for this input.
    owner : str or None
        For kind "layer": the prefix of the layer's parameters, which is the name of its first node.
    index : int
        Its place in ``graph.nodes``.

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

    graph: "Graph"
    index: int
    inputs: "tuple[Node, ...]"
    kind: str
    layer: Any  # a Layer, and spec a Spec and owner a str, where `kind` is "layer"; otherwise all three are None
    name: str
    owner: Any
    shape: Shape
    spec: Any

    def __init__(
        self,
        graph: "Graph",
        kind: str,
        name: str,
        shape: Shape,
        inputs: "tuple[Node, ...]" = (),
        layer: Layer | None = None,
        spec: Spec | None = None,
        owner: str | None = None,
    ) -> None:
        own = {"graph": graph, "kind": kind, "name": name, "shape": shape, "inputs": inputs}
        self.fill({**own, "layer": layer, "spec": spec, "owner": owner, "index": graph.add(self)})

    def fill(self, values: dict[str, Any]) -> None:
        """Sets the attributes of a new node."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{name} of {self!r} cannot be set: nodes cannot be changed")

    def replaced(self, **values: Any) -> "Node":
        """A copy of the node with some values changed; it is not in the graph's list."""
        new = object.__new__(Node)
        new.fill({name: values.get(name, getattr(self, name)) for name in self.__slots__})
        return new

    @property
    def computing(self) -> Any:
        """The layer whose calls are made: with precise=True it is made from the network's own, as that is now."""
        return self.layer.made_precise() if self.graph.precise else self.layer

    def __reduce__(self) -> "tuple[Any, tuple[Graph, int]]":
        return node_of, (self.graph, self.index)

    def __add__(self, other: "Node") -> "Node":
        if isinstance(other, Node):
            return added(self, other)
        raise TypeError(f"{self!r} + {type(other).__name__}: {RULE}; {SUM}")

    def __radd__(self, other: Any) -> "Node":
        if type(other) is int and other == 0:  # what `sum` of Python begins with
            return self
        raise TypeError(f"{type(other).__name__} + {self!r}: {RULE}; {SUM}")

    def __repr__(self) -> str:
        return f"<Node {describe(self)}>"


def node_of(graph: "Graph", index: int) -> Node:
    """The node of a graph that a pickle names by its index."""
    return graph.nodes[index]


def describe(node: Node) -> str:
    """Name and shape, for messages."""
    return f"{node.name} {node.shape}"


def one_graph(first: Node, *others: Node) -> None:
    """ValueError if the nodes belong to different networks."""
    for other in others:
        if other.graph is not first.graph:
            raise ValueError(f"nodes of two different networks: {describe(first)} and {describe(other)}")


def concat(*nodes: Any, **options: Any) -> Node:
    """The channels of all nodes, one after another; H and W must agree.

    Free of cost where a node can be computed inside the result; a node that repeats, or that already lies inside
    another concatenation, is copied.

    Parameters
    ----------
    *nodes : Node
        Or one list or tuple of them.

    Returns
    -------
    Node

    Raises
    ------
    TypeError
        For what is no node, and for options of other libraries, such as an axis.
    ValueError
        For no nodes, other sizes, and nodes of another network.

    Examples
    --------
    >>> import fastconv
    >>> model = lambda x: fastconv.concat(x, fastconv.layers.Conv2D(4, 3, padding=1)(x))
    >>> fastconv.Network(model, (3, 8, 8)).output_shape
    (7, 8, 8)
    """
    if options:
        raise TypeError(f"concat takes no {next(iter(options))}: it joins the channels of nodes; write concat(a, b)")
    if len(nodes) == 1 and isinstance(nodes[0], list | tuple):
        nodes = tuple(nodes[0])
    if not nodes:
        raise ValueError("concat needs at least one node")
    for place, node in enumerate(nodes):
        if not isinstance(node, Node):
            raise TypeError(f"concat takes Nodes, got {check.shown(node)}{no_node(node, place)}")
    return concatenated(*nodes)


def no_node(value: Any, place: int) -> str:
    """What to write instead of a value that is no node, the one at this place among the arguments of `concat`."""
    if isinstance(value, list | tuple):
        return "; write concat(*nodes)"
    if hasattr(value, "spec") or callable(value):
        return "; call the layer on a node, layer(x), and join the result"
    if isinstance(value, int) and place:
        return "; no axis is given, it joins the channels of nodes; write concat(a, b)"
    if hasattr(value, "__array__"):
        return "; arrays are joined by fastconv.concatenate((a, b))"
    return ""


def concatenated(*nodes: Node, name: str | None = None) -> Node:
    """The node of a concatenation, named concat1, concat2, ... unless it has a name."""
    first = nodes[0]
    one_graph(*nodes)
    for node in nodes[1:]:
        if node.shape[1:] != first.shape[1:]:
            raise ValueError(f"concat needs equal H and W, got {describe(first)} and {describe(node)}")
    shape = (sum(node.shape[0] for node in nodes), *first.shape[1:])
    check.size(shape, first.graph.dtype)
    return Node(first.graph, "concat", name or first.graph.fresh("concat"), shape, nodes)


def added(a: Node, b: Node, name: str | None = None) -> Node:
    """The node of a sum, named add1, add2, ... unless it has a name."""
    one_graph(a, b)
    if a.shape != b.shape:
        raise ValueError(f"a + b must have one shape, got {describe(a)} and {describe(b)}")
    return Node(a.graph, "add", name or a.graph.fresh("add"), a.shape, (a, b))
