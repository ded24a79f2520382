"""The parameters that classifier and regressor have in common, for their docstrings."""

from typing import TypeVar

__all__ = ["documented"]

T = TypeVar("T")

PLACE = "    PARAMETERS\n"
PARAMETERS = """    model : name, function or None
        A name of `fastconv.models`, such as "resnet20"; a function with a parameter ``num_classes`` that makes a model,
        such as ``fastconv.models.resnet20`` itself; or a model, a function of nodes. None: for images a few
        convolutions with batch norm, for rows one hidden layer.
    image_shape : (C, H, W) or (H, W), optional
        Makes images of the rows of X. Images (N, C, H, W) have their shape by themselves.
    epochs : int
        How often each image is seen by `fit`.
    batch_size : int
        Images per step.
    optimizer : {"adam", "adamw", "sgd", "rmsprop"}, or an optimizer of `fastconv.optim`
        Of an object a copy is used.
    lr, momentum, weight_decay : float, optional
        Settings of the optimizer; None for its own.
    loss : a loss of `fastconv.losses`, optional
    schedule : function of a Moment, optional
        What the learning rate is multiplied with, as in `fastconv.fit`.
    validation : share such as 0.1, or pair (X, y), optional
        Looked at after each epoch.
    early_stopping : bool
        Stop when the validation loss has not improved for `patience` epochs, and take the best weights. Without a
        `validation` a share of 0.1 of the images is kept for it.
    patience : int
    augment : transform or list of transforms
        Of `fastconv.data.transforms`, such as ``random_flip()``: random changes of the images of each batch.
    callbacks, on_epoch, metrics, accumulate, max_norm, drop_last, lean, progress
        As in `fastconv.fit`.
    warm_start : bool
        `fit` goes on with the network, the optimizer and the random numbers of the last `fit` or `partial_fit`.
    dtype : {"float32", "float64"}
        Of the network. X is converted to it.
    random_state : int, RandomState or None
        Of the first weights and the order of the images. The same number gives the same bits, on any number of threads.
"""


def documented(kind: type[T]) -> type[T]:
    """The class, whose docstring has the common parameters in place of the line PARAMETERS."""
    if kind.__doc__:  # Python may be told to drop texts
        kind.__doc__ = kind.__doc__.replace(PLACE, PARAMETERS)
    return kind
