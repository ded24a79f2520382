"""Training: shuffled batches, a progress bar, loss and accuracy."""

import sys
import time
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from . import losses
from .interrupt import held_back
from .ops import check
from .optim import SGD, Optimizer


class Epoch(NamedTuple):
    """One pass over the images. Accuracies are shares from 0 to 1, None where targets are no classes."""

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def __str__(self):
        parts = [f"epoch {self.epoch}  loss {self.loss:.4f}"]
        if self.accuracy is not None:
            parts.append(f"accuracy {100 * self.accuracy:.2f} %")
        if self.validation_loss is not None:
            parts.append(f"validation loss {self.validation_loss:.4f}")
        if self.validation_accuracy is not None:
            parts.append(f"validation accuracy {100 * self.validation_accuracy:.2f} %")
        return "  ".join([*parts, f"{self.seconds:.1f} s"])


def fit(
    network,
    images,
    labels,
    epochs=1,
    batch_size=50,
    optimizer=None,
    loss=None,
    seed=None,
    validation=None,
    progress=True,
    on_epoch=None,
    lean=False,
):
    """Train the network on images in shuffled batches.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype
    labels : class indices (N,), or targets of the output's shape
    epochs, batch_size : int
        The last batch of an epoch holds what is left.
    optimizer : object with step(parameters, gradients)
        ``SGD(lr=0.1)`` unless given.
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given.
    seed : int, optional
        Of the order of the images. The same seeds give the same weights, bit for bit, on any number of threads.
    validation : (images, labels), optional
        Looked at after each epoch.
    progress : bool
        A bar on standard error where tqdm is installed, else a line for each epoch; False for neither.
    on_epoch : function Epoch -> anything, optional
        Called after each epoch; training ends early where it returns True.
    lean : bool
        Update parameters as soon as their gradients are known, some 32 MB at a time, and keep no gradients: less
        memory, the same bits. Needs an optimizer of fastconv. Ctrl-C then waits for the end of the step.

    Returns
    -------
    list of Epoch

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
    optimizer = usable(optimizer, lean)
    loss = losses.CrossEntropy() if loss is None else loss
    epochs, batch_size = check.integer(epochs, "epochs", 0), check.integer(batch_size, "batch_size", 1)
    data = Data(network, images, labels, loss)
    if validation is not None:
        validation = Data(network, *validation, loss)
    rng, history = np.random.default_rng(seed), []
    with network.training():
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            with progress_bar(f"epoch {number}/{epochs}", len(data.images), progress) as bar:
                order = rng.permutation(len(data.images))
                result = run_epoch(network, data, order, batch_size, optimizer, loss, bar, lean)
                checked = (None, None) if validation is None else score(network, validation, loss)
                history.append(Epoch(number, *result, *checked, time.perf_counter() - started))
                bar.done(history[-1])
            if on_epoch is not None and on_epoch(history[-1]):
                break
    return history


def usable(optimizer, lean):
    """The optimizer, or SGD; TypeError where lean training cannot use it."""
    optimizer = SGD(lr=0.1) if optimizer is None else optimizer
    if lean and not isinstance(optimizer, Optimizer):
        raise TypeError(f"lean training needs an optimizer of fastconv.optim, got {type(optimizer).__name__}")
    return optimizer


class Data:
    """Images with targets, checked once."""

    def __init__(self, network, images, labels, loss):
        self.images, batched = network.images(images, "images")
        if not batched or len(self.images) == 0:
            raise ValueError(f"images must be (N, *{network.input_shape}) with N >= 1, got shape {np.shape(images)}")
        labels = np.asarray(labels)
        if labels.ndim == 0 or len(labels) != len(self.images):
            raise ValueError(f"labels must be as many as images, got shapes {labels.shape} and {self.images.shape}")
        self.targets = loss.prepare(labels, (len(self.images), *network.output_shape), network.dtype)
        self.classes = labels if labels.dtype.kind in "iu" and len(network.output_shape) == 1 else None


def run_epoch(network, data, order, batch_size, optimizer, loss, bar, lean):
    """(mean loss, accuracy) over the epoch, each batch seen before its update."""
    executor, total, right = network.executor, 0.0, 0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        with executor.lock:
            plan = update(executor, data.images[batch], data.targets[batch], loss, optimizer, lean)
            total += float(plan.loss) * len(batch)
            if data.classes is not None:
                right += int(np.count_nonzero(losses.predicted_classes(loss, plan.y) == data.classes[batch]))
        bar.update(len(batch))
    return total / len(order), None if data.classes is None else right / len(order)


def update(executor, images, targets, loss, optimizer, lean=False):
    """One step on checked arrays; the plan that ran."""
    plan = executor.plan(len(images), loss, lean)
    if lean:
        plan.updates.optimizer = optimizer
        with held_back():
            plan.run_on(images, targets)
            optimizer.end_step(executor.parameters)
    else:
        plan.run_on(images, targets)
        optimizer.step(executor.parameters, executor.gradients)
    return plan


def train_step(network, images, labels, optimizer, loss=None, lean=False):
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
    loss = losses.CrossEntropy() if loss is None else loss
    optimizer = usable(optimizer, lean)
    with network.training():
        data = Data(network, images, labels, loss)
        with network.executor.lock:
            return float(update(network.executor, data.images, data.targets, loss, optimizer, lean).loss)


def evaluate(network, images, labels, loss=None):
    """(mean loss, accuracy) of the network on these images; accuracy is None where labels are no classes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, evaluate, layers
    >>> network = Network(layers.Linear(2, init="zeros", bias_init="zeros"), (3,))
    >>> loss, accuracy = evaluate(network, np.ones((4, 3), "float32"), [0, 0, 0, 1])
    >>> accuracy
    0.75
    """
    loss = losses.CrossEntropy() if loss is None else loss
    return score(network, Data(network, images, labels, loss), loss)


def score(network, data, loss):
    y = network.predict(data.images)
    value = np.zeros((), network.dtype)
    loss.bind(y, data.targets, value, None)()
    if data.classes is None:
        return float(value), None
    accuracy = int(np.count_nonzero(losses.predicted_classes(loss, y) == data.classes)) / len(y)
    return float(value), accuracy


@contextmanager
def progress_bar(title, total, wanted):
    if not wanted:
        yield Quiet()
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield Lines()
        return
    with tqdm(total=total, desc=title, unit=" images", file=sys.stderr) as bar:
        yield Bar(bar)


class Quiet:
    def update(self, images):
        pass

    def done(self, epoch):
        pass


class Lines(Quiet):
    def done(self, epoch):
        print(epoch, file=sys.stderr, flush=True)


class Bar:
    def __init__(self, bar):
        self.update, self.bar = bar.update, bar

    def done(self, epoch):
        self.bar.set_postfix_str(str(epoch).split("  ", 1)[1])
