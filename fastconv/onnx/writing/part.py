"""A graph of ONNX that grows, and the part of it that one layer becomes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from onnx import helper, numpy_helper

from ...typing import Array, Shape

__all__ = ["Extents", "Growing", "Part"]

Extents: TypeAlias = Sequence[int | str | None]  # of a value without the batch axis; None or a name where it is free

ATTRIBUTE_AXES = {"ReduceSum": 13, "Squeeze": 13, "Unsqueeze": 13}  # from this opset on axes are an input
OTHER_AXES = 18  # of all other reductions


class Growing:
    """The nodes, initializers and shapes of a graph of ONNX; every value has a name of its own.

    Parameters
    ----------
    opset : int
    batch : int or str
        The first extent of all values: a number, or the name of a free one.
    dtype : numpy.dtype
        Of values and parameters.
    reserved : names
        Of inputs, outputs and parameters, which no other value gets.
    free : bool
        Whether H and W are free.
    """

    def __init__(
        self, opset: int, batch: int | str, dtype: np.dtype[Any], reserved: Iterable[str] = (), free: bool = False
    ) -> None:
        self.opset, self.batch, self.dtype, self.free = opset, batch, dtype, free
        self.nodes: list[Any] = []
        self.initializers: dict[str, Array] = {}
        self.shapes: dict[str, Extents] = {}  # without the batch axis, of the values whose shape is known
        self.names = set(reserved)

    def fresh(self, name: str) -> str:
        """The name, or one with underscores after it that no value has."""
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def add(self, op: str, inputs: Sequence[str], name: str, attributes: Mapping[str, Any]) -> str:
        """A node, called as its one result; the name of this."""
        name = self.fresh(name)
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def initializer(self, name: str, values: Array) -> str:
        """An array under this very name; a layer that is used twice has one."""
        if name not in self.initializers:
            self.initializers[name] = np.asarray(values, self.dtype)
        return name

    def rename(self, old: str, new: str, first: int = 0) -> None:
        """Call a value otherwise, in the nodes from the place `first` on."""
        for node in self.nodes[first:]:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]
            node.name = new if node.name == old else node.name
        if old in self.shapes:
            self.shapes[new] = self.shapes.pop(old)
        self.names = (self.names - {old}) | {new}

    def information(self, name: str, shape: Extents, dtype: DTypeLike | None = None) -> Any:
        """Name, shape with the batch axis, and dtype of a value; a free extent is None, or a name."""
        kind = helper.np_dtype_to_tensor_dtype(self.dtype if dtype is None else np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, [self.batch, *shape])


class Part:
    """What a layer becomes: its translation adds nodes here, and returns the name of the last result.

    Attributes
    ----------
    x : str
        The name of the layer's input.
    x_shape, y_shape : tuple
        Of one image, without the batch axis.
    dtype : numpy.dtype
        Of values and parameters.
    opset : int
        The version of the operators.
    arrays : dict
        name -> array of the layer's parameters and buffers, by its own names, such as "weight".

    Examples
    --------
    The translation of a layer y = x^2::

        def square(layer, part):
            return part.add("Mul", part.x, part.x)
    """

    def __init__(
        self,
        graph: Growing,
        name: str,
        x: str,
        shapes: tuple[Shape, Shape],
        arrays: dict[str, Array],
        owner: str = "",
    ) -> None:
        self.graph, self.name, self.x, (self.x_shape, self.y_shape) = graph, name, x, shapes
        self.dtype, self.opset, self.arrays, self.owner = graph.dtype, graph.opset, arrays, owner
        self.used: dict[str, str] = {}  # of the arrays: own name -> name in the file
        self.signal = False  # whether this is a layer of signals (C, L), translated as one of images (C, 1, L)
        self.unclear = False  # whether the operators alone do not say which layer this is; numbers there are float32
        self.rearranged = False  # whether one of them is stored in another order

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node of ONNX with one result; the name of this. An input "" is left out."""
        self.unclear |= any(isinstance(v, float) and float(str(np.float32(v))) != v for v in attributes.values())
        attributes = {key: of_signal(key, v) if self.signal else v for key, v in attributes.items()}
        return self.graph.add(op, inputs, f"{self.name}.{op.lower()}", attributes)

    def as_images(self) -> None:
        """From here on shapes have the row of images (C, 1, L), which windows and pads that are written leave out."""
        self.signal = self.unclear = True
        self.x_shape, self.y_shape = (
            (shape[0], 1, *shape[1:]) if len(shape) == 2 else shape for shape in (self.x_shape, self.y_shape)
        )

    def pads(self, top: int, left: int, bottom: int, right: int) -> str:
        """The name of the constant that says how much `Pad` adds on each side."""
        return (
            self.integers(0, 0, left, 0, 0, right)
            if self.signal
            else self.integers(0, 0, top, left, 0, 0, bottom, right)
        )

    def constant(self, values: ArrayLike, dtype: DTypeLike | None = None) -> str:
        """The name of a constant, of the network's dtype unless another is given."""
        array = np.asarray(values, self.dtype if dtype is None else dtype)
        return self.graph.add("Constant", [], f"{self.name}.constant", {"value": numpy_helper.from_array(array)})

    def integers(self, *values: int) -> str:
        """The name of a constant vector of integers, such as a shape or axes."""
        return self.constant(values, "int64")

    def parameter(self, key: str, values: Array | None = None) -> str:
        """The name of one of `arrays`, which the file calls as the network does; `values` are stored in its place."""
        name, array = self.used.setdefault(key, f"{self.owner}.{key}"), self.arrays[key]
        if values is not None and not np.array_equal(values.ravel(), array.ravel(), equal_nan=True):
            self.rearranged = True
        return self.graph.initializer(name, array if values is None else values)

    def bias(self) -> tuple[str, ...]:
        """The name of the bias, if there is one."""
        return (self.parameter("bias"),) if "bias" in self.arrays else ()

    def per_channel(self, values: Array) -> Array:
        """Values (C,) as they are broadcast over x: (C, 1, 1) for images."""
        return values.reshape(-1, *(1,) * (len(self.x_shape) - 1))

    def reshape(self, x: str, *shape: int) -> str:
        """x in another shape; 0 keeps an extent, -1 is what remains."""
        return self.add("Reshape", x, self.integers(*shape))

    def like_x(self, y: str) -> str:
        """y, which has as many values, in the shape of x."""
        if not self.graph.free:
            return self.reshape(y, 0, *self.x_shape)
        return self.add("Reshape", y, self.add("Shape", self.x))

    def along(self, op: str, x: str, axes: Sequence[int], **attributes: Any) -> str:
        """An operator with axes, which are an attribute in earlier opsets and an input in later ones."""
        if self.opset < ATTRIBUTE_AXES.get(op, OTHER_AXES):
            return self.add(op, x, axes=list(axes), **attributes)
        return self.add(op, x, self.integers(*axes), **attributes)


def of_signal(key: str, value: Any) -> Any:
    """An attribute of a window (1, k) as that of k; all others as they are."""
    if key == "pads":
        return [value[1], value[3]]
    return value[1:] if key in ("kernel_shape", "strides", "dilations", "output_padding") else value
