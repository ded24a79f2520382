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
    *("checkpoint", "data", "graph", "init", "layers", "losses", "models", "ops", "optim", "training"),
    *("CheckpointError", "Layer", "Network", "Node", "Spec", "concat", "scope", "sequential"),
    *("CrossEntropy", "MSE", "SGD", "Adam", "AdamW", "RMSprop", "clip_gradients"),
    *("evaluate", "fit", "train_step"),
    *("get_num_threads", "set_num_threads", "use_rewrite"),
    *layers.__all__,
    *ops.__all__,
]


def __dir__() -> list[str]:
    """What people use: rooms that only the library itself enters are not listed."""
    return sorted([*__all__, "__version__"])
