"""From files of ONNX to networks.

files        bytes -> protobuf; arrays beside the file
tensors      one array of a file, its size checked first
parsed       protobuf -> operations in an order in which they can run
translation  operations -> nodes of fastconv, by the tables of `operators`
constants    what only constants feed is computed at once, with NumPy
model        networks of one file, for one size or several
"""

from .load import load, read
from .model import Model

__all__ = ["Model", "load", "read"]
