"""A file that was read (`Model`), and its networks, which share their arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import Network, Node
from ...ops import check
from ...typing import Shape
from ..errors import OnnxError
from .parsed import Input, Parsed
from .translation import Translation, translated

__all__ = ["LoadedNetwork", "Model"]


class LoadedNetwork(Network):
    """A `Network` from a file of ONNX.

    Attributes
    ----------
    initializers : mapping
        Name of a parameter or buffer -> name of its array in the file.
    """

    initializers: Mapping[str, str]

    def __init__(self, model: Any, input_shape: Shape, dtype: DTypeLike, first: "LoadedNetwork | None") -> None:
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
        return {**super().__getstate__(), "_first": None}


class Model:
    """A file of ONNX that was read: ``network(input_shape)`` gives its networks.

    Attributes
    ----------
    inputs : tuple
        Name and shape of each input, with None for extents that the file leaves free.
    outputs : tuple of str
        The names of the outputs.
    """

    def __init__(self, graph: Parsed, name: str, dtype: DTypeLike) -> None:
        self._graph, self._name, self._dtype = graph, name, np.dtype(dtype)
        if self._dtype not in check.DTYPES:
            raise TypeError(f"dtype must be float32 or float64, got {self._dtype}")
        self._networks: dict[Shape, LoadedNetwork] = {}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Name and shape of each input."""
        return self._graph.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return self._graph.outputs

    def network(self, input_shape: int | Sequence[int] | None = None) -> Network:
        """The network for images of this shape; all networks of the file share their parameters and buffers.

        Parameters
        ----------
        input_shape : (C, H, W), (C, L) or (features,), optional
            Without the batch axis; needed where the file leaves it free.

        Returns
        -------
        Network
            The same one for the same shape.

        Raises
        ------
        OnnxError
            If the shape does not fit the file; if the file holds what fastconv does not compute.
        """
        shape = shape_for(self._graph, input_shape, self._name)
        if shape not in self._networks:
            self._networks[shape] = self._built(shape)
        return self._networks[shape]

    def _built(self, shape: Shape) -> LoadedNetwork:
        """A new network."""
        done: list[Translation] = []
        (one,), (output,) = self._graph.inputs, self._graph.outputs
        batch = one.shape[0] if one.shape else None

        def model(x: Node) -> Node:
            done.append(translated(self._graph, {one.name: x}, batch, self._name))
            return done[0].output(output)

        first = next(iter(self._networks.values()), None)
        network = LoadedNetwork(model, shape, self._dtype, first)
        if first is None:
            arrays = {**network.parameters, **network.buffers}
            for name in arrays.keys() & done[0].trained.keys():
                arrays[name][...] = done[0].trained[name]
        network.initializers = {n: o for n, o in done[0].origins.items() if n in network.arrays()}
        return network


def shape_for(graph: Parsed, given: int | Sequence[int] | None, name: str) -> Shape:
    """The shape of one image: what the file fixes, and where it leaves extents free what is given."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise OnnxError(f"{name} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each")
    (one,) = graph.inputs
    fixed = None if one.shape is None else one.shape[1:]
    if given is None:
        if fixed is None or None in fixed:
            raise OnnxError(
                f"the input {one} of {name} has free extents; write input_shape=..., without the batch axis"
            )
        return tuple(n for n in fixed if n is not None)
    shape = (given,) if isinstance(given, int) else tuple(check.integer(n, "input_shape", 1) for n in given)
    if fixed is not None and (
        len(fixed) != len(shape) or any(n not in (None, m) for n, m in zip(fixed, shape, strict=True))
    ):
        raise OnnxError(f"input_shape must fit the input {one} of {name}, got {shape}, which is without the batch axis")
    return shape
