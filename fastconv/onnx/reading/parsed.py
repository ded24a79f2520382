"""The graph of a file in plain Python: operations in an order in which they can run, arrays, inputs and outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from ...typing import Array
from .. import records
from ..errors import OnnxError
from .tensors import array_of

__all__ = ["Input", "Operation", "Parsed", "parsed"]

DOMAINS = ("", "ai.onnx")  # two names of the standard operators
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
BYTES = TensorProto.UINT8  # of an input that is cast to floats first: read as those floats, from 0 to 255
OLDEST = 7  # opset; before it, broadcasting and batch normalization were others


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation: what it is called, what it reads and gives (by name), and its attributes."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How messages call it."""
        name = self.name or next(filter(None, self.outputs), "")
        return f"{self.kind} {name[:80]!r}"


@dataclass(frozen=True)
class Input:
    """An input: its name, the extents that the file gives it (None: free), or None where it gives no shape, and
    whether it is one of bytes.
    """

    name: str
    shape: tuple[int | None, ...] | None
    bytes: bool = False

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name!r} of no given shape"
        return f"{self.name!r} ({', '.join('free' if n is None else str(n) for n in self.shape)})"


@dataclass(frozen=True)
class Parsed:
    """A graph: only the operations that the outputs need."""

    opset: int
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    arrays: Mapping[str, Array]
    operations: tuple[Operation, ...]
    readers: Mapping[str, list[Operation | None]]  # name of a value -> what reads it; None: it is an output
    makers: Mapping[str, Operation]  # name of a value -> what makes it
    metadata: Mapping[str, str] = field(default_factory=dict)


def parsed(model: Any) -> Parsed:
    """The graph of a ModelProto."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opset = next((opsets[domain] for domain in DOMAINS if domain in opsets), None)
    if opset is None or opset < OLDEST:
        raise OnnxError(f"the model is of opset {opset or 'unknown'}; fastconv reads {OLDEST} and later")
    graph = model.graph
    if graph.sparse_initializer:
        raise OnnxError("the model has sparse initializers, which fastconv does not read")
    arrays = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    inputs = tuple(input_of(value) for value in graph.input if value.name not in arrays)
    outputs = tuple(value.name for value in graph.output)
    if not inputs or not outputs:
        raise OnnxError(f"the model has no {'output' if inputs else 'input'}")
    known = {*arrays, *(each.name for each in inputs)}
    made = known | {name for node in graph.node for name in node.output}
    operations = [recorded(node, made) or operation_of(node) for node in graph.node]
    order = as_in_file(operations, needed(operations, outputs, known), known)
    readers: dict[str, list[Operation | None]] = {}
    for operation in order:
        for name in operation.inputs:
            readers.setdefault(name, []).append(operation)
    for name in outputs:
        readers.setdefault(name, []).append(None)
    check_bytes(inputs, readers)
    makers = {name: operation for operation in order for name in operation.outputs}
    metadata = {str(entry.key): str(entry.value) for entry in model.metadata_props}  # what is no UTF-8 comes as bytes
    return Parsed(opset, inputs, outputs, arrays, tuple(order), readers, makers, metadata)


def check_bytes(inputs: Iterable[Input], readers: Mapping[str, list[Operation | None]]) -> None:
    """OnnxError for an input of bytes that is computed with before it is cast to floats."""
    for each in inputs:
        casts = [one for one in readers.get(each.name, []) if one and one.kind == "Cast"]
        floats = all(cast.attributes.get("to") in FLOATS for cast in casts)
        if each.bytes and not (floats and len(casts) == len(readers.get(each.name, []))):
            raise OnnxError(f"the input {each.name[:80]!r} must be an array of floats, or of bytes that become floats")


def input_of(value: Any) -> Input:
    """Name and shape of an input; OnnxError where it is no array of floats."""
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or kind.elem_type not in (*FLOATS, BYTES):
        raise OnnxError(f"the input {value.name[:80]!r} must be an array of floats, or of bytes that become floats")
    of_bytes = kind.elem_type == BYTES
    if not kind.HasField("shape"):
        return Input(value.name, None, of_bytes)
    shape = [each.dim_value if each.HasField("dim_value") else None for each in kind.shape.dim]
    if 0 in shape[1:]:  # as the number of images some exporters write it for a free one
        shown = ", ".join("free" if n is None else str(n) for n in shape)
        raise OnnxError(f"the input {value.name[:80]!r} ({shown}) has an extent of 0: there are no images of that size")
    return Input(value.name, tuple(None if n is not None and n <= 0 else n for n in shape), of_bytes)


def recorded(node: Any, known: set[str]) -> Operation | None:
    """The layer of fastconv that the node ends; None where it ends none, or where another program changed the names."""
    text = next((each.value for each in getattr(node, "metadata_props", ()) if each.key == records.KEY), None)
    record = None if text is None else records.read(text)
    if record is None or len(node.output) != 1 or not {record.reads, *record.arrays.values()} <= known:
        return None
    inputs = (record.reads, *record.arrays.values())
    return Operation(node.name, "fastconv", inputs, tuple(node.output), {"record": record})


def operation_of(node: Any) -> Operation:
    """A NodeProto in plain Python; arrays among its attributes are converted."""
    kind = node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"
    attributes: dict[str, Any] = {}
    for each in node.attribute:
        try:
            value = helper.get_attribute_value(each)
        except ValueError:
            raise OnnxError(f"the attribute {each.name[:80]!r} of {kind} {node.name[:80]!r} has no value") from None
        if isinstance(value, float):
            value = float(str(np.float32(value)))  # 1e-5, not the float32 nearest to it
        attributes[each.name] = array_of(value) if isinstance(value, TensorProto) else value
    return Operation(node.name, kind[:80], tuple(node.input), tuple(node.output), attributes)


def needed(operations: list[Operation], outputs: Iterable[str], known: set[str]) -> list[Operation]:
    """The operations that the outputs depend on, each after those that it reads; OnnxError for cycles and gaps."""
    makers: dict[str, Operation] = {}
    for operation in operations:
        for name in filter(None, operation.outputs):
            if name in makers or name in known:
                raise OnnxError(f"{name[:80]!r} is made twice")
            makers[name] = operation
    order: list[Operation] = []
    state: dict[int, bool] = {}  # of an operation: False while what it reads is looked for, then True
    stack = [(makers[name], False) for name in reversed(list(outputs)) if name in makers]
    for name in outputs:
        if name not in makers and name not in known:
            raise OnnxError(f"nothing makes the output {name[:80]!r}")
    while stack:
        operation, ready = stack.pop()
        if ready:
            state[id(operation)] = True
            order.append(operation)
        elif id(operation) not in state:
            state[id(operation)] = False
            stack.append((operation, True))
            for name in reversed([name for name in operation.inputs if name and name not in known]):
                if name not in makers:
                    raise OnnxError(f"nothing makes {name[:80]!r}, which {operation.title} reads")
                if state.get(id(makers[name])) is False:
                    raise OnnxError(f"{operation.title} reads {name[:80]!r}, which depends on its own result")
                stack.append((makers[name], False))
    return order


def as_in_file(operations: list[Operation], order: list[Operation], known: set[str]) -> list[Operation]:
    """The operations of `order` as the file has them, where they can run so: sums and fusions are then the same."""
    wanted = {id(operation) for operation in order}
    found = [operation for operation in operations if id(operation) in wanted]
    made = {"", *known}
    for operation in found:
        if not made.issuperset(operation.inputs):
            return order
        made.update(operation.outputs)
    return found
