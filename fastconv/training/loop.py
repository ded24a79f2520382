"""Training: shuffled batches, a progress bar, loss and accuracy."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import losses
from ..arguments import training as given
from ..frozen import FrozenNetwork
from ..network import Network
from ..ops import check
from ..optim import SGD, Optimizer
from ..predictor import BATCH, Predictor
from ..typing import Array
from .epoch import Count, Data, Epoch, validation_data
from .progress import Progress, progress_bar


def fit(
    network: Network,
    images: ArrayLike,
    labels: ArrayLike,
    epochs: int = 1,
    batch_size: int = 50,
    optimizer: Any = None,
    loss: Any = None,
    seed: int | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    progress: bool = True,
    on_epoch: Callable[[Epoch], object] | None = None,
    lean: bool = False,
    drop_last: bool = False,
) -> list[Epoch]:
    """Train the network on images in shuffled batches.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype
    labels : class indices (N,), or targets of the output's shape
        One for each image. The loss decides what integers mean.
    epochs, batch_size : int
        The last batch of an epoch holds the rest of the images.
    optimizer : object with step(parameters, gradients)
        ``SGD(lr=0.1)`` unless given.
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given.
    seed : int, optional
        Of the order of the images. The same seeds give the same weights, bit for bit, on any number of threads.
    validation : (images, labels), optional
        Looked at after each epoch.
    progress : bool
        A bar on standard error where tqdm is installed, else a line per epoch; False for neither.
    on_epoch : function Epoch -> anything, optional
        Called after each epoch; training stops if it returns True (or numpy.True_). After any other value, such as
        text or a number, it goes on. An exception stops training and reaches the caller.
    lean : bool
        Update parameters as soon as their gradients are known, some 32 MB at a time, and keep no gradients: less
        memory, the same bits. Needs an optimizer of fastconv. Ctrl-C then waits for the end of the step.
    drop_last : bool
        Leave out the images of a last, smaller batch; they are others in each epoch.

    Returns
    -------
    list of Epoch

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for batches that cannot be trained, such as a last batch of one image with
        BatchNorm on vectors. Raised before the first step; nothing changes.

    Notes
    -----
    Ctrl-C raises KeyboardInterrupt and leaves the weights of the last whole step.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import SGD, Network, fit, layers, losses
    >>> x = np.linspace(-1, 1, 100, dtype="float32")[:, None]
    >>> network = Network(layers.Linear(1), (1,), seed=0)
    >>> history = fit(network, x, 3 * x, 20, 10, SGD(0.5), losses.MSE(), seed=0, progress=False)
    >>> float(network.parameters["linear1.weight"].round(3)[0, 0])
    3.0
    """
    trainable(network)
    optimizer, loss = usable(optimizer, lean), chosen(loss)
    epochs, batch_size = check.integer(epochs, "epochs", 0), check.integer(batch_size, "batch_size", 1)
    given.check_callback(on_epoch, "on_epoch", "an Epoch")
    data, held_out = Data(network, images, labels, loss), validation_data(network, validation, loss)
    seen = images_seen(len(data.images), batch_size, check.flag(drop_last, "drop_last"))
    rng, history = check.random(seed), []
    with network.training():
        reserve(network, seen, batch_size, held_out, loss, lean)
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            with progress_bar(f"epoch {number}/{epochs}", seen, progress) as bar:
                order = rng.permutation(len(data.images))[:seen]
                result = run_epoch(network, data, order, batch_size, optimizer, loss, bar, lean)
                checked: tuple[float | None, float | None] = (
                    (None, None) if held_out is None else score(network, held_out, loss)
                )
                history.append(Epoch(number, *result, *checked, time.perf_counter() - started))
                bar.done(history[-1])
            if on_epoch is not None and is_true(on_epoch(history[-1])):
                break
    return history


def is_true(value: object) -> bool:
    """Whether the value is the bool True, not just any true value."""
    return isinstance(value, bool | np.bool_) and bool(value)


def trainable(network: object) -> None:
    """TypeError or ValueError if the network cannot be trained, with what to write."""
    if isinstance(network, FrozenNetwork):
        raise TypeError("network must be a Network, got a Frozen one: train the network it was made from, then freeze")
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {network!r}; make one of a model: Network(model, input_shape)")
    parameters = network.parameters
    if parameters.writable():
        return
    for name, array in ((".flat", parameters.flat), *((f"[{name!r}]", array) for name, array in parameters.items())):
        if not array.flags.writeable:
            raise ValueError(f"network.parameters{name} must be writable, because training changes it")


def images_seen(images: int, batch_size: int, drop_last: bool) -> int:
    """How many images an epoch trains on."""
    seen = images - (images % batch_size if drop_last else 0)
    if seen == 0:
        raise ValueError(f"drop_last=True leaves no batch of batch_size={batch_size}: there are only {images} images")
    return seen


def reserve(
    network: Network, images: int, batch_size: int, validation: Data | None, loss: Any, fused_update: bool
) -> None:
    """Plan every size of batch in an epoch, so that a batch that cannot run is refused before anything changes."""
    whole, rest = min(batch_size, images), images % batch_size
    if validation is not None:
        network.reserve(min(BATCH, len(validation.images)))
        y = np.empty((len(validation.images), *network.output_shape), network.dtype)
        loss.bind(y, validation.targets, np.zeros((), network.dtype), None)
    network.reserve(whole, loss, fused_update)
    try:
        if rest:
            network.reserve(rest, loss, fused_update)
    except ValueError as error:
        raise ValueError(
            f"batch_size={batch_size} leaves a last batch of {rest} of {images} images, which cannot be trained "
            f"(pass drop_last=True, or another batch_size): {error}"
        ) from None


def usable(optimizer: Any, lean: object) -> Any:
    """The optimizer, or SGD; TypeError where lean training cannot use it."""
    optimizer = SGD(lr=0.1) if optimizer is None else given.check_optimizer(optimizer)
    if check.flag(lean, "lean") and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one of fastconv.optim where lean=True, got {type(optimizer).__name__}")
    return optimizer


def chosen(loss: Any) -> Any:
    """The loss, or cross-entropy if there is none."""
    return losses.CrossEntropy() if loss is None else given.check_loss(loss)


def run_epoch(
    network: Network,
    data: Data,
    order: Array,
    batch_size: int,
    optimizer: Any,
    loss: Any,
    bar: Progress,
    fused_update: bool,
) -> tuple[float, float | None]:
    """(loss, accuracy) over the epoch, each batch evaluated before its update."""
    count = Count(loss)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        watch = partial(count.add, classes=None if data.classes is None else data.classes[batch])
        network.train_batch(data.images[batch], data.targets[batch], loss, optimizer, fused_update, watch)
        bar.update(len(batch))
    return count.result()


def train_step(
    network: Network, images: ArrayLike, labels: ArrayLike, optimizer: Any, loss: Any = None, lean: bool = False
) -> float:
    """One step of training on one batch: forward, backward, update. Returns the loss before the update.

    For loops of your own; `fit` does the shuffling. The gradients stay inside the network, nothing is copied.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype, N >= 1
    labels : class indices (N,), or targets of the output's shape
    optimizer : object with step(parameters, gradients)
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given.
    lean : bool
        As in `fit`.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import SGD, Network, layers, train_step
    >>> network = Network(layers.Linear(2, init="zeros"), (3,))
    >>> x, labels, sgd = np.ones((4, 3), "float32"), [0, 0, 0, 1], SGD(0.1)
    >>> [round(train_step(network, x, labels, sgd), 3) for _ in range(3)]
    [0.693, 0.648, 0.619]
    """
    trainable(network)
    optimizer, loss = usable(optimizer, lean), chosen(loss)
    with network.training():
        data = Data(network, images, labels, loss, scored=False)
        return network.train_batch(data.images, data.targets, loss, optimizer, lean)


def evaluate(
    network: Network | FrozenNetwork, images: ArrayLike, labels: ArrayLike, loss: Any = None
) -> tuple[float, float | None]:
    """(loss, accuracy) of the network on these images, as `fit` reports them for a validation.

    Parameters
    ----------
    network : Network, or what `Network.freeze` returns
    images : array (N, *input_shape), the network's dtype, N >= 1
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

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, evaluate, layers
    >>> network = Network(layers.Linear(2, init="zeros", bias_init="zeros"), (3,))
    >>> loss, accuracy = evaluate(network, np.ones((4, 3), "float32"), [0, 0, 0, 1])
    >>> accuracy
    0.75
    """
    if isinstance(network, type) or not hasattr(network, "predict"):
        raise TypeError(f"network must be a Network, or a frozen one, got {network!r}")
    loss = chosen(loss)
    return score(network, Data(network, images, labels, loss), loss)


def score(network: Predictor, data: Data, loss: Any) -> tuple[float, float | None]:
    """(loss, accuracy) on checked data."""
    y, count = network.predict(data.images), Count(loss)
    value = np.zeros((), network.dtype)
    loss.bind(y, data.targets, value, None)()
    count.add(value, y, data.classes)
    return count.result()
