"""The command ``fastconv train``: trains a network, saves it, and prints its accuracy on the test images."""

import math
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .. import data, losses, models
from ..kernels.runtime.threads import get_num_threads, set_num_threads
from ..network import Network
from ..optim import SGD
from ..training import fit
from ..training.epoch import Epoch
from ..typing import Array
from . import interrupts
from .likeness import background
from .saving import Place
from .streams import Stream, complain, escaped
from .words import counted

__all__ = ["FEWEST_EPOCHS", "IMAGES_SHOWN", "train", "use_threads"]

IMAGES_SHOWN = 100_000  # the default number of epochs shows at least this many training images, ...
FEWEST_EPOCHS = 5  # ... and each of them this often
SMALL_STEP = 5_000_000  # multiply-adds of a batch that one thread computes as fast as several threads


def train(options: Namespace, output: Stream) -> int:
    """Train a network, save it, and print its accuracy on the test images; returns the exit code."""
    known = models.known[options.model]
    place = Place(options.out, options.model, options.overwrite)
    place.check()
    use_threads(options.threads)
    found = loaded(options.data)
    network = Network(known.build(), found.test.images.shape[1:], seed=options.seed)
    epochs = options.epochs or max(FEWEST_EPOCHS, math.ceil(IMAGES_SHOWN / len(found.train.labels)))
    usual = 1.0 if known.loss == losses.MSE() else 0.1
    rate = options.lr or usual
    announce(options, network, found, epochs, rate)
    finished = Finished(network)
    save = partial(place.save, network, describe(options.model, network, found))
    with interrupts.only_once():
        try:
            run(options, network, found, epochs, SGD(rate), known.loss, finished)
            path = save()
        except interrupts.Stopped as stop:
            complain(interrupted(finished, epochs, save))
            return stop.code
        except FloatingPointError:
            raise ValueError(
                f"training failed in epoch {finished.number + 1}: the loss or the weights became NaN or infinite. "
                f"Nothing was saved; try --lr {usual if rate > usual else rate / 10:g}, not {rate:g}"
            ) from None
    print(f"saved     {escaped(path)}" + (f" ({escaped(place.wanted)} exists)" if path != place.wanted else ""))
    print(f"test accuracy {percent(finished.accuracy)}", flush=True)
    if finished.accuracy <= np.bincount(found.test.labels).max() / len(found.test.labels):
        cure = f"try --lr {usual:g}, not {rate:g}" if rate > usual else f"try more epochs than {epochs}"
        complain(f"warning: this is no better than one class for all images; {cure}")
    return 0


def announce(options: Namespace, network: Network, found: data.Dataset, epochs: int, rate: float) -> None:
    """Choose the number of threads, and say what is trained on what, and how."""
    summary = network.summary()
    if options.threads is None and summary.multiply_adds * options.batch_size < SMALL_STEP:
        set_num_threads(1)
    training, test = counted(len(found.train.labels), "training image"), counted(len(found.test.labels), "test image")
    threads = counted(get_num_threads(), "thread")
    batches = f"batches of {counted(min(options.batch_size, len(found.train.labels)), 'image')}"
    print(f"data      {escaped(found.folder)}: {training}, {test}")
    print(f"network   {options.model}, {counted(summary.parameters, 'parameter')}, {threads}")
    print(f"training  {counted(epochs, 'epoch')}, {batches}, learning rate {rate:g}", flush=True)


def run(
    options: Namespace,
    network: Network,
    found: data.Dataset,
    epochs: int,
    optimizer: SGD,
    loss: losses.Loss,
    finished: "Finished",
) -> None:
    """Train; FloatingPointError if the loss or a weight is NaN or infinite."""
    bar = sys.stderr.isatty() and find_spec("tqdm") is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of losses that grow; `train` says what to type
        fit(
            network,
            *found.train,
            epochs=epochs,
            batch_size=options.batch_size,
            optimizer=optimizer,
            loss=loss,
            seed=options.seed,
            validation=found.test,
            progress=bar,
            on_epoch=partial(end_of_epoch, finished, not bar),
        )


class Finished:
    """The network as it was at the end of its last finished epoch."""

    def __init__(self, network: Network) -> None:
        self.arrays: dict[str, Array] = {**network.parameters, **network.buffers}
        self.last: tuple[Epoch, list[Array]] | None = None

    def keep(self, epoch: Epoch) -> None:
        """Copy the network as it is now; in one assignment, which Ctrl-C cannot divide."""
        self.last = epoch, [array.copy() for array in self.arrays.values()]

    def restore(self) -> None:
        """Write the copy back into the network."""
        assert self.last is not None
        for array, kept in zip(self.arrays.values(), self.last[1], strict=True):
            np.copyto(array, kept)

    @property
    def number(self) -> int:
        """How many epochs are finished."""
        return self.last[0].epoch if self.last else 0

    @property
    def accuracy(self) -> float:
        """The accuracy on the test images, from 0 to 1."""
        assert self.last is not None
        share = self.last[0].validation_accuracy
        assert share is not None  # the models of the command are classifiers, and fit was given the test images
        return share


def end_of_epoch(finished: Finished, shown: bool, epoch: Epoch) -> None:
    """Keep the network and print the results; FloatingPointError if a loss or an array is not finite."""
    arrays = [*finished.arrays.values(), epoch.loss, epoch.validation_loss]
    finite = all(array is None or np.isfinite(array).all() for array in arrays)
    if finite:
        finished.keep(epoch)
    if shown:
        print(epoch, flush=True)
    if not finite:
        raise FloatingPointError(f"epoch {epoch.epoch}: the loss or the weights became NaN or infinite")


def interrupted(finished: Finished, epochs: int, save: Callable[[], str]) -> str:
    """Save the network of the last finished epoch; returns what to say."""
    if finished.last is None:
        return "interrupted before the end of epoch 1; nothing was saved"
    number = finished.number
    where = f"in epoch {number + 1}" if number < epochs else f"after epoch {number}"
    finished.restore()
    try:
        path = save()
    except ValueError as error:
        return f"interrupted {where}; {error}"
    accuracy = percent(finished.accuracy)
    return f"interrupted {where}; saved the network of epoch {number} (test accuracy {accuracy}) as {path}"


def percent(share: float) -> str:
    """A share from 0 to 1 in percent."""
    return f"{100 * share:.2f} %"


def loaded(folder: str | None) -> data.Dataset:
    """The images of the folder that --data or $FASTCONV_DATA names; an error says which."""
    try:
        return data.load(folder)
    except data.DataError as error:
        typed = "--data " if folder else "FASTCONV_DATA=" if os.environ.get("FASTCONV_DATA") else ""
        raise ValueError(f"{typed}{error}") from None


def describe(model: str, network: Network, found: data.Dataset) -> dict[str, object]:
    """The metadata from which `fastconv predict` builds the network again, and with which it compares pictures."""
    classes = data.class_names(Path(found.folder))
    return {
        "model": model,
        "input_shape": list(network.input_shape),
        "classes": classes and list(classes),
        "background": round(background(found.train.images), 4),
    }


def use_threads(number: int | None) -> None:
    """Set the number of threads; None for the default."""
    try:
        set_num_threads(number)
    except ValueError:
        raise ValueError(f"--threads must be between 1 and 1024, got {number}") from None
