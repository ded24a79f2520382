"""Convolutional networks for NumPy arrays: prediction, gradients, training.

fastconv.conv2d(x, weight)         functions on arrays (fastconv.ops)
fastconv.Network(model, shape)     models that predict and train
$ fastconv train                   the command line

Networks
    Network                     a model with its arrays: predict, gradients,
                                save, load, freeze, summary, plan, profile
    sequential                  layers one after another
    concat                      the channels of several nodes side by side
    split                       the channels of a node in parts
                                (the sum of two nodes is written a + b)
    scope                       a prefix for the names of layers
    Node                        a value in a model; the input of a layer
    Layer, Spec, Parameter      for layers of your own: the base class, and
                                what it declares

Training
    fit                         epochs of shuffled batches, with validation
    train_step                  one step on one batch, for your own loops
    evaluate                    loss and accuracy on other data
    clip_gradients              limit the norm of gradients

Files
    save, load                  a network with its model, classes and what
                                images pass through before it

Losses (fastconv.losses)
    CrossEntropy                for classes; the network ends with logits
    MSE                         squared error, for values

Optimizers (fastconv.optim)
    SGD                         gradient descent, with momentum on request
    Adam, AdamW                 steps scaled by running moments; AdamW with
                                decoupled weight decay
    RMSprop                     steps scaled by running squares

Modules
    layers, ops                 all layers, all functions on arrays: below
    models                      architectures: fastconv.models.resnet18()
    losses, optim               more losses; how to write your own
    schedules                   learning rates that change: cosine, warm_up
    metrics                     accuracy, confusion matrix, F1 and others
    callbacks                   what fit calls: files to go on from, and own
    data                        images and labels from files
    init                        first values of parameters

To look at, and to check
    plot                        figures of training, of what a network sees
    pages                       a report of a training as a page of HTML
    derive                      the paper's equations, one by one, with
                                numbers, each checked
    gradcheck                   gradients against central differences
    sklearn                     estimators of scikit-learn, which it needs
    onnx                        networks from and to files of ONNX
    mpi                         training on several processes and machines,
                                which needs mpi4py
    torch                       layers of fastconv in modules of PyTorch,
                                which it needs

Switches
    set_num_threads             how many threads are used; get_num_threads
                                returns the number
    use_path, use_rewrite       switch off algorithms of convolutions, or
                                optimizations of networks, for comparisons

Errors
    CheckpointError             weights in a file do not fit, or are damaged
"""

from typing import TYPE_CHECKING

from . import checkpoint, data, graph, init, layers, losses, metrics, ops, optim, schedules
from .arguments.rooms import furnish as _furnish
from .checkpoint import CheckpointError
from .executor.rewrites import use_rewrite
from .graph import Node, concat, scope, sequential, split
from .kernels.runtime.threads import get_num_threads, set_num_threads
from .layer import Layer, Parameter, Spec
from .layers import *
from .losses import MSE, CrossEntropy
from .network import Network
from .ops import *
from .optim import SGD, Adam, AdamW, RMSprop, clip_gradients

if TYPE_CHECKING:
    from . import callbacks as callbacks
    from . import models as models
    from . import mpi as mpi
    from . import onnx as onnx
    from . import pages as pages
    from . import plot as plot
    from . import sklearn as sklearn
    from . import torch as torch
    from . import training as training
    from .derivation.derive import derive as derive
    from .differences.gradcheck import gradcheck as gradcheck
    from .saved import load as load
    from .saved import save as save
    from .training import evaluate as evaluate
    from .training import fit as fit
    from .training import train_step as train_step

__version__ = "0.1.0"
_rooms = ("callbacks", "models", "mpi", "onnx", "pages", "plot", "sklearn", "torch", "training")
_later = {  # imported when they are first used
    **{name: name for name in _rooms},
    **dict.fromkeys(("evaluate", "fit", "train_step"), "training"),
    "derive": "derivation",
    "gradcheck": "differences",
    "load": "saved",
    "save": "saved",
}

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
    "callbacks",
    "clip_gradients",
    "concat",
    "data",
    "derive",
    "evaluate",
    "fit",
    "get_num_threads",
    "gradcheck",
    "init",
    "layers",
    "load",
    "losses",
    "metrics",
    "models",
    "ops",
    "optim",
    "pages",
    "plot",
    "save",
    "schedules",
    "scope",
    "sequential",
    "set_num_threads",
    "train_step",
    "use_rewrite",
]
__all__ += layers.__all__
__all__ += ops.__all__

__doc__ = "\n".join(filter(None, (__doc__, layers.__doc__, ops.__doc__)))  # none of them where Python drops texts

for _room in ("layers", "losses", "metrics", "ops", "optim", "schedules", "data"):
    _furnish(f"{__name__}.{_room}")
_rules = "fan_in_uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_normal_out", "he_uniform", "uniform"
_furnish(f"{__name__}.init", "Init", "constant", "normal", "ones", "zeros", *_rules)
_furnish(__name__, *__all__, "__version__")
