"""The command ``fastconv train``: trains a network, saves it, and prints its accuracy on the test images."""

import math
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..callbacks.record import record
from ..checkpoint import CheckpointError
from ..kernels.runtime.threads import get_num_threads, set_num_threads
from ..mpi.launch import launched
from ..network import Network
from ..training import evaluate, fit
from ..training.start import places
from ..training.together import Together, agreeing
from . import architectures, curve, interrupts, recipe
from .describing import described, written
from .documents import as_json
from .feeding import Feed, fed
from .finished import Finished
from .going_on import command
from .networks import built
from .ranks import speaking_once
from .saving import Place
from .streams import Stream, complain, escaped
from .telling import told
from .threads import use_threads
from .training_data import Given, given
from .weights import prepared
from .words import counted, percent, quoted

__all__ = ["FEWEST_EPOCHS", "IMAGES_SHOWN", "train"]

IMAGES_SHOWN = 100_000  # the default number of epochs shows at least this many training images, ...
FEWEST_EPOCHS = 5  # ... and each of them this often
SMALL_STEP = 5_000_000  # multiply-adds of a batch that one thread computes as fast as several threads


def train(options: Namespace, output: Stream) -> int:
    """Train a network, save it, and print its accuracy on the test images; returns the exit code."""
    ranks = launched(synchronise=options.sync_batch_norm)
    return speaking_once(partial(trained, options, ranks), ranks)


def trained(options: Namespace, ranks: Any) -> int:
    """The same on one of several ranks, or on a process alone (None)."""
    place = Place(options.out, options.model, options.overwrite)
    with agreeing(None if ranks is None else Together(ranks, None)):
        place.check()
        use_threads(options.threads)
        found = given(options)
        model = architectures.model(options.model, found.outputs, options.model_args)
        work = Work(options, found, built(options.model, found.shape, model, options.seed), place, ranks)
    work.announce()
    with interrupts.only_once():
        try:
            history = work.run()
            if ranks is not None and ranks.rank:
                return 0
            path = work.save(history)
        except interrupts.Stopped as stop:
            complain(work.interrupted())
            return stop.code
        except FloatingPointError:
            raise ValueError(work.diverged()) from None
    work.report(history, path)
    return 0


class Work:
    """One training: the network, what it is trained on and how, and where it is saved."""

    def __init__(self, options: Namespace, found: Given, network: Network, place: Place, ranks: Any) -> None:
        self.options, self.given, self.network, self.place, self.ranks = options, found, network, place, ranks
        self.loss = recipe.loss(options)
        self.usual_rate = recipe.rate(options, self.loss)
        self.rate = options.lr or self.usual_rate
        self.epochs = options.epochs or max(FEWEST_EPOCHS, math.ceil(IMAGES_SHOWN / len(found.training)))
        self.optimizer, self.schedule = recipe.optimizer(options, self.rate), recipe.schedule(options)
        self.weights = prepared(options, network)
        self.feed: Feed = fed(options, found)
        self.bar = sys.stderr.isatty() and find_spec("tqdm") is not None
        self.finished = Finished(network, "json" if options.json else "" if self.bar else "text")
        self.told = told(options, found, self.rate, self.epochs)
        self.callbacks = recipe.callbacks(options, found.classes, self.feed.preprocessing, self.told)

    def announce(self) -> None:
        """Choose the number of threads, and say what is trained on what, and how."""
        options, found = self.options, self.given
        ranks = None if self.ranks is None else places(self.ranks)
        summary = self.network.summary()
        if options.threads is None and summary.multiply_adds * options.batch_size < SMALL_STEP:
            set_num_threads(1)
        if options.json:
            return
        images = f"{counted(len(found.training), 'training image')}, "
        images += counted(len(found.validation), f"{found.held_out} image")
        if found.test is not None:
            images += f", {counted(len(found.test), 'test image')}"
        threads = counted(get_num_threads(), "thread")
        batches = f"batches of {counted(min(options.batch_size, len(found.training)), 'image')}"
        print(f"data      {escaped(found.place)}: {images}")
        print(f"network   {options.model}, {counted(summary.parameters, 'parameter')}, {threads}")
        for line in self.weights:
            print(escaped(line))
        if ranks is not None:
            print(f"ranks     {ranks}")
        print(f"training  {counted(self.epochs, 'epoch')}, {batches}, learning rate {self.rate:g}", flush=True)

    def run(self) -> Sequence[Any]:
        """Train; FloatingPointError if the loss or a weight is NaN or infinite."""
        options, feed = self.options, self.feed
        images, labels = feed.training if isinstance(feed.training, tuple) else (feed.training, None)
        with warnings.catch_warnings(), resuming(options.resume):
            warnings.simplefilter("ignore", UserWarning)  # of losses that grow; `train` says what to type
            return fit(
                self.network,
                images,
                labels,
                epochs=self.epochs,
                batch_size=options.batch_size,
                optimizer=self.optimizer,
                loss=self.loss,
                seed=options.seed,
                validation=feed.validation,
                progress=self.bar,
                schedule=self.schedule,
                callbacks=[*self.callbacks, self.finished],
                accumulate=options.accumulate,
                max_norm=options.clip,
                resume=options.resume,
                comm=self.ranks,
                deterministic=options.deterministic,
            )

    def save(self, history: Sequence[Any], state: Any = None) -> str:
        """Save the network, and with `state` the training; returns the name of the file."""
        about = described(
            self.options.model,
            self.network,
            self.given,
            self.feed.preprocessing,
            {**record(history, self.optimizer, self.loss), **self.told},
        )
        return self.place.save(partial(written, network=self.network, about=about, run=state))

    def interrupted(self) -> str:
        """Save what a later command goes on with; returns what to say."""
        done, checkpoint = self.finished, self.options.checkpoint
        start = "" if self.ranks is None else f"mpiexec -n {self.ranks.size} python -m mpi4py -m "
        if checkpoint is not None:
            where = f"in epoch {done.number + 1}" if done.number < self.epochs else f"after epoch {done.number}"
            return f"interrupted {where}; to go on write {start}{command(self.options, checkpoint)}"
        if done.kept is None:
            return "interrupted before the end of epoch 1; nothing was saved"
        where = f"in epoch {done.number + 1}" if done.number < self.epochs else f"after epoch {done.number}"
        state = done.restore()
        try:
            path = self.save(done.history, state)
        except ValueError as error:
            return f"interrupted {where}; {error}"
        accuracy = f"{self.given.held_out} accuracy {percent(done.accuracy)}"
        saved = f"saved the network of epoch {done.number} ({accuracy}) as {path}"
        return f"interrupted {where}; {saved}; to go on write {start}{command(self.options, path)}"

    def diverged(self) -> str:
        """What to do about a loss that became NaN."""
        lower = self.usual_rate if self.rate > self.usual_rate else self.rate / 10
        return (
            f"training failed in epoch {self.finished.number + 1}: the loss or the weights became NaN or infinite. "
            f"Nothing was saved; try --lr {lower:g}, not {self.rate:g}"
        )

    def report(self, history: Sequence[Any], path: str) -> None:
        """Say what was saved, draw the learning curve, and print the accuracy."""
        name, accuracy = self.accuracy(history)
        picture = curve.draw(history, path, self.given.held_out, self.options.overwrite)
        if self.options.json:
            document = {"saved": path, "curve": picture, f"{name}_accuracy": accuracy, "epochs": len(history)}
            print(as_json(document), flush=True)
        else:
            taken = f" ({escaped(self.place.wanted)} exists)" if path != self.place.wanted else ""
            print(f"saved     {escaped(path)}{taken}")
            if picture is not None:
                print(f"curve     {escaped(picture)}")
            print(f"{name} accuracy {percent(accuracy)}", flush=True)
        labels = (self.given.validation if self.given.test is None else self.given.test).labels
        if accuracy <= np.bincount(labels).max() / len(labels):
            lower = f"try --lr {self.usual_rate:g}, not {self.rate:g}"
            cure = lower if self.rate > self.usual_rate else f"try more epochs than {self.epochs}"
            complain(f"warning: this is no better than one class for all images; {cure}")

    def accuracy(self, history: Sequence[Any]) -> tuple[str, float]:
        """(of which images, the share that the saved network reads rightly)."""
        name = self.given.held_out if self.given.test is None else "test"
        if self.given.test is None and self.options.patience is None and history:
            return name, float(history[-1].validation_accuracy)
        images = self.feed.validation if self.given.test is None else self.feed.test
        share = evaluate(self.network, images, loss=self.loss)[1]
        return name, float(share or 0)


@contextmanager
def resuming(path: str | None) -> Iterator[None]:
    """Errors about the file of --resume name the option, and what to type."""
    try:
        yield
    except CheckpointError as error:
        if path is None:
            raise
        told = str(error).replace(
            "write network.load(path)", f"add {quoted('--pretrained', path)} in place of --resume"
        )
        raise ValueError(f"--resume {told}") from None
