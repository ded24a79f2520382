"""Losses: one number from a network's output and its targets, and the gradient it starts backpropagation with.

    CrossEntropy()           classes; the last layer gives logits: Linear(K), or Conv2D(K, 1) for classes of pixels
    AuxiliaryCrossEntropy()  classes, for networks with auxiliary heads such as googlenet
    MSE("mean")              values: Linear or Conv2D without an activation, or Sigmoid for targets from 0 to 1
    MSE()                    half the sum of squares instead of the mean: gradients grow with the size of the output

A loss is a value: two losses with the same settings are equal. `prepare` checks the user's targets, once; the executor
then binds the loss to fixed memory.

A loss of your own is any hashable object with the methods

    prepare(targets, y_shape, dtype)   checked targets, an array whose first axis is the images
    target_array(y_shape, dtype)       (shape, dtype) of such an array for one batch
    bind(y, targets, value, dy)        a callable that writes the loss into `value` and its gradient into `dy` (or None)

and, optionally, `target_classes(targets, y_shape)`: the class of each output, or None if targets are not classes;
`reduction`: "sum" if the loss of several batches is the sum of their losses and not the mean; and `takes_logits`: True
if a network that ends with Softmax, LogSoftmax or Sigmoid is a mistake.

`bind` is called once for each size of batch, with arrays that stay where they are; what it returns is called in each
step. `value` is an array of no dimension: write it with ``value[...] = loss``, and the gradient with ``dy[...] = ...``.

Examples
--------
The mean of absolute differences, L = mean |y - t|, dL/dy = sign(y - t) / size:

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
>>> loss, gradients = network.gradients(np.ones((4, 2), "float32"), [1, 2, 3, 4], Absolute())
>>> loss, gradients["linear1.bias"].tolist()
(2.5, [-1.0])
"""

from .losses import MSE, AuxiliaryCrossEntropy, CrossEntropy, Loss

__all__ = ["MSE", "AuxiliaryCrossEntropy", "CrossEntropy", "Loss"]
