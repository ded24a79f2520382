"""Training in shuffled batches: epochs, what is reported of them, and what is kept when a loss becomes NaN."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import training as given
from ..arguments.finite import arrays_not_finite, item_not_finite
from ..arguments.signatures import explained
from ..network import Network
from ..ops import check
from ..predictor import BATCH
from ..schedules import Schedule
from ..system.caller import warn
from ..typing import Array
from .divergence import Kept, cause, grown, smaller_steps, too_fast
from .epoch import Data, Epoch, History, validation_data
from .given import FIT, begins_with_norm, chosen, count, pair, remark, trainable, usable, warn_of_pixels
from .progress import Progress, announce, progress_bar
from .rate import Rate
from .score import Count, score


@explained("fit", FIT, given.FIT)
def fit(
    network: Network,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epochs: int = 1,
    batch_size: int = 50,
    optimizer: Any = None,
    loss: Any = None,
    seed: int | None = None,
    validation: Any = None,
    progress: bool = True,
    on_epoch: Callable[[Epoch], object] | None = None,
    lean: bool = False,
    drop_last: bool = False,
    schedule: Schedule | None = None,
) -> list[Epoch]:
    """Train the network on images in shuffled batches.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype; or a pair (images, labels)
        Numbers near 0 to 1: divide those of pixels by 255. A pair, such as a Split of `fastconv.data.load`, has the
        labels as well: ``fit(network, train, validation=test)``.
    labels : class indices (N,), or targets of the output's shape
        One for each image. The loss decides what integers mean.
    epochs : int
        How often each image is seen.
    batch_size : int
        Images per step. The last batch of an epoch holds the rest of the images.
    optimizer : object with step(parameters, gradients)
        ``SGD(lr=0.1)`` unless given; the learning rate is its setting.
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given, for classes: the network ends with Linear or Conv2D, without Softmax. For
        values ``MSE("mean")``. ``MSE()`` is half the sum of the squares of each image, D/2 times the mean for an output
        of D values; for many values (an autoencoder) usual learning rates fit ``MSE('mean')``.
    seed : int, optional
        Of the order of the images. The same seeds give the same weights, bit for bit, on any number of threads.
    validation : pair (images, labels), optional
        Looked at after each epoch. To keep the last n images for it: ``fit(network, images[:-n], labels[:-n],
        validation=(images[-n:], labels[-n:]))``.
    progress : bool
        Show a line per epoch on standard error, and, on a terminal where tqdm is installed, a bar while it runs.
    on_epoch : function Epoch -> anything, optional
        Called after each epoch; training stops if it returns True (or numpy.True_). After any other value, such as
        text or a number, it goes on. An exception stops training and reaches the caller.
    lean : bool
        Update parameters as soon as their gradients are known, some 32 MB at a time, and keep neither gradients nor the
        copy for the case of NaN: less memory, the same bits. Needs an optimizer of fastconv. Ctrl-C then waits for the
        end of the step.
    drop_last : bool
        Leave out the images of a last, smaller batch; they are others in each epoch.
    schedule : function of a Moment, optional
        What the learning rate is multiplied with at each step, such as ``fastconv.schedules.cosine()``. Afterwards the
        optimizer has the rate that it was given with.

    Returns
    -------
    list of Epoch

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for batches that cannot be trained, such as a last batch of one image with
        BatchNorm on vectors. Raised before the first step; nothing changes.
    FloatingPointError
        When a loss, a parameter or a buffer becomes NaN or infinite; it says where, and what to try. The network then
        has the parameters and buffers of the end of the last good epoch again (not with lean=True), and ``history`` of
        the error is the list of good epochs.

    Warns
    -----
    UserWarning
        If the first images, or targets that are images, reach from 0 to 255 (not where the network begins with
        normalisation); once, if the loss of an epoch is more than 10,000 times that of the first batch.

    Notes
    -----
    Ctrl-C raises KeyboardInterrupt and leaves the weights of the last whole step. To go on, call `fit` again with the
    epochs that remain and the same optimizer, which keeps its state. To start anew, build the network again.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import SGD, Network, fit, layers, losses
    >>> x = np.linspace(-1, 1, 100, dtype="float32")[:, None]
    >>> network = Network(layers.Linear(1), (1,), seed=0)
    >>> history = fit(
    ...     network, x, 3 * x, epochs=20, batch_size=10, optimizer=SGD(0.5), loss=losses.MSE(), seed=0, progress=False
    ... )
    >>> float(network.parameters["linear1.weight"].round(3)[0, 0])
    3.0
    """
    trainable(network, FIT)
    optimizer, loss = usable(optimizer, lean), chosen(loss)
    epochs, batch_size = count(epochs, "epochs", 0, 1), count(batch_size, "batch_size", 1, 50)
    progress = check.flag(progress, "progress")
    given.check_callback(on_epoch, "on_epoch", "an Epoch")
    data = Data(network, *pair(images, labels, FIT), loss)
    held_out = validation_data(network, validation, loss)
    seen = images_seen(len(data.images), batch_size, check.flag(drop_last, "drop_last"))
    rng = check.random(seed)
    if not begins_with_norm(network):
        warn_of_pixels("images", data.images[:batch_size])
    warn_of_pixels("labels", data.targets[:batch_size])
    with network.training():
        reserve(network, seen, batch_size, held_out, loss, lean)
        rate = Rate(optimizer, schedule, epochs, -(-seen // batch_size))
        run = Run(network, data, held_out, batch_size, optimizer, loss, lean, rate)
        announce(remark(loss, network.output_shape), progress)
        with rate:
            for number in range(1, epochs + 1):
                with progress_bar(f"epoch {number}/{epochs}", seen, progress) as bar:
                    epoch = run.epoch(number, rng.permutation(len(data.images))[:seen], bar)
                    bar.done(epoch)
                rate.observe(epoch)
                if on_epoch is not None and is_true(on_epoch(epoch)):
                    break
    return run.history


def is_true(value: object) -> bool:
    """Whether the value is the bool True, not just any true value."""
    return isinstance(value, bool | np.bool_) and bool(value)


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


class Run:
    """What all epochs of a `fit` share, and the network as it was after the last good one."""

    def __init__(
        self,
        network: Network,
        data: Data,
        validation: Data | None,
        batch_size: int,
        optimizer: Any,
        loss: Any,
        lean: bool,
        rate: Rate,
    ) -> None:
        self.network, self.data, self.validation, self.batch_size = network, data, validation, batch_size
        self.optimizer, self.loss, self.lean, self.rate = optimizer, loss, lean, rate
        self.kept = None if lean else Kept(network)
        self.history = History()
        self.first: float | None = None  # the loss of the first batch; infinite once it was compared with a large one
        if non_finite := arrays_not_finite(network):
            raise self.stopped(f"before training: {non_finite}; load its values again, or build the network anew")

    def epoch(self, number: int, order: Array, bar: Progress) -> Epoch:
        """Train on the images in this order, then look at the validation."""
        started = time.perf_counter()
        count = self.train(order, bar)
        if non_finite := arrays_not_finite(self.network):
            raise self.stopped(f"epoch {number}: {non_finite}; {self.cause(order[:0])}")
        checked: tuple[float | None, float | None] = (None, None)
        if self.validation is not None:
            checked = score(self.network, self.validation, self.loss)
            if not math.isfinite(checked[0] or 0):
                raise self.stopped(f"epoch {number}: the validation loss is {checked[0]}; {self.cause_of_validation()}")
        self.history.append(Epoch(number, *count.result(), *checked, time.perf_counter() - started))
        self.warn_of_growth(number, count.per_image())
        if self.kept is not None:
            self.kept.keep()
        return self.history[-1]

    def train(self, order: Array, bar: Progress) -> Count:
        """Loss and accuracy over the images in this order, each batch evaluated before its update."""
        data, count = self.data, Count(self.loss)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            watch = partial(count.add, classes=None if data.classes is None else data.classes[batch])
            images, targets = data.images[batch], data.targets[batch]
            self.rate.next_step()
            try:
                self.network.train_batch(images, targets, self.loss, self.optimizer, self.lean, watch)
            except FloatingPointError as error:
                step = start // self.batch_size + 1
                place = f"epoch {len(self.history) + 1}, step {step}"
                raise self.stopped(f"{place}: the loss is NaN or infinite; {self.cause(batch)}") from error
            bar.update(len(batch))
            if self.first is None:
                self.first = count.per_image()
        return count

    def warn_of_growth(self, number: int, last: float) -> None:
        """UserWarning, once, if the loss of an epoch is far beyond that of the first batch."""
        assert self.first is not None, "an epoch has at least one batch"
        if grown(self.first, last, self.loss, self.data.targets):
            cure = smaller_steps(self.optimizer, sure=True)
            warn(f"epoch {number}: the loss grew from {self.first:.2g} to {last:.2g}; {cure}", UserWarning)
            self.first = math.inf

    def cause(self, batch: Array) -> str:
        """Why the loss of these images is NaN or infinite, and what to write."""
        return cause(self.network, self.data.images, self.data.targets, batch, self.optimizer, self.loss)

    def cause_of_validation(self) -> str:
        """The same for all images of the validation."""
        data = self.validation
        assert data is not None
        non_finite = item_not_finite("images", data.images) or item_not_finite("labels", data.targets)
        return f"validation: {non_finite}" if non_finite else too_fast(data.images, self.optimizer, self.loss)

    def stopped(self, says: str) -> FloatingPointError:
        """The error, once the network is as it was after the last good epoch."""
        if self.kept is None:
            state = "No copy was kept (lean=True): the network has the parameters of its last whole step"
        else:
            self.kept.put_back()
            last = f"after epoch {len(self.history)}" if self.history else "before training"
            state = f"The network has its parameters and buffers of {last} again"
        error = FloatingPointError(f"{says}. {state}")
        error.history = self.history  # type: ignore[attr-defined]
        return error
