"""The command ``fastconv predict``: the class of each image in pictures, folders and arrays."""

import logging
import os
import warnings
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .. import data, losses
from ..data.images import pictures
from ..ops.activation import softmax
from ..typing import Array
from .likeness import Likeness
from .saved import Saved, load_network
from .stdin import NAME, StandardInput
from .streams import Stream, complain, field
from .train import use_threads
from .words import quoted

__all__ = ["predict"]

SILENT = logging.NullHandler()  # for the log of Pillow, whose exceptions are reported in one line


def predict(options: Namespace, output: Stream) -> int:
    """Print the class of each image in the files; returns the exit code."""
    use_threads(options.threads)
    saved = load_network(options.model, options.files)
    logging.getLogger("PIL").addHandler(SILENT)
    reader = Reader(saved, options.model, options.invert, output)
    with StandardInput() as given:
        done = [reader.attempt(reader.predict_all, file, given) for file in options.files]
    if output.error is None:  # somebody reads the results
        reader.likeness.report()
    return 0 if all(done) else 1


class Reader:
    """Reads files, and prints what the network makes of their images."""

    def __init__(self, saved: Saved, model: str, invert: bool, output: Stream) -> None:
        self.saved, self.model, self.invert, self.output = saved, model, invert, output
        self.likeness = Likeness(saved.background, invert)

    def attempt(self, work: Callable[..., bool], name: str | Path, *more: object) -> bool:
        """The result of the work on one file; if it fails, a message and False, so that other files are still read."""
        shown = NAME if name == "-" else name
        try:
            return work(name, *more)
        except data.DataError as error:  # its message names the file
            complain(error)
        except MemoryError:
            complain(f"{shown}: not enough memory")
        except (OSError, ValueError) as error:
            complain(f"{shown}: {error}")
        return False

    def predict_all(self, file: str, given: StandardInput) -> bool:
        """Classify a file, or each picture in a folder; returns whether all images got a class."""
        refuse_no_file(file, self.model)
        if file == "-":
            return self.classify_input(given.file())
        if not os.path.isdir(file):
            return self.classify(file, file)
        done = [self.attempt(self.classify, path, path) for path in pictures(file)]
        return all(done)

    def classify_input(self, path: Path) -> bool:
        """Classify what standard input holds, which lies in this file; errors do not name the file."""
        try:
            return self.classify("-", path)
        except data.DataError as error:
            raise data.DataError(str(error).replace(str(path), NAME)) from None

    def classify(self, name: str | Path, path: str | Path) -> bool:
        """A line for each image of a file: its name, the class, and the network's output for it or its probability."""
        if self.output.error is not None:  # nobody reads the results
            return False
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of Pillow about files, of the network about NaN; `likeness` warns of values
            images = data.read_images(path, self.saved.network.input_shape)
            self.likeness.look(NAME if name == "-" else name, images)
            if self.invert:
                images = 1 - images
            outputs = self.saved.network.predict(images)
        finite = np.atleast_1d(np.isfinite(outputs).all(axis=1))
        self.print_classes(name, outputs, finite)
        if not finite.all():
            complain(f"{NAME if name == '-' else name}: no class for {without_class(images, finite)}")
        return bool(finite.all())

    def print_classes(self, name: str | Path, outputs: Array, finite: Array) -> None:
        """The lines of the images whose outputs are finite."""
        if self.saved.loss == losses.CrossEntropy():
            outputs = softmax(outputs)
        for number in np.flatnonzero(finite):
            image = name if len(outputs) == 1 else f"{name}[{number}]"
            best = int(outputs[number].argmax())
            row = field(image), field(self.saved.classes[best]), f"{outputs[number, best]:.3f}"
            print(*row, sep="\t", file=self.output)
        self.output.flush()


def refuse_no_file(name: str, model: str) -> None:
    """DataError for an address or a pattern, which is the name of no file; `model`: the network's, as it was typed."""
    if os.path.lexists(name):
        return
    if "://" in name:
        raise data.DataError(
            f"{name}: is an address, not a file; write curl -L {quoted(name)} | fastconv predict {quoted(model)} -"
        )
    if name.startswith("~"):
        raise data.DataError(f"{name}: no file has such a name; ~ stands for the home folder only without quotes")
    if "*" in name or "?" in name:
        raise data.DataError(f"{name}: no file has such a name; a pattern stands for files only without quotes")


def without_class(images: Array, finite: Array) -> str:
    """Which images have no class, and whether the network or the image is the cause."""
    bad = np.flatnonzero(~finite)
    which = "it" if len(finite) == 1 else f"{len(bad)} of {len(finite)} images, the first being [{bad[0]}]"
    whose = "the network gives" if np.isfinite(images[bad[0]]).all() else "the image holds"
    return f"{which}: {whose} NaN or infinity"
