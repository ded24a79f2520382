"""Losses: one number from the output of a network and its targets.

    CrossEntropy()           for classes: the network ends with Linear(K),
                             or with Conv2D(K, 1) for a class per pixel;
                             class weights, label smoothing, soft targets
    AuxiliaryCrossEntropy()  the same for auxiliary heads, as in googlenet
    NLL()                    for classes, after LogSoftmax
    BCEWithLogits()          for yes-or-no questions: the network ends with
                             Linear(K), one output for each question
    MSE("mean")              for values: the network ends with Linear or
                             Conv2D, or Sigmoid for targets from 0 to 1
    MSE()                    half the sum of squares instead of the mean:
                             gradients grow with the size of the output
    L1(), Huber()            for values with outliers

Two losses with the same settings are equal. Targets are checked once,
before the first step.

A loss of your own is any hashable object with the methods

    prepare(targets, y_shape, dtype)  the checked targets, an array whose
                                      first axis is the images
    target_array(y_shape, dtype)      (shape, dtype) of it, for one batch
    bind(y, targets, value, dy)       a function without arguments, which
                                      writes the loss into `value` and its
                                      gradient into `dy`, unless dy is None

and, optionally,

    target_classes(targets, y_shape)  the class of each output; None if
                                      targets are not classes
    predicted_classes(y)              the class that each output predicts;
                                      else that of the largest along axis 1
    ignore_index                      a class that counts for nothing in
                                      the accuracy
    reduction                         "sum" if the losses of batches are
                                      added, not averaged
    takes_logits                      True if a network that ends with
                                      Softmax, LogSoftmax or Sigmoid is a
                                      mistake
    makes_probabilities               the function of logits that gives
                                      probabilities ("softmax")

`bind` is called once for each size of batch, with arrays that stay where
they are; what it returns is called in each step. `value` is an array
without axes: write ``value[...] = loss`` and ``dy[...] = gradient``.

Examples
--------
The mean of absolute differences, L = mean |y - t|:

>>> import numpy as np
>>> from fastconv import Network, layers
>>> class Absolute:
...     def prepare(self, targets, y_shape, dtype):
...         return np.asarray(targets, dtype).reshape(y_shape)
...
...     def target_array(self, y_shape, dtype):
...         return y_shape, dtype
...
...     def bind(self, y, targets, value, dy):
...         def call():
...             value[...] = np.abs(y - targets).mean()
...             if dy is not None:
...                 dy[...] = np.sign(y - targets) / y.size
...
...         return call
>>> network = Network(layers.Linear(1, init="zeros"), (2,))
>>> x, targets = np.ones((4, 2), "float32"), [1, 2, 3, 4]
>>> loss, gradients = network.gradients(x, targets, Absolute())
>>> loss, gradients["linear1.bias"].tolist()
(2.5, [-1.0])
"""

from .auxiliary import AuxiliaryCrossEntropy
from .base import Loss
from .binary import BCEWithLogits
from .classes import NLL, CrossEntropy
from .differences import L1, Huber
from .per_output import PerOutput
from .squares import MSE

__all__ = ["L1", "MSE", "NLL", "AuxiliaryCrossEntropy", "BCEWithLogits", "CrossEntropy", "Huber", "Loss", "PerOutput"]
