"""The data and the results of an epoch: checked images with targets, and loss and accuracy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from ..arguments.batch import batch, iterator_cure, shape_of_batch
from ..arguments.signatures import no_attribute
from ..fields import batch_shape
from ..losses.base import prepared, true_classes
from ..losses.per_output import checked_form
from ..losses.weighted import Weighted, scaled, weighted
from ..ops import check
from ..predictor import Predictor
from ..typing import Array, Shape
from .given import as_batches

OF_EPOCHS = {  # names of other libraries
    "val_loss": "write epoch.validation_loss",
    "val_accuracy": "write epoch.validation_accuracy",
    "val_acc": "write epoch.validation_accuracy",
    "acc": "write epoch.accuracy",
    "train_loss": "write epoch.loss",
    "time": "write epoch.seconds",
    "get": "write epoch.loss, epoch.validation_loss and the like, or epoch._asdict()",
    "keys": "write epoch._fields",
    "items": "write epoch._asdict().items()",
    "values": "write epoch._asdict().values()",
    "history": "fit returns a list of such epochs: write [epoch.loss for epoch in history]",
}
FIELDS = "epoch, loss, accuracy, validation_loss, validation_accuracy, seconds, lr, metrics"


class Epoch(NamedTuple):
    """The results of one pass over the images; with drop_last, over the whole batches.

    A loss is the mean over all these images, or the sum if the loss function is a sum; where labels are ignored, the
    mean of the batches, each weighted with its number of images. An accuracy is the share, from 0
    to 1, of images (and pixels) whose class was predicted; None if targets are not classes. An image with a NaN among
    its logits counts as wrong. In training each batch is evaluated before its update. `lr` is the learning rate of the
    last step, None where the optimizer has none; `metrics` are those that `fit` was given, of the validation.
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    lr: float | None = None
    metrics: Mapping[str, float] = {}  # nobody writes into it

    def __getattr__(self, name: str) -> Any:
        no_attribute(self, name, OF_EPOCHS if name in OF_EPOCHS or name[:1] == "_" else {name: f"it has {FIELDS}"})

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return tuple.__getitem__(self, key)
        replacement = "write epoch." + key if key in self._fields else OF_EPOCHS.get(key, "its fields are " + FIELDS)
        raise TypeError(f"an Epoch is no dictionary, got [{key!r}]; {replacement}")

    def __str__(self) -> str:
        train = ["loss " + number(self.loss)]
        if self.accuracy is not None:
            train.append(f"accuracy {100 * self.accuracy:.2f} %")
        validation = []
        if self.validation_loss is not None:
            validation.append("validation " + number(self.validation_loss))
        if self.validation_accuracy is not None:
            validation.append(f"{100 * self.validation_accuracy:.2f} %")
        validation += [f"{name} {number(value)}" for name, value in self.metrics.items()]
        time = f"{self.seconds:.1f} s" if self.seconds < 100 else f"{self.seconds:.0f} s"
        parts = [f"epoch {self.epoch}", *train, ", ".join(validation), time]
        return "  ".join(part for part in parts if part)


OF_HISTORY = {  # names of other libraries, and of an Epoch
    **{name: f"write [epoch.{name} for epoch in history]" for name in Epoch._fields},
    "history": "it is a list of epochs: write [epoch.loss for epoch in history]",
    "val_loss": "write [epoch.validation_loss for epoch in history]",
    **dict.fromkeys(("val_accuracy", "val_acc"), "write [epoch.validation_accuracy for epoch in history]"),
    "acc": "write [epoch.accuracy for epoch in history]",
    **dict.fromkeys(("params", "model"), "it is a list of epochs; the network is the one that was given to fit"),
}


class History(list[Epoch]):
    """The epochs of a `fit`, in order."""

    if not TYPE_CHECKING:  # for the checker of types a list has neither

        def __getattr__(self, name: str) -> NoReturn:
            no_attribute(self, name, OF_HISTORY)

        def __getitem__(self, key: object) -> object:
            if not isinstance(key, str):
                return list.__getitem__(self, key)
            replacement = OF_HISTORY.get(key, f"its fields are {FIELDS}: write [epoch.loss for epoch in history]")
            raise TypeError(f"the result of fit is a list of epochs, got [{key!r}]; {replacement}")


def number(loss: float) -> str:
    """The loss with four decimals, or with five digits if it is large."""
    return f"{loss:.4f}" if abs(loss) < 9.99995 else f"{loss:.5g}"


class Data:
    """Images with targets, checked once; with their true classes, if the results are to be `scored`.

    `weights` (N,), or None: how much each image counts in the loss.
    """

    def __init__(
        self, network: Predictor, images: Any, labels: Any, loss: Any, scored: bool = True, weights: Array | None = None
    ) -> None:
        images, labels = as_batches(network, images, labels)
        self.loss = loss if weights is None else Weighted(loss)
        self.weights = None if weights is None else scaled(weights, loss)
        try:
            self.images, batched = batch(images, "images", network.input_shape, network.dtype)
        except (TypeError, ValueError):
            refuse_swapped(images, labels, network)
            raise
        if not batched or len(self.images) == 0:
            refuse_swapped(images, labels, network)
            cure = "" if batched else f"; of one image make a batch: {check.code(images, 'images')}[None]"
            wanted = shape_of_batch(network.input_shape)
            raise ValueError(f"images must be {wanted} with N >= 1, got shape {np.shape(images)}{cure}")
        y_shape = batch_shape(len(self.images), network.output_shape)
        checked_form(loss, network.output_shape)
        if labels is None:
            raise TypeError(
                f"labels must be class indices, one for each image, or targets of shape {y_shape}, got None; "
                "give them after the images, or a pair (images, labels) in place of images"
            )
        array = check.given(labels, "labels")
        if array.dtype.kind in "OSU" and array.ndim == 0:
            kind, cure = type(labels).__name__, iterator_cure(labels, "labels")
            raise TypeError(f"labels must be an array or a list, as many as images, got a {kind}{cure}")
        if array.ndim == 0 or len(array) != len(self.images):
            cure = "; write labels.T" if array.shape[1:] == (len(self.images),) else ""
            raise ValueError(
                f"labels must be as many as images, got shapes {array.shape} and {self.images.shape}{cure}"
            )
        self.targets = prepared(loss, labels, y_shape, network.dtype)
        self.classes = true_classes(loss, array, y_shape) if scored else None

    def targets_of(self, part: Any) -> Array:
        """The targets of some images as the loss takes them, with their weights if there are any."""
        return self.targets[part] if self.weights is None else weighted(self.targets[part], self.weights[part])


def refuse_swapped(images: object, labels: object, network: Predictor) -> None:
    """ValueError if images and labels were given in the wrong order, judged by their shapes."""
    of_images, of_labels = (tuple(getattr(given, "shape", ())) for given in (images, labels))
    shape: Shape = of_labels[1:]
    if len(of_images) > 0 and shape == network.input_shape not in (of_images[1:], network.output_shape):
        raise ValueError(
            f"images must be {shape_of_batch(network.input_shape)}, got shape {of_images}, and labels {of_labels}: "
            "give the images first, then the labels"
        ) from None


def validation_data(network: Predictor, validation: Any, loss: Any) -> Data | None:
    """The checked images and targets of the validation, or None."""
    if validation is None:
        return None
    if hasattr(validation, "train") and hasattr(validation, "test"):
        raise TypeError(
            f"validation must be a pair (images, labels), got a {type(validation).__name__}; write validation=data.test"
        )
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        what = repr(validation)
        if hasattr(validation, "__len__") and not isinstance(validation, str):
            what = f"{type(validation).__name__} of length {len(validation)}"
        raise TypeError(
            f"validation must be a pair (images, labels), a data set, or a share such as 0.1, got {what}; to keep the "
            "last n images for it: fit(network, images[:-n], labels[:-n], validation=(images[-n:], labels[-n:]))"
        )
    try:
        images, labels = validation
        return Data(network, images, labels, loss)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None
