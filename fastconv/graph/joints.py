"""What joins and parts a model's values: ``a + b``, ``a * b``, ``a @ b``, `concat`, and ``x[2:5]``, `split`."""

from collections.abc import Callable
from itertools import pairwise
from numbers import Real
from typing import Any

from ..ops import check
from ..ops.matmul import agree
from ..ops.multiply import repeats
from .node import Node, describe
from .refused import RULE


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


def split(x: Any, sizes: Any) -> tuple[Node, ...]:
    """The channels of a node in parts, one after another: the opposite of `concat`.

    Free of cost in the forward pass: a part lies inside the whole.

    Parameters
    ----------
    x : Node
    sizes : list of ints, or int
        The channels of each part, whose sum is that of `x`; or one number for every part, of which the last may then
        be smaller.

    Returns
    -------
    tuple of Node

    Raises
    ------
    TypeError, ValueError
        For what is no node, and for sizes that do not make up its channels.

    Examples
    --------
    >>> import fastconv
    >>> def model(x):
    ...     left, right = fastconv.split(x, [2, 6])
    ...     return fastconv.concat(right, left)
    >>> fastconv.Network(model, (8, 4, 4)).output_shape
    (8, 4, 4)
    """
    if not isinstance(x, Node):
        cure = "; arrays are split by numpy.split" if hasattr(x, "__array__") else ""
        raise TypeError(f"split takes a Node, got {check.shown(x)}{cure}")
    channels = x.shape[0]
    if isinstance(sizes, list | tuple):
        parts = [check.integer(size, "sizes", 1) for size in sizes]
    else:
        size = check.integer(sizes, "sizes", 1)
        parts = [min(size, channels - first) for first in range(0, channels, size)]
    if sum(parts) != channels:
        raise ValueError(f"sizes must sum to the {channels} channels of {describe(x)}, got {parts}")
    ends = [sum(parts[:i]) for i in range(len(parts) + 1)]
    return tuple(sliced(x, first, stop - first) for first, stop in pairwise(ends))


def channels_of(x: Node, channels: Any) -> Node:
    """x[channels], for a slice without a step."""
    if not isinstance(channels, slice) or channels.step not in (None, 1):
        one = check.shown(channels)
        cure = f"; write x[{channels}:{channels + 1 or ''}]" if isinstance(channels, int) else ""
        raise TypeError(f"{x!r}[{one}]: {RULE}; a node is taken apart by its channels alone, such as x[2:5]{cure}")
    first, stop, _ = channels.indices(x.shape[0])
    if stop <= first:
        raise ValueError(f"x[{channels.start}:{channels.stop}] has no channels, {describe(x)} has {x.shape[0]}")
    return sliced(x, first, stop - first)


# The nodes themselves, named add1, add2, ... unless they are given a name.


def added(a: Node, b: Node, name: str | None = None) -> Node:
    """The node of a sum."""
    one_graph(a, b)
    if a.shape != b.shape:
        raise ValueError(f"a + b must have one shape, got {describe(a)} and {describe(b)}")
    return Node(a.graph, "add", name or a.graph.fresh("add"), a.shape, (a, b))


def multiplied(a: Node, b: Node, name: str | None = None) -> Node:
    """The node of a product; its first input is the one with the larger shape."""
    one_graph(a, b)
    if not repeats((1, *a.shape), (1, *b.shape)):
        a, b = b, a
    if not repeats((1, *a.shape), (1, *b.shape)):
        rule = "a * b must have one shape, or one of them (C, 1, 1), (1, H, W) or (1, 1, 1)"
        raise ValueError(f"{rule}, got {describe(b)} and {describe(a)}")
    return Node(a.graph, "multiply", name or a.graph.fresh("multiply"), a.shape, (a, b))


def matrix_product(a: Node, b: Node, name: str | None = None) -> Node:
    """The node of the products of matrices, one for each image and head."""
    one_graph(a, b)
    if not agree(a.shape, b.shape):
        rule = "a @ b must have the shapes (M, K) and (K, N), or (heads, M, K) and (heads, K, N)"
        raise ValueError(f"{rule}, got {describe(a)} and {describe(b)}")
    shape = (*a.shape[:-1], b.shape[-1])
    check.size(shape, a.graph.dtype)
    return Node(a.graph, "matmul", name or a.graph.fresh("matmul"), shape, (a, b))


def concatenated(*nodes: Node, name: str | None = None) -> Node:
    """The node of a concatenation."""
    first = nodes[0]
    one_graph(*nodes)
    for node in nodes[1:]:
        if node.shape[1:] != first.shape[1:]:
            raise ValueError(f"concat needs equal H and W, got {describe(first)} and {describe(node)}")
    shape = (sum(node.shape[0] for node in nodes), *first.shape[1:])
    check.size(shape, first.graph.dtype)
    return Node(first.graph, "concat", name or first.graph.fresh("concat"), shape, nodes)


def sliced(x: Node, first: int, count: int, name: str | None = None) -> Node:
    """The node of the channels from `first` on."""
    return Node(x.graph, "slice", name or x.graph.fresh("slice"), (count, *x.shape[1:]), (x,), first=first)


JOINTS: dict[str, Callable[..., Node]] = {
    "add": added,
    "multiply": multiplied,
    "matmul": matrix_product,
    "concat": concatenated,
}


def scaled(x: Node, scale: float = 1.0, shift: float = 0.0) -> Node:
    """scale x + shift, by a layer."""
    import sys

    affine: Any = sys.modules["fastconv.layers"].Affine  # layers stand above graphs
    made: Node = affine(scale=scale, shift=shift)(x)
    return made


def is_number(value: object) -> bool:
    """Whether the value is a number, not True or False."""
    return isinstance(value, Real) and not isinstance(value, bool)
