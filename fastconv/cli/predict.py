"""The command ``fastconv predict``: the class of each image in pictures, folders and arrays."""

import logging
import os
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..data.images import pictures
from ..executor.tree import bounds
from ..mpi.launch import launched
from ..training.together import Together, agreeing
from ..typing import Array
from .flags import add_free_size, add_json, add_threads, option
from .image_files import expanded, pieces
from .likeness import Likeness
from .ranks import speaking_once
from .results import FORMATS, Result
from .saved import Saved, load_network
from .stdin import NAME, StandardInput
from .streams import Stream, complain
from .threads import use_threads
from .values import positive
from .words import quoted

__all__ = ["add_options", "predict"]

SILENT = logging.NullHandler()  # for the log of Pillow, whose exceptions are reported in one line


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv predict`."""
    command.set_defaults(run=predict)
    command.add_argument("model", metavar="MODEL", help="a network saved by 'fastconv train', or a file of ONNX")
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="pictures, folders of pictures, patterns such as 'boots/*.png', IDX or .npy files; - is standard input; "
        "write -- before names that begin with -",
    )
    add_free_size(command, "the size of the images, where all have one")
    option(command)("--top", "K", positive, "show the K best classes (default: %(default)s)", 1)
    command.add_argument(
        "--invert", action="store_true", help="for dark on bright: 1 - x in place of each value x, after scaling"
    )
    shown = command.add_mutually_exclusive_group()
    add_json(shown, "a JSON object for each image, one in a line")
    shown.add_argument("--csv", action="store_true", help="print CSV with a head")
    add_threads(command, "all processors")


def predict(options: Namespace, output: Stream) -> int:
    """Print the class of each image in the files; returns the exit code."""
    ranks = launched()
    use_threads(options.threads if options.threads or ranks is None else ranks.threads())
    return speaking_once(partial(predicted, options, output, ranks), ranks)


def predicted(options: Namespace, output: Stream, ranks: Any) -> int:
    """The same on one of several ranks, or on a process alone (None)."""
    with agreeing(None if ranks is None else Together(ranks, None)):
        saved = load_network(options.model, options.files, options.input)
        logging.getLogger("PIL").addHandler(SILENT)
        if options.top > len(saved.classes):
            raise ValueError(f"--top must be at most {len(saved.classes)}, the classes of {options.model}")
    files = list(expanded(options.files))
    if ranks is None:
        reader = Reader(saved, options, output)
        done = reader.read(files)
    else:
        reader, done = in_parts(saved, options, output, ranks, [piece for file in files for piece in pieces(file)])
    if output.error is None:  # somebody reads the results
        reader.likeness.report()
    return 0 if done else 1


def in_parts(saved: Saved, options: Namespace, output: Stream, ranks: Any, files: list[str]) -> tuple["Reader", bool]:
    """Each rank reads some of the files, one after another; rank 0 writes all lines in the order of the files.

    Returns its reader, which knows the faults of all files, and whether all images got a class.
    """
    cuts = bounds(len(files), ranks.size)
    lines, said = StringIO(), StringIO()
    reader = Reader(saved, options, Stream(lines))
    if ranks.rank:  # the head of a table is that of rank 0
        lines.truncate(0)
        lines.seek(0)
    with redirect_stderr(said):
        done = reader.read(files[cuts[ranks.rank] : cuts[ranks.rank + 1]])
    told = ranks.objects((lines.getvalue(), said.getvalue(), reader.likeness.faults, done))
    reader.likeness.faults = {}
    for text, errors, faults, _ in told if ranks.rank == 0 else ():
        output.write(text)
        print(errors, end="", file=sys.stderr, flush=True)
        for cure, (what, names) in faults.items():
            reader.likeness.faults.setdefault(cure, (what, []))[1].extend(names)
    output.flush()
    return reader, all(ok for *_, ok in told)


class Reader:
    """Reads files, and prints what the network makes of their images."""

    def __init__(self, saved: Saved, options: Namespace, output: Stream) -> None:
        shape = "json" if options.json else "csv" if options.csv else "text"
        self.saved, self.model, self.invert, self.top = saved, options.model, options.invert, options.top
        self.output, self.show = output, FORMATS[shape](saved.kind, options.top, output)
        self.likeness = Likeness(saved.background, options.invert)

    def read(self, files: Iterable[str]) -> bool:
        """Read all of these files; returns whether all images got a class."""
        with StandardInput() as given:
            return all([self.attempt(self.predict_all, file, given) for file in files])

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
            images = self.saved.read(path)
            self.likeness.look(NAME if name == "-" else name, images)
            if self.invert:
                images = 1 - images
            outputs = self.saved.outputs(images)
        finite = np.atleast_1d(np.isfinite(outputs).all(axis=1))
        self.print_classes(name, outputs, finite)
        if not finite.all():
            complain(f"{NAME if name == '-' else name}: no class for {without_class(images, finite)}")
        return bool(finite.all())

    def print_classes(self, name: str | Path, outputs: Array, finite: Array) -> None:
        """The lines of the images whose outputs are finite."""
        scores = self.saved.scores(outputs)
        for number in np.flatnonzero(finite):
            best = np.argsort(-scores[number], kind="stable")[: self.top]
            pairs = [(self.saved.classes[int(k)], float(scores[number, k])) for k in best]
            self.show(Result(str(name), None if len(outputs) == 1 else int(number), pairs))
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
        raise data.DataError(f"{name}: no file has such a name, and none fits the pattern")


def without_class(images: Array, finite: Array) -> str:
    """Which images have no class, and whether the network or the image is the cause."""
    bad = np.flatnonzero(~finite)
    which = "it" if len(finite) == 1 else f"{len(bad)} of {len(finite)} images, the first being [{bad[0]}]"
    whose = "the network gives" if np.isfinite(images[bad[0]]).all() else "the image holds"
    return f"{which}: {whose} NaN or infinity"
