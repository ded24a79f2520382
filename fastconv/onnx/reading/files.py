"""Files of ONNX: their bytes as a ModelProto, and the arrays that lie beside them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto

from ...system.files import AnyPath
from ..errors import OnnxError
from .tensors import bits_of, described

__all__ = ["model_of"]


def model_of(source: AnyPath | bytes) -> tuple[Any, str]:
    """(ModelProto with all its arrays in it, what messages call it); `source`: a path, or the bytes of a file."""
    if isinstance(source, bytes | bytearray | memoryview):
        data, name, folder = bytes(source), "the model", None
    elif isinstance(source, str | os.PathLike):
        path = Path(os.fsdecode(os.fspath(source)))
        if not path.is_file() and path.exists():
            raise OnnxError(f"{path} is no file")
        data, name, folder = path.read_bytes(), str(path), path.parent
    else:
        raise TypeError(f"source must be a path or the bytes of a file, got {type(source).__name__}")
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        raise OnnxError(f"{name} is no file of ONNX: {error}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise OnnxError(f"{name} is no file of ONNX: it has no {'opset' if model.HasField('graph') else 'graph'}")
    for tensor in outside(model):
        read_beside(tensor, folder)
    return model, name


def outside(model: Any) -> Iterator[Any]:
    """The arrays of the graph that lie in other files."""
    constants = (each.t for node in model.graph.node for each in node.attribute if each.HasField("t"))
    for tensor in (*model.graph.initializer, *constants):
        if tensor.data_location == TensorProto.EXTERNAL:
            yield tensor


def read_beside(tensor: Any, folder: Path | None) -> None:
    """Reads the data of an array from the file that it names, which must lie in the folder of the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    size = -(-bits_of(tensor) // 8)
    path = beside(entries.get("location", ""), tensor, folder)
    try:
        offset, length = (int(entries.get(key, default)) for key, default in (("offset", 0), ("length", size)))
    except ValueError:
        raise OnnxError(f"the place of {described(tensor)} in {path.name} is not given in numbers") from None
    available = path.stat().st_size
    if length != size or offset < 0 or offset + length > available:
        raise OnnxError(
            f"{described(tensor)} of shape {tuple(tensor.dims)} takes {size:,} bytes, but the file says {length:,} "
            f"from byte {offset:,} of {path.name}, which has {available:,}"
        )
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    if len(data) != length:
        raise OnnxError(f"{path.name} ends before {described(tensor)} does")
    tensor.raw_data = data
    tensor.data_location = TensorProto.DEFAULT


def beside(location: str, tensor: Any, folder: Path | None) -> Path:
    """The file at this place in the folder of the model; OnnxError where it leads out of it, or is no file."""
    where = f"the data of {described(tensor)} lie in the file {location[:200]!r}"
    if folder is None:
        raise OnnxError(f"{where} beside the model: give a path, not bytes")
    if not location or not isinstance(location, str) or "\0" in location:  # bytes: it is no UTF-8
        raise OnnxError(f"{where}: that is no name of a file")
    inside, path = folder.resolve(), Path(location)
    try:
        found = (inside / path).resolve()
        if path.is_absolute() or not found.is_relative_to(inside):
            raise OnnxError(f"{where}, which is not in the folder of the model")
        if not found.is_file():
            raise OnnxError(f"{where}, which is not there")
    except OSError as error:
        raise OnnxError(f"{where}, which cannot be read: {error.strerror}") from None
    return found
