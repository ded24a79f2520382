"""The data and the results of an epoch: checked images with targets, and loss and accuracy over its batches."""

from typing import Any, NamedTuple

import numpy as np

from ..arguments.batch import batch, iterator_cure, shape_of_batch
from ..losses.losses import predicted_classes, prepared, true_classes
from ..ops import check
from ..predictor import Predictor
from ..typing import Array, Shape


class Epoch(NamedTuple):
    """The results of one pass over the images; with drop_last, over the whole batches.

    A loss is the mean over all these images, or the sum if the loss function is a sum. An accuracy is the share, from 0
    to 1, of images (and pixels) whose class was predicted; None if targets are not classes. An image with a NaN among
    its logits counts as wrong. In training each batch is evaluated before its update.
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}  loss {self.loss:.4f}"]
        if self.accuracy is not None:
            parts.append(f"accuracy {100 * self.accuracy:.2f} %")
        if self.validation_loss is not None:
            parts.append(f"validation loss {self.validation_loss:.4f}")
        if self.validation_accuracy is not None:
            parts.append(f"validation accuracy {100 * self.validation_accuracy:.2f} %")
        return "  ".join([*parts, f"{self.seconds:.1f} s"])


class Data:
    """Images with targets, checked once; with their true classes, if the results are to be `scored`."""

    def __init__(self, network: Predictor, images: Any, labels: Any, loss: Any, scored: bool = True) -> None:
        if swapped(images, labels, network):
            raise ValueError(
                f"images must be {shape_of_batch(network.input_shape)}, got shape {images.shape}, and labels "
                f"{labels.shape}: give the images first, then the labels"
            )
        self.images, batched = batch(images, "images", network.input_shape, network.dtype)
        if not batched or len(self.images) == 0:
            cure = "" if batched else f"; of one image make a batch: {check.code(images, 'images')}[None]"
            wanted = shape_of_batch(network.input_shape)
            raise ValueError(f"images must be {wanted} with N >= 1, got shape {np.shape(images)}{cure}")
        y_shape = (len(self.images), *network.output_shape)
        array = check.given(labels, "labels", f"class indices, one for each image, or targets of shape {y_shape}")
        if array.dtype.kind == "O" and array.ndim == 0:
            kind, cure = type(labels).__name__, iterator_cure(labels, "labels")
            raise TypeError(f"labels must be an array or a list, as many as images, got a {kind}{cure}")
        if array.ndim == 0 or len(array) != len(self.images):
            raise ValueError(f"labels must be as many as images, got shapes {array.shape} and {self.images.shape}")
        self.targets = prepared(loss, labels, y_shape, network.dtype)
        self.classes = true_classes(loss, array, y_shape) if scored else None


def swapped(images: object, labels: object, network: Predictor) -> bool:
    """Whether images and labels were given in the wrong order, judged by their shapes."""
    if not (isinstance(images, np.ndarray) and isinstance(labels, np.ndarray) and labels.ndim > 1):
        return False
    shape: Shape = labels.shape[1:]
    return shape == network.input_shape not in (images.shape[1:], network.output_shape)


def validation_data(network: Predictor, validation: Any, loss: Any) -> Data | None:
    """The checked images and targets of the validation, or None."""
    if validation is None:
        return None
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        what = repr(validation)
        if hasattr(validation, "__len__") and not isinstance(validation, str):
            what = f"{type(validation).__name__} of length {len(validation)}"
        raise TypeError(
            f"validation must be a pair (images, labels), got {what}; to keep the last n images for it: "
            "fit(network, images[:-n], labels[:-n], validation=(images[-n:], labels[-n:]))"
        )
    try:
        images, labels = validation
        return Data(network, images, labels, loss)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


class Count:
    """The loss and the accuracy of several batches together."""

    def __init__(self, loss: Any) -> None:
        self.loss, self.total, self.images, self.right, self.outputs = loss, 0.0, 0, 0, 0

    def add(self, value: Array, y: Array, classes: Array | None) -> None:
        """Adds a batch: its loss, its output, and its true classes or None."""
        self.total += float(value) * (1 if self.is_sum else len(y))
        self.images += len(y)
        if classes is not None:
            self.right += int(np.count_nonzero(predicted_classes(self.loss, y) == classes))
            self.outputs += classes.size

    @property
    def is_sum(self) -> bool:
        """Whether the loss is a sum over the images."""
        return getattr(self.loss, "reduction", None) == "sum"

    def result(self) -> tuple[float, float | None]:
        """(loss, accuracy or None)."""
        loss = self.total if self.is_sum else self.total / self.images
        return loss, self.right / self.outputs if self.outputs else None
