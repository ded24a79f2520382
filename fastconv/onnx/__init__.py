"""Networks from files of ONNX, which predict and train on; and networks as such files, for other programs.

load("resnet.onnx")                          a network, ready to predict
load("any.onnx", input_shape=(3, 96, 128))   where H and W are free
read("any.onnx").network((3, 96, 128))       one network for each size,
                                             which share their arrays
save(network, "my.onnx")                     a network as a file
Part                                         for translations of layers
                                             of your own
OnnxError                                    what a file or a network may
                                             be refused with
"""

from ..system.extras import needed

needed("onnx", "fastconv.onnx", "onnx")

from .errors import OnnxError  # noqa: E402
from .reading import Model, load, read  # noqa: E402
from .writing import Part, save  # noqa: E402

__all__ = ["Model", "OnnxError", "Part", "load", "read", "save"]
