"""fastconv: convolutional networks for NumPy, forward and backward, on plain arrays.

fastconv.conv2d(x, weight)         functions on arrays (fastconv.ops)
fastconv.Network(model, shape)     models that predict and train
$ fastconv train                   the command line
"""

from . import checkpoint, data, graph, init, layers, losses, models, ops, optim, training
from .checkpoint import CheckpointError
from .executor.rewrites import use_rewrite
from .graph import Node, concat, scope, sequential
from .kernels.runtime.threads import get_num_threads, set_num_threads
from .layer import Layer, Spec
from .layers import *
from .losses import MSE, CrossEntropy
from .network import Network
from .ops import *
from .optim import SGD, Adam, AdamW, RMSprop, clip_gradients
from .training import evaluate, fit, train_step

__version__ = "0.1.0"

__all__ = [
    "MSE",
    "SGD",
    "Adam",
    "AdamW",
    "CheckpointError",
    "CrossEntropy",
    "Layer",
    "Network",
    "Node",
    "RMSprop",
    "Spec",
    "checkpoint",
    "clip_gradients",
    "concat",
    "data",
    "evaluate",
    "fit",
    "get_num_threads",
    "graph",
    "init",
    "layers",
    "losses",
    "models",
    "ops",
    "optim",
    "scope",
    "sequential",
    "set_num_threads",
    "train_step",
    "training",
    "use_rewrite",
]
__all__ += layers.__all__
__all__ += ops.__all__


def __dir__() -> list[str]:
    """What people use: modules that only the library itself uses are not listed."""
    return sorted([*__all__, "__version__"])
