"""The score of a network on images with labels: loss and accuracy, of batches together or of a whole set."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import training as words
from ..arguments.finite import item_not_finite
from ..arguments.signatures import explained
from ..executor import Alone, Ranks
from ..executor.logits import warn_of_probabilities
from ..executor.tree import bounds
from ..fields import empty, several
from ..frozen import FrozenNetwork
from ..losses.base import predicted_classes
from ..losses.weighted import plain
from ..network import Network
from ..ops import check
from ..predictor import BATCH, Predictor
from ..system.caller import warn
from ..typing import Array
from .epoch import Data
from .given import EVALUATE, batches, chosen, is_data_set, predicting

ALONE = Alone()


@explained("evaluate", EVALUATE, words.EVALUATE)
def evaluate(
    network: Network | FrozenNetwork, images: Any, labels: ArrayLike | None = None, loss: Any = None
) -> tuple[float, float | None]:
    """(loss, accuracy) of the network on these images, as `fit` reports them for a validation.

    Parameters
    ----------
    network : Network, or what `Network.freeze` returns
    images : array (N, *input_shape), the network's dtype, N >= 1; or a pair (images, labels); or a data set
        A pair such as a Split of `fastconv.data.load`: ``evaluate(network, test)``. Of a data set of
        `fastconv.data`, or a ``Loader(..., shuffle=False)`` with transforms, batches are read one after another; bytes
        are divided by 255.
    labels : class indices (N,), or targets of the output's shape
        The loss decides what integers mean.
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given.

    Returns
    -------
    loss : float
        The mean over all images, or the sum if the loss is a sum.
    accuracy : float or None
        The share, from 0 to 1, of images (and pixels) whose class is the predicted one: the first of the largest
        logits. A prediction with a NaN among the logits is wrong. None if labels are not classes.

    Warns
    -----
    RuntimeWarning
        If the loss is NaN or infinite; it names the first image, label or parameter that is.
    UserWarning
        If the loss takes logits and the network ends with probabilities; once for a network that is not frozen.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, evaluate, layers
    >>> network = Network(layers.Linear(2, init="zeros", bias_init="zeros"), (3,))
    >>> loss, accuracy = evaluate(network, np.ones((4, 3), "float32"), [0, 0, 0, 1])
    >>> accuracy
    0.75
    """
    predicting(network, EVALUATE)
    loss = chosen(loss)
    if isinstance(network, Network):
        network.executor.expect_logits(loss)
    elif several(network.output_shape) is None:
        warn_of_probabilities(network.output, loss)
    data: Any
    if labels is None and is_data_set(images):
        from .loaded import LoadedValidation

        data = LoadedValidation(network, images, loss)
    else:
        data = Data(network, *batches(network, images, labels, EVALUATE), loss)
    result = score(network, data)[:2]
    if not math.isfinite(result[0]):
        warn(f"the loss is {result[0]}: {why(network, data)}", RuntimeWarning)
    return result


def why(network: Predictor, data: Any) -> str:
    """Why the loss of these images is NaN or infinite."""
    if not isinstance(data, Data):
        return f"an image or a target of the data set is not finite, or {network._not_finite()}"
    non_finite = item_not_finite("images", data.images) or item_not_finite("labels", data.targets)
    return non_finite or f"images and labels are finite, but {network._not_finite()}"


def score(
    network: Predictor, data: Any, metrics: Mapping[str, Any] | None = None, ranks: Ranks = ALONE
) -> tuple[float, float | None, dict[str, float]]:
    """(loss, accuracy, metrics) on checked data: `Data`, or what has a method `outputs`.

    Each of several ranks predicts its part of the images, and all of them get the numbers of one process.
    """
    if isinstance(data, Data):
        y, targets, classes = shared_outputs(network, data.images, ranks), data.targets_of(slice(None)), data.classes
    else:
        y, targets, classes = data.outputs(network, ranks)
    count = Count(data.loss)
    value = np.zeros((), network.dtype)
    data.loss.bind(y, targets, value, None)()
    count.add(value, y, classes)
    truth = plain(targets) if classes is None else classes
    if metrics:  # which may not write into the labels of the caller
        y, truth = y.view(), truth.view()
        y.flags.writeable = truth.flags.writeable = False
    return *count.result(), {name: measured(name, metric, y, truth) for name, metric in (metrics or {}).items()}


def measured(name: str, metric: Any, y: Array, truth: Array) -> float:
    """The number that a metric gives for outputs and targets."""
    value = metric(y, truth)
    if not isinstance(value, int | float | np.number | np.bool_) and getattr(value, "shape", None) != ():
        raise TypeError(
            f"metrics[{name!r}] must return a number for (outputs, targets), got {check.shown(value)}; of one number "
            "per image return the mean"
        )
    return float(value)


def outputs(network: Predictor, images: Array) -> Array:
    """The network's output for checked images; unlike `predict` it does not warn of NaN, which the loss shows."""
    y = empty(len(images), network.output_shape, network.dtype)
    for start in range(0, len(images), BATCH):
        network._predict_part(images[start : start + BATCH], y[start : start + BATCH])
    return y


def shared_outputs(network: Predictor, images: Array, ranks: Ranks) -> Array:
    """The same, where each rank computes a part."""
    cuts = bounds(len(images), ranks.size)
    return ranks.rows(outputs(network, images[cuts[ranks.rank] : cuts[ranks.rank + 1]]))


class Count:
    """The loss and the accuracy of several batches together."""

    def __init__(self, loss: Any) -> None:
        self.loss, self.total, self.images, self.right, self.outputs = loss, 0.0, 0, 0, 0
        self.is_sum = getattr(loss, "reduction", None) == "sum"  # over the images
        self.ignored = getattr(loss, "ignore_index", None)

    def add(self, value: Array, y: Array, classes: Array | None) -> None:
        """Adds a batch: its loss, its output, and its true classes or None."""
        self.total += float(value) * (1 if self.is_sum else len(y))
        self.images += len(y)
        if classes is None:
            return
        right = predicted_classes(self.loss, y) == classes
        if self.ignored is not None:
            right = right[classes != self.ignored]
        self.right += int(np.count_nonzero(right))
        self.outputs += right.size

    def merge(self, counted: Any) -> None:
        """Adds what another one has counted, as `state` gives it."""
        total, images, right, outputs = counted
        self.total += float(total)
        self.images, self.right, self.outputs = (
            self.images + int(images), self.right + int(right), self.outputs + int(outputs)
        )  # fmt: skip

    def per_image(self) -> float:
        """The mean loss of the images, also where the loss of a batch is a sum."""
        return self.total / self.images

    def accuracy(self) -> float | None:
        """The share of right classes so far; None where targets are not classes."""
        return self.right / self.outputs if self.outputs else None

    def result(self) -> tuple[float, float | None]:
        """(loss, accuracy or None)."""
        loss = self.total if self.is_sum else self.total / self.images
        return loss, self.accuracy()

    def state(self) -> tuple[float, int, int, int]:
        """What has been counted."""
        return self.total, self.images, self.right, self.outputs

    def load_state(self, counted: Any) -> None:
        """Go on counting from there."""
        self.total, self.images, self.right, self.outputs = float(counted[0]), *map(int, counted[1:])
