"""Losses: one number from a network's output and its targets, and the gradient it starts backpropagation with.

A loss is a value: two losses with the same settings are equal. `prepare` checks the user's targets, once; the executor
then binds the loss to fixed memory.

A loss of your own is any hashable object with the methods

    prepare(targets, y_shape, dtype)   checked targets, an array whose first axis is the images
    target_array(y_shape, dtype)       (shape, dtype) of such an array for one batch
    bind(y, targets, value, dy)        a callable that writes the loss into `value` and its gradient into `dy` (or None)

and, optionally, `target_classes(targets, y_shape)`: the class of each output, or None if targets are not classes; and
`reduction`: "sum" if the loss of several batches is the sum of their losses and not the mean.
"""

from .losses import MSE, AuxiliaryCrossEntropy, CrossEntropy, Loss

__all__ = ["MSE", "AuxiliaryCrossEntropy", "CrossEntropy", "Loss"]
