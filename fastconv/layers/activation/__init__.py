"""The activations, one family of `fastconv.ops.activation` per file."""

from .elu import CELU, ELU, SELU
from .hard import HardSigmoid, HardSwish, Hardtanh
from .prelu import PReLU
from .rectifier import LeakyReLU, ReLU, ReLU6
from .sigmoid import Sigmoid, Softsign, Tanh
from .smooth import GELU, SiLU
from .softmax import LogSoftmax, Softmax
from .softplus import LogSigmoid, Mish, Softplus
from .threshold import Threshold

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "HardSigmoid",
    "HardSwish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "Threshold",
]
