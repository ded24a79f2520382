"""The nodes of a network, their names, and its layers: each layer's name and what it declared first."""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..fields import several, structured
from ..layer import Layer, Parameter, Spec, State
from .copying import copied, picklable
from .declarations import checked, differences, no_model
from .joints import JOINTS, sliced
from .node import Node, describe
from .scopes import in_scope


@dataclass
class Owner:
    """A layer in a graph: the prefix of its parameters, its first input and Spec, and how often it is used."""

    name: str
    first: tuple[Node, Spec] | None = None
    uses: int = 1


class Graph:
    """The nodes of one network in the order they were made, which is an order they can run in; and their names."""

    def __init__(self, input_shape: Any, dtype: DTypeLike, precise: bool = False) -> None:
        self.dtype, self.precise = np.dtype(dtype), precise
        self.nodes: list[Node] = []
        self.names: dict[str, Layer] = {}  # owner -> layer
        self.counts: dict[str, int] = {}  # kind, with its scope -> the last number given
        self.layers: dict[int, Owner] = {}  # id of a layer -> its owner
        self.input_shape = input_shape
        shapes = several(input_shape)
        if shapes is None:
            self.inputs = [Node(self, "input", "input", input_shape)]
        else:
            self.inputs = [Node(self, "input", f"input.{name}", shape) for name, shape in shapes.items()]

    @property
    def input(self) -> Any:
        """What a model is called with: a node, or a dict or tuple of nodes."""
        one = several(self.input_shape) is None
        return self.inputs[0] if one else structured(self.input_shape, self.inputs)

    def add(self, node: Node) -> int:
        """Appends a node; its index."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def fresh(self, kind: str) -> str:
        """<kind><n> in the current scope, n counted from 1."""
        while True:
            key = in_scope(kind)
            self.counts[key] = self.counts.get(key, 0) + 1
            name = f"{key}{self.counts[key]}"
            if name not in self.names:
                return name

    def apply(self, layer: Layer, x: Node) -> Node:
        """The node of a layer that reads x, with a new name."""
        return self.use(layer, x, *self.name_of(layer))

    def use(self, layer: Layer, x: Node, owner: str, name: str) -> Node:
        """The node of a layer that reads x, named; ValueError if the layer needs other parameters than before."""
        with reading(name, layer, x):
            spec = declaration(layer, x)
        entry = self.layers[id(layer)]
        entry.first = entry.first or (x, spec)
        source, first = entry.first
        other = differences(Spec((), spec.params, spec.state), Spec((), first.params, first.state))
        if other:
            raise ValueError(
                f"{name} reading {describe(x)} would need {'; '.join(other)} as made for {describe(source)}; "
                "use a layer of its own for each shape"
            )
        vars(layer)["_used"] = True
        return Node(self, "layer", name, spec.y_shape, (x,), layer, spec, owner)

    def name_of(self, layer: Layer) -> tuple[str, str]:
        """The prefix of the layer's parameters, and the name of this use of it."""
        if id(layer) in self.layers:
            entry = self.layers[id(layer)]
            entry.uses += 1
            return entry.name, f"{entry.name}#{entry.uses}"
        name = self.fresh(layer.kind) if layer.name is None else in_scope(layer.name)
        if name in self.names:
            raise ValueError(f"two layers are named {name!r}: {self.names[name]!r} and {layer!r}")
        self.names[name] = layer  # keeps the object alive, so its id stays its own
        self.layers[id(layer)] = Owner(name)
        return name, name

    # Copies: nodes are stored as a flat list, so that a long chain needs no deep recursion.

    def __getstate__(self) -> tuple[Any, ...]:
        unchanged(self.nodes)
        uses = {owner: self.layers[id(layer)].uses for owner, layer in self.names.items()}
        made = self.nodes[len(self.inputs) :]
        nodes = [(n.kind, n.name, [x.index for x in n.inputs], n.owner, n.first, n.shape[0]) for n in made]
        return self.input_shape, self.dtype.name, self.precise, self.names, uses, self.counts, nodes

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, precise, names, uses, counts, nodes = state
        Graph.__init__(self, shape, dtype, precise)
        self.names, self.counts = dict(names), dict(counts)
        self.layers = {id(layer): Owner(owner, None, uses[owner]) for owner, layer in names.items()}
        for kind, name, inputs, owner, *channels in nodes:  # pickles from before there were slices have no channels
            sources = [self.nodes[index] for index in inputs]
            if kind == "layer":
                self.use(self.names[owner], sources[0], owner, name)
            elif kind == "slice":
                first, count = channels
                sliced(sources[0], first, count, name)
            else:
                JOINTS[kind](*sources, name=name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        for owner, layer in self.names.items():
            picklable(layer, owner, protocol)
        return super().__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.with_layers(partial(copied, memo=memo), memo)

    def __copy__(self) -> Self:
        """The same nodes with copies of the layers, which later changes of the layers do not affect."""
        return self.with_layers(lambda layer, owner: copy.copy(layer))

    def with_layers(
        self, change: Callable[[Layer, str], Layer], memo: dict[int, Any] | None = None, dtype: str | None = None
    ) -> Self:
        """The same nodes with ``change(layer, owner)`` in place of each layer, of another dtype if one is given."""
        new = type(self).__new__(type(self))
        if memo is not None:
            memo[id(self)] = new
        shape, own, precise, names, *rest = self.__getstate__()
        layers = {owner: change(layer, owner) for owner, layer in names.items()}
        new.__setstate__((shape, dtype or own, precise, layers, *rest))
        return new


def declaration(layer: Layer, x: Node) -> Spec:
    """The Spec that the layer declares for x, checked."""
    no_model(layer)
    return checked(layer.spec(x.shape, x.graph.dtype), x.graph.dtype)


def unchanged(nodes: Iterable[Node]) -> None:
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
def reading(name: str, layer: Layer, x: Node) -> Iterator[None]:
    """Adds the layer's name and its input to the errors of a layer."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise type(error)(f"{name} ({type(layer).__name__}) reading {describe(x)}: {error}") from None


def ancestors(output: Node, *others: Node) -> list[Node]:
    """The nodes that these depend on and they themselves, and all inputs, in an order they can run in."""
    open_nodes = [output, *others]
    wanted = {node.index for node in (*open_nodes, *output.graph.inputs)}
    while open_nodes:
        for node in open_nodes.pop().inputs:
            if node.index not in wanted:
                wanted.add(node.index)
                open_nodes.append(node)
    return [node for node in output.graph.nodes if node.index in wanted]


def nodes_of(output: Any) -> tuple[Node, ...]:
    """The output nodes of a model: the only one, or those in a dict or tuple."""
    return (output,) if isinstance(output, Node) else tuple((several(output) or {}).values())


def declared(nodes: Iterable[Node]) -> tuple[dict[str, Parameter], dict[str, State]]:
    """All parameters and states, by full name, in the order of the model."""
    params: dict[str, Parameter] = {}
    states: dict[str, State] = {}
    for node in nodes:
        if node.spec:
            params.update({f"{node.owner}.{name}": p for name, p in node.spec.params.items()})
            states.update({f"{node.owner}.{name}": s for name, s in node.spec.state.items()})
    return params, states
