"""The values of a model (`Node`), which `joints` joins and parts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ..layer import Layer, Spec
from ..ops import check
from ..typing import Shape
from .refused import CONSTANT, RULE, NoArray

if TYPE_CHECKING:
    from .graph import Graph


class Node(NoArray):
    """A value in a model: the image, a layer's output, a sum, a product, a concatenation. It cannot be changed.

    ``a + b``, ``a - b`` and ``a * b`` join two nodes; in a product one may have the shape (C, 1, 1), (1, H, W) or
    (1, 1, 1). ``a @ b`` are products of matrices, one for each image and head. ``x * 2``, ``x / 2``, ``x + 1``,
    ``1 - x`` and ``-x`` are the layer `Affine`. ``x[2:5]`` are channels.

    Attributes
    ----------
    graph : Graph
        The nodes of the network that it belongs to.
    kind : "input", "layer", "add", "multiply", "matmul", "concat" or "slice"
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
    first : int
        For kind "slice": the first of the channels; otherwise 0.

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

    __slots__ = ("first", "graph", "index", "inputs", "kind", "layer", "name", "owner", "shape", "spec")

    first: int
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
        first: int = 0,
    ) -> None:
        check.addressed(shape, name)
        own = {"first": first, "graph": graph, "kind": kind, "name": name, "shape": shape, "inputs": inputs}
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

    def __add__(self, other: Any) -> "Node":
        return self.joined("+", other, lambda: joints().added(self, other), lambda: (1, other))

    def __sub__(self, other: Any) -> "Node":
        return self.joined("-", other, lambda: joints().added(self, -other), lambda: (1, -other))

    def __mul__(self, other: Any) -> "Node":
        return self.joined("*", other, lambda: joints().multiplied(self, other), lambda: (other, 0))

    def __matmul__(self, other: Any) -> "Node":
        if not isinstance(other, Node):
            raise TypeError(f"{self!r} @ {type(other).__name__}: {RULE}; write fastconv.Linear(10)(x)")
        made: Node = joints().matrix_product(self, other)
        return made

    def __truediv__(self, other: Any) -> "Node":
        return self.joined("/", other, None, lambda: (1 / other, 0))

    def __radd__(self, other: Any) -> "Node":
        if type(other) is int and other == 0:  # what `sum` of Python begins with
            return self
        return self.joined("+", other, None, lambda: (1, other), reflected=True)

    def __rsub__(self, other: Any) -> "Node":
        return self.joined("-", other, None, lambda: (-1, other), reflected=True)

    def __rmul__(self, other: Any) -> "Node":
        return self.joined("*", other, None, lambda: (other, 0), reflected=True)

    def __neg__(self) -> "Node":
        made: Node = joints().scaled(self, -1)
        return made

    def __getitem__(self, channels: Any) -> "Node":
        made: Node = joints().channels_of(self, channels)
        return made

    def joined(
        self,
        sign: str,
        other: Any,
        nodes: "Callable[[], Node] | None",
        numbers: Callable[[], tuple[float, float]],
        reflected: bool = False,
    ) -> "Node":
        """`nodes()` of two nodes; scale x + shift for a number, (scale, shift) = numbers(); TypeError for the rest."""
        if nodes is not None and isinstance(other, Node):
            return nodes()
        if joints().is_number(other):
            made: Node = joints().scaled(self, *numbers())
            return made
        left, right = (type(other).__name__, repr(self)) if reflected else (repr(self), type(other).__name__)
        raise TypeError(f"{left} {sign} {right}: {RULE}; {CONSTANT}")

    def __repr__(self) -> str:
        return f"<Node {describe(self)}>"


def joints() -> Any:
    """The module of what nodes do with each other, which stands on this one."""
    from . import joints

    return joints


def node_of(graph: "Graph", index: int) -> Node:
    """The node of a graph that a pickle names by its index."""
    return graph.nodes[index]


def describe(node: Node) -> str:
    """Name and shape, for messages."""
    return f"{node.name} {node.shape}"
