"""The activations, one family of `fastconv.ops.activation` per file."""

from .elu import ELU
from .hard import HardSigmoid, HardSwish
from .prelu import PReLU
from .rectifier import LeakyReLU, ReLU, ReLU6
from .sigmoid import Sigmoid, Tanh
from .smooth import GELU, SiLU, Softplus
from .softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "HardSigmoid",
    "HardSwish",
    "LeakyReLU",
    "LogSoftmax",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
