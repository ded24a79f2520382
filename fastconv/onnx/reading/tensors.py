"""One array of a file: its declared size is compared with what the file holds before anything is allocated."""

from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ...typing import Array
from ..errors import OnnxError

__all__ = ["array_of", "bits_of", "described"]

BITS = {  # of one element in `raw_data`
    **dict.fromkeys((TensorProto.FLOAT, TensorProto.INT32, TensorProto.UINT32), 32),
    **dict.fromkeys((TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT64), 64),
    **dict.fromkeys((TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT16, TensorProto.UINT16), 16),
    **dict.fromkeys((TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL), 8),
    **dict.fromkeys((TensorProto.INT4, TensorProto.UINT4), 4),
}
WIDER = {TensorProto.BFLOAT16: np.float32, TensorProto.INT4: np.int8, TensorProto.UINT4: np.uint8}
MOST_AXES = 32


def described(tensor: Any) -> str:
    """The name of an array for messages, cut where a stranger's file makes it long."""
    return repr(tensor.name[:80]) if tensor.name else "an array without a name"


def bits_of(tensor: Any) -> int:
    """The bits of all elements together; OnnxError for an element type that is no number, and for impossible axes."""
    if tensor.data_type not in BITS:
        names = {number: name for name, number in TensorProto.DataType.items()}
        what = names.get(tensor.data_type, f"type {tensor.data_type}")
        raise OnnxError(f"the elements of {described(tensor)} are {what}, not numbers that fastconv reads")
    if any(n < 0 for n in tensor.dims) or len(tensor.dims) > MOST_AXES:
        raise OnnxError(f"{described(tensor)} has the impossible shape {tuple(tensor.dims)[:8]}")
    return prod(map(int, tensor.dims)) * BITS[tensor.data_type]


def array_of(tensor: Any) -> Array:
    """The array of a TensorProto whose data are in it; bfloat16 and integers of 4 bits become wider."""
    bits = bits_of(tensor)
    if tensor.HasField("segment"):
        raise OnnxError(f"{described(tensor)} is stored in segments, which ONNX no longer has")
    if tensor.HasField("raw_data"):
        held, needs = len(tensor.raw_data), -(-bits // 8)
        unit = "bytes"
    else:
        field = getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type))
        held, needs = len(field), prod(tensor.dims)
        if BITS[tensor.data_type] == 4:
            needs = -(-needs // 2)
        unit = "values"
    if held != needs:
        raise OnnxError(
            f"{described(tensor)} of shape {tuple(tensor.dims)} must hold {needs:,} {unit}, it has {held:,}"
        )
    array = np.asarray(numpy_helper.to_array(tensor))
    wider = WIDER.get(tensor.data_type)
    return array if wider is None else array.astype(wider)
