"""`fit`: what it is given, and the epochs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import training as given
from ..arguments.signatures import explained
from ..network import Network
from ..ops import check
from ..schedules import Schedule
from .adjust import Adjust, checked_norm
from .beginning import begun, checked_callbacks, checked_metrics
from .epoch import Epoch
from .given import FIT, chosen, count, remark, trainable, usable
from .progress import announce, progress_bar
from .rate import Rate
from .run import Run
from .sources import reserve, sources
from .start import begin_together, of_others, places
from .together import agreeing, guarded, joined


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
    callbacks: Sequence[Any] = (),
    accumulate: int = 1,
    max_norm: float | None = None,
    metrics: Mapping[str, Callable[[Any, Any], float]] | None = None,
    resume: Any = None,
    sample_weight: ArrayLike | None = None,
    comm: Any = None,
    deterministic: bool | int = False,
) -> list[Epoch]:
    """Train the network on images in shuffled batches.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype; or a pair (images, labels); or a data set, or a Loader
        Numbers near 0 to 1: divide those of pixels by 255. A pair, such as a Split of `fastconv.data.load`, has the
        labels as well: ``fit(network, train, validation=test)``. A data set of `fastconv.data` is read batch by batch,
        bytes are divided by 255; a `fastconv.data.Loader` also has transforms, workers, and a batch size and seed of
        its own.
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
    validation : pair (images, labels), data set, Loader(shuffle=False), or a share such as 0.1; optional
        Looked at after each epoch. A share of the images, drawn by the seed, of each class as many as it has, is kept
        for it and not trained on. A data set passes through those transforms of the training's loader that are not
        random; functions of your own stay.
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
    callbacks : list of callbacks
        Of `fastconv.callbacks`, such as ``EarlyStopping()`` and ``Checkpoint("run.npz")``, or of your own.
    accumulate : int
        Batches of which the gradients are added before an update, which is then that of one batch of all their images:
        the mean of their gradients, each weighted with its number of images. Two things see each batch by itself: batch
        norm, and a mean over those labels alone that are not ignored (ignore_index).
    max_norm : float, optional
        Gradients are scaled so that the norm of all of them together is at most this.
    metrics : dict name -> function (outputs, targets) -> float, optional
        Of the validation, such as ``{"top3": partial(fastconv.metrics.top_k_accuracy, k=3)}``; in ``epoch.metrics``.
        The outputs are those for all its images, the targets class indices where they are classes.
    resume : path, or True; optional
        A file of `callbacks.Checkpoint` to go on from, with the same images and settings: the weights become bit for
        bit those of a training without a break, on any number of threads. `epochs` are those of the whole training, and
        may be more than before. The settings of the optimizer, such as its learning rate, are those of the file. True:
        the file of the Checkpoint among the callbacks, if there is one already.
    sample_weight : array (N,) of numbers >= 0, optional
        How much each image counts: the loss is sum w[n] l[n] / sum w[n] over all images, and each batch has its part of
        it; a loss that is a sum is sum w[n] l[n]. Images of weight 0 are left out. A share for the validation has the
        weights of its images. Accuracies and metrics count each image once. Not with a loader that mixes images.
    comm : an MPI communicator, such as ``mpi4py.MPI.COMM_WORLD``, or `fastconv.mpi.Ranks`; optional
        The processes, ranks, that train together: each is given the same arguments, computes its share of each batch,
        and has all results. Files and lines are written by rank 0 alone, which also calls `on_epoch`. See
        `fastconv.mpi`.
    deterministic : bool or int
        Compute each batch in this number of blocks (True: 8), whose gradients are added in a fixed order, with batch
        norm over all of them: the same bits for any number of ranks, and for one process.

    Returns
    -------
    list of Epoch

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for batches that cannot be trained, such as a last batch of one image with
        BatchNorm on vectors. Raised before the first step; nothing changes.
    RuntimeError
        On a rank where all is well, if another one was refused something before the first step; it says which and what.
    CheckpointError
        If the file to resume from is damaged, or of another network.
    FloatingPointError
        When a loss, a gradient, a parameter or a buffer becomes NaN or infinite; it says at which epoch, step and
        learning rate, the largest norm of the gradients so far, and what to try. The network then
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
    epochs that remain and the same optimizer, which keeps its state; or, with a Checkpoint among the callbacks, with
    ``resume=path``. To start anew, build the network again.

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
    together = joined(comm, deterministic, lean)
    with agreeing(together):
        optimizer, loss = usable(optimizer, lean), chosen(loss)
        epochs, batch_size = count(epochs, "epochs", 0, 1), count(batch_size, "batch_size", 1, 50)
        accumulate = count(accumulate, "accumulate", 1, 1)
        progress, drop_last = check.flag(progress, "progress"), check.flag(drop_last, "drop_last")
        given.check_callback(on_epoch, "on_epoch", "an Epoch")
        callbacks, metrics = checked_callbacks(callbacks), checked_metrics(metrics)
        adjust = adjustment(accumulate, max_norm, loss, lean)
        feed, held_out = sources(network, images, labels, validation, loss, batch_size, seed, drop_last, sample_weight)
        if metrics and held_out is None:
            raise ValueError(
                "metrics are those of the validation, and fit was given none; write fit(..., validation=0.1)"
            )
    if together is not None and together.ranks.rank:
        callbacks, on_epoch, progress = tuple(each for each in callbacks if not writes(each)), None, False
    with network.training(), guarded(together):
        if together is not None:
            settings = {"epochs": epochs, "loss": loss, "schedule": schedule, "accumulate": accumulate,
                        "max_norm": max_norm, "deterministic": deterministic, "metrics": sorted(metrics),
                        "resume": resume is not None and resume is not False}  # fmt: skip
            settings |= of_others(together.ranks, held_out, [each for each in callbacks if not writes(each)])
            begin_together(together, network, feed, optimizer, settings)
            if together.ranks.size > 1:
                announce(places(together.ranks), progress)
        with agreeing(together):
            reserve(network, feed, held_out, lean, together)
            rate = Rate(optimizer, schedule, epochs, -(-feed.images // (feed.batch_size * accumulate)))
            run = Run(network, feed, optimizer, loss, rate, adjust, accumulate, lean)
        run.validation, run.metrics, run.callbacks, run.shown = held_out, metrics, callbacks, progress
        run.together = together
        announce(remark(loss, network.output_shape), progress)
        with rate, begun(run, resume):
            train(run, on_epoch)
    return run.history


def train(run: Run, on_epoch: Callable[[Epoch], object] | None) -> None:
    """The epochs that remain."""
    while run.epoch <= run.epochs and not run.stop:
        left = run.feed.images - run.batch * run.feed.batch_size
        with progress_bar(f"epoch {run.epoch}/{run.epochs}", left, run.shown) as bar:
            epoch = run.one_epoch(bar)
            if epoch is None:
                return
            if run.together is not None:
                run.together.check_weights(run.network)
            bar.done(epoch)
        if on_epoch is not None and is_true(on_epoch(epoch)):
            run.stop = True
        run.end_epoch()
        run.agree_to_stop()


def adjustment(accumulate: int, max_norm: Any, loss: Any, lean: bool) -> Adjust | None:
    """What happens to gradients before an update; None in lean training, which has no gradients then."""
    norm = checked_norm(max_norm)
    if not lean:
        return Adjust(norm, getattr(loss, "reduction", None) == "sum")
    for name, value, default in (("accumulate", accumulate, 1), ("max_norm", max_norm, None)):
        if value != default:
            raise ValueError(f"{name}={value} needs all gradients before the update: leave out lean=True")
    return None


def writes(callback: Any) -> bool:
    """Whether a callback writes files, which is for one process alone."""
    return bool(getattr(callback, "writes", False))


def is_true(value: object) -> bool:
    """Whether the value is the bool True, not just any true value."""
    return isinstance(value, bool | np.bool_) and bool(value)
