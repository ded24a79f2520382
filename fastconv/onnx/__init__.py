"""Networks from files of ONNX: they predict, and train on.

load("resnet.onnx")                          a network, ready to predict
load("any.onnx", input_shape=(3, 96, 128))   where H and W are free
read("any.onnx").network((3, 96, 128))       one network for each size,
                                             which share their arrays
OnnxError                                    what a file may be refused with
"""

from ..system.extras import needed

needed("onnx", "fastconv.onnx", "onnx")

from .errors import OnnxError  # noqa: E402
from .reading import Model, load, read  # noqa: E402

__all__ = ["Model", "OnnxError", "load", "read"]
