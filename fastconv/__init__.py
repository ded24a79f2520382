"""fastconv: convolutional networks for NumPy, forward and backward, on plain arrays.

fastconv.conv2d(x, weight)         functions on arrays (fastconv.ops)
fastconv.Network(model, shape)     models that predict and train
$ fastconv train                   the command line

Networks
    Network                     a model with its arrays: predict, gradients, save, load, freeze, summary, plan, profile
    sequential                  the model that applies layers one after another
    concat                      the channels of several nodes, one after another; their sum is written a + b
    scope                       a prefix for the names of layers
    Node                        a value in a model: what layers are called with
    Layer, Spec, Parameter      a layer of your own: its base, what it declares, a trained array

Training
    fit                         whole runs: epochs of shuffled batches, with a validation
    train_step                  one step on one batch, for loops of your own
    evaluate                    loss and accuracy on other data
    clip_gradients              gradients whose norm is at most a given number

Losses (fastconv.losses)
    CrossEntropy                of classes, from logits
    MSE                         squares of differences

Optimizers (fastconv.optim)
    SGD                         gradient descent, with momentum on request
    Adam, AdamW                 steps scaled by running moments; AdamW decays weights apart from them
    RMSprop                     steps scaled by running squares

Modules
    layers, ops                 all layers, all functions on arrays; both are listed below
    models                      architectures: fastconv.models.resnet18()
    losses, optim               more losses, the bases for losses and optimizers of your own
    data                        images and labels from files
    init                        first values of parameters

Switches
    set_num_threads             how many threads kernels use; get_num_threads tells it
    use_path, use_rewrite       optional paths of convolutions, optional rewrites of plans: on or off
    CheckpointError             what is raised for a file that holds no weights of the network
"""

from . import checkpoint, data, graph, init, layers, losses, models, ops, optim, training
from .arguments.rooms import furnish as _furnish
from .checkpoint import CheckpointError
from .executor.rewrites import use_rewrite
from .graph import Node, concat, scope, sequential
from .kernels.runtime.threads import get_num_threads, set_num_threads
from .layer import Layer, Parameter, Spec
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
    "Parameter",
    "RMSprop",
    "Spec",
    "clip_gradients",
    "concat",
    "data",
    "evaluate",
    "fit",
    "get_num_threads",
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
    "use_rewrite",
]
__all__ += layers.__all__
__all__ += ops.__all__

__doc__ = "\n".join(filter(None, (__doc__, layers.__doc__, ops.__doc__)))  # none of them where Python drops texts

for _room in ("layers", "losses", "models", "ops", "optim", "data"):
    _furnish(f"{__name__}.{_room}")
_rules = "fan_in_uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_normal_out", "he_uniform", "uniform"
_furnish(f"{__name__}.init", "Init", "constant", "normal", "ones", "zeros", *_rules)
_furnish(__name__, *__all__, "__version__")
