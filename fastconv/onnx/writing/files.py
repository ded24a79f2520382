"""A model as one file, or as a file and another with its arrays beside it."""

import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper

from ...system.replace import check_target, replacing
from ...typing import Array
from ..errors import OnnxError

__all__ = ["MOST_BYTES", "check_model", "write"]

MOST_BYTES = 2**31 - 2**20  # of one file: what protobuf holds, less what is beside the arrays
PAGE = 4096  # arrays begin at multiples of it, so that other programs can map them


def check_model(model: Any, arrays: Mapping[str, Array]) -> None:
    """OnnxError with what onnx's full check finds wrong; it sees the arrays as inputs of their shapes."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for name, array in arrays.items():
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        bare.graph.input.append(helper.make_tensor_value_info(name, kind, array.shape))
    try:
        onnx.checker.check_model(bare, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise OnnxError(
            f"onnx finds that the graph is no valid one of opset {model.opset_import[0].version}: {error}"
        ) from error


def write(path: str, model: Any, arrays: Mapping[str, Array], external: bool | None) -> None:
    """Write the model; `external`: whether the arrays lie in another file, None: where one file cannot hold them."""
    size = sum(array.nbytes for array in arrays.values())
    if external is False and size > MOST_BYTES:
        rule = "the arrays must be less than 2 GB for external_data=False, which is what one file of ONNX holds"
        raise OnnxError(f"{rule}, got {size:,} bytes; leave it out")
    if not external and size <= MOST_BYTES:
        for name, array in arrays.items():  # each is copied once
            described(model, name, array).raw_data = little_endian(array).tobytes()
        with replacing(path, OnnxError) as file:
            file.write(model.SerializeToString())
        return
    beside = check_target(f"{path}.data", OnnxError)
    place = 0
    for name, array in arrays.items():
        tensor, place = described(model, name, array), place + -place % PAGE
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": os.path.basename(beside), "offset": place, "length": array.nbytes}.items():
            tensor.external_data.add(key=key, value=str(value))
        place += array.nbytes
    with replacing(path, OnnxError) as file:
        file.write(model.SerializeToString())
        with replacing(beside, OnnxError) as data:  # both are whole before the first takes its place
            write_arrays(data, arrays)


def described(model: Any, name: str, array: Array) -> Any:
    """A new TensorProto of the model, without its values."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return model.graph.initializer.add(name=name, data_type=kind, dims=array.shape)


def little_endian(array: Array) -> Array:
    """The array as files have it."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def write_arrays(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """One array after another, each at the beginning of a page."""
    for array in arrays.values():
        file.write(bytes(-file.tell() % PAGE))
        file.write(little_endian(array).reshape(-1).view(np.uint8).data)
