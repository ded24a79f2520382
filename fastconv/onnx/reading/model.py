"""A file that was read (`Model`), and its networks, which share their arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ... import Network, Node
from ...ops import check
from ...typing import Shape
from ..errors import OnnxError
from .parsed import Input, Parsed
from .translation import Translation, translated

__all__ = ["Head", "LoadedNetwork", "Model"]

Head: TypeAlias = Callable[[Any], Any]  # a layer, or a function Node -> Node


class LoadedNetwork(Network):
    """A `Network` from a file of ONNX.

    Attributes
    ----------
    initializers : mapping
        Name of a parameter or buffer -> name of its array in the file.
    """

    initializers: Mapping[str, str]
    _first: "LoadedNetwork | None" = None  # whose arrays it shares; a copy has its own

    def __init__(self, model: Any, input_shape: Any, dtype: DTypeLike, first: "LoadedNetwork | None") -> None:
        self._first = first
        super().__init__(model, input_shape, dtype, seed=0)

    def assemble(self, output: Any, recompute: bool) -> None:
        """As in a network of its own, but with the arrays of the first network of the file."""
        super().assemble(output, recompute)
        if self._first is not None:
            parameters, buffers = self._first.parameters, self._first.buffers
            executor = type(self.executor)(output, parameters, buffers, recompute)
            vars(self).update(parameters=parameters, buffers=buffers, executor=executor)

    def initialise(self, *rules: Any) -> None:
        """The first values are written by the first network of the file."""
        if self._first is None:
            super().initialise(*rules)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_first"}


class Model:
    """A file of ONNX that was read: ``network(input_shape)`` gives its networks.

    Attributes
    ----------
    inputs : tuple
        Name and shape of each input, with None for extents that the file leaves free.
    outputs : tuple of str
        The names of the outputs.
    metadata : dict
        What the file says about itself, texts by their names.
    reads_bytes : bool
        Whether it takes images of bytes, uint8, whose preprocessing it holds; its networks take the same numbers as
        floats from 0 to 255.
    """

    def __init__(self, graph: Parsed, name: str, dtype: DTypeLike) -> None:
        self._graph, self._name, self._dtype = graph, name, np.dtype(dtype)
        if self._dtype not in check.DTYPES:
            raise TypeError(f"dtype must be float32 or float64, got {self._dtype}")
        self._networks: dict[tuple[Shape, ...], LoadedNetwork] = {}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Name and shape of each input."""
        return self._graph.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return self._graph.outputs

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself."""
        return dict(self._graph.metadata)

    @property
    def reads_bytes(self) -> bool:
        """Whether the file takes bytes; the network takes them as floats."""
        return any(each.bytes for each in self._graph.inputs)

    def network(
        self, input_shape: int | Sequence[int] | Mapping[str, Any] | None = None, head: Head | None = None
    ) -> Network:
        """The network for images of this shape; all networks of the file share their parameters and buffers.

        Parameters
        ----------
        input_shape : (C, H, W), (C, L) or (features,), optional
            Without the batch axis; needed where the file leaves it free. For several inputs a dict name -> shape.
        head : layer or function Node -> Node, optional
            As for `load`.

        Returns
        -------
        Network
            The same one for the same shape; with a head always a new one, with arrays of its own.

        Raises
        ------
        OnnxError
            If the shape does not fit the file; if the file holds what fastconv does not compute.
        """
        shapes = shapes_for(self._graph, input_shape, self._name)
        if head is not None:
            return self._built(shapes, head, None)
        key = tuple(shapes.values())
        if key not in self._networks:
            self._networks[key] = self._built(shapes, None, next(iter(self._networks.values()), None))
        return self._networks[key]

    def _built(self, shapes: dict[str, Shape], head: Head | None, first: LoadedNetwork | None) -> LoadedNetwork:
        """A new network, which has the arrays of the first, if there is one."""
        done: list[Translation] = []
        graph, lone = self._graph, len(shapes) == 1
        batch = graph.inputs[0].shape[0] if graph.inputs[0].shape else None

        def model(x: Any) -> Any:
            made = translated(graph, {name: x if lone else x[name] for name in shapes}, batch, self._name)
            done.append(made)
            found = {name: made.output(name) for name in graph.outputs}
            if head is not None:
                return with_head(head, found, self._name)
            return found if len(found) > 1 else found[graph.outputs[0]]

        try:
            network = LoadedNetwork(model, next(iter(shapes.values())) if lone else shapes, self._dtype, first)
        except OnnxError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise OnnxError(f"{self._name} makes no network: {error}") from error
        if first is None:
            arrays = network.arrays()
            for name in arrays.keys() & done[0].trained.keys():
                arrays[name][...] = done[0].trained[name]
        network.initializers = {name: origin for name, origin in done[0].origins.items() if name in network.arrays()}
        return network


def with_head(head: Head, outputs: Mapping[str, Node], name: str) -> Any:
    """The head on what the last layer with a matrix or filters reads; OnnxError where there is no single such layer."""
    if not callable(head):
        raise TypeError(f"head must be a layer, or a function Node -> Node, got {check.shown(head)}")
    if len(outputs) > 1:
        raise OnnxError(f"head takes the place of the end of one output, and {name} has {list(outputs)}")
    (node,) = outputs.values()
    while node.layer is None or not any(len(each.shape) > 1 for each in node.spec.params.values()):
        if len(node.inputs) != 1:
            raise OnnxError(f"head takes the place of the last layer with weights; {name} ends with {node} instead")
        (node,) = node.inputs
    return head(node.inputs[0])


def shapes_for(graph: Parsed, given: Any, name: str) -> dict[str, Shape]:
    """The shape of one image for each input: what the file fixes, and where it leaves extents free what is given."""
    names = [one.name for one in graph.inputs]
    if isinstance(given, Mapping):
        if not given.keys() <= set(names):
            raise OnnxError(f"the inputs of {name} are {names}, got input_shape of {sorted(map(str, given))}")
        wanted = dict(given)
    elif given is not None and len(names) > 1:
        raise OnnxError(f"{name} has the inputs {names}; write input_shape={{name: shape, ...}}")
    else:
        wanted = {names[0]: given}
    return {one.name: shape_for(one, wanted.get(one.name), name) for one in graph.inputs}


def shape_for(one: Input, given: Any, name: str) -> Shape:
    """The shape of one image for this input."""
    fixed = None if one.shape is None else one.shape[1:]
    if given is None:
        if fixed is None or None in fixed:
            raise OnnxError(f"the input {one} of {name} has free extents; write input_shape=, without the batch axis")
        return tuple(n for n in fixed if n is not None)
    shape = (given,) if isinstance(given, int) else tuple(check.integer(n, "input_shape", 1) for n in given)
    if fixed is not None and (
        len(fixed) != len(shape) or any(n not in (None, m) for n, m in zip(fixed, shape, strict=True))
    ):
        raise OnnxError(f"input_shape must fit the input {one} of {name}, got {shape}, which is without the batch axis")
    return shape
