"""Curves for TensorBoard."""

import os
from typing import Any, Protocol

from ..ops import check
from ..system.files import AnyPath
from ..system.paths import named, text_of
from .base import Callback, Run
from .rows import row

__all__ = ["TensorBoard"]

TAGS = {  # TensorBoard shows those with the same first word together
    "lr": "learning_rate",
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "validation_accuracy": "accuracy/validation",
    "epoch": "time/epoch",
    "seconds": "time/seconds",
    "images_per_second": "time/images_per_second",
}


class Events(Protocol):
    """What writes a file of events."""

    def begin(self, step: int) -> None:
        """Events of this step, or of later ones, that are in the folder already, count no more."""

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A point of the curve of this name."""

    def flush(self) -> None:
        """All points are in the file."""

    def close(self) -> None:
        """The file is complete."""


class TensorBoard(Callback):
    """Write curves that ``tensorboard --logdir FOLDER`` shows: loss, accuracy, learning rate, metrics, speed.

    All curves have the number of updates as x axis, so that those of epochs and of steps lie over each other. Where a
    training goes on from a checkpoint, its curves do too. Take another folder for each training: of two in the same
    folder, the later one is shown.

    Parameters
    ----------
    folder : str or pathlib.Path
        Made if there is none.
    steps : int, optional
        Updates between two points of "loss/step", the loss of a batch; None for no such curve.

    Raises
    ------
    ImportError
        If neither tensorboard nor tensorboardX is installed.
    OSError
        Before the first step, if the folder cannot be written.

    Examples
    --------
    ::

        fit(network, images, labels, epochs=9, callbacks=[TensorBoard("runs/first")])
    """

    writes = True

    def __init__(self, folder: AnyPath, steps: int | None = 100) -> None:
        self.folder = text_of(folder, ValueError)
        self.steps = None if steps is None else check.integer(steps, "steps", 1)
        self.kind = event_writer()
        self.events: Events | None = None

    def __repr__(self) -> str:
        return f"TensorBoard({self.folder!r})"

    def on_begin(self, run: Run) -> None:
        """Open a file of events in the folder."""
        with named(self.folder):
            os.makedirs(self.folder, exist_ok=True)
            self.events = self.kind(self.folder)
        self.events.begin(run.step + 1 if run.step else 0)

    def on_step(self, run: Run) -> None:
        """Add the loss of the batch, if it is time."""
        if self.events is not None and self.steps is not None and run.step % self.steps == 0:
            assert run.step_loss is not None, "there was a step"
            self.events.scalar("loss/step", run.step_loss, run.step)

    def on_epoch(self, run: Run) -> None:
        """Add the results of the epoch."""
        if self.events is None:
            return
        for name, value in row(run).items():
            if value is not None and name != "step":
                self.events.scalar(TAGS.get(name, f"metrics/{name}"), float(value), run.step)
        self.events.flush()

    def on_end(self, run: Run) -> None:
        """Close the file."""
        if self.events is not None:
            self.events.close()
            self.events = None


def event_writer() -> type[Any]:
    """The writer that is installed."""
    for kind in (OfTensorboard, OfTensorboardX):
        try:
            kind.load()
        except ImportError:
            continue
        return kind
    raise ImportError("TensorBoard needs the package tensorboard, which is not installed: pip install tensorboard")


class OfTensorboard:
    """The writer of the package tensorboard."""

    @staticmethod
    def load() -> tuple[Any, Any, Any]:
        """Its classes; ImportError if it is not installed."""
        from tensorboard.compat.proto import event_pb2, summary_pb2  # type: ignore[import-not-found, unused-ignore]
        from tensorboard.summary.writer.event_file_writer import (  # type: ignore[import-not-found, unused-ignore]
            EventFileWriter,
        )

        return event_pb2, summary_pb2, EventFileWriter

    def __init__(self, folder: str) -> None:
        self.event, self.summary, writer = self.load()
        self.writer = writer(folder)

    def add(self, step: int, **content: Any) -> None:
        """Write an event."""
        from time import time

        self.writer.add_event(self.event.Event(wall_time=time(), step=step, **content))

    def begin(self, step: int) -> None:
        """Write that a session starts."""
        self.add(step, session_log=self.event.SessionLog(status=self.event.SessionLog.START))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number."""
        self.add(step, summary=self.summary.Summary(value=[self.summary.Summary.Value(tag=tag, simple_value=value)]))

    def flush(self) -> None:
        """All points are in the file."""
        self.writer.flush()

    def close(self) -> None:
        """The file is complete."""
        self.writer.close()


class OfTensorboardX:
    """The writer of the package tensorboardX."""

    @staticmethod
    def load() -> Any:
        """Its class; ImportError if it is not installed."""
        from tensorboardX import SummaryWriter  # type: ignore[import-not-found, unused-ignore]

        return SummaryWriter

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def begin(self, step: int) -> None:
        """Open the file, from this step on."""
        self.writer = self.load()(logdir=self.folder, purge_step=step)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number."""
        self.writer.add_scalar(tag, value, step)

    def flush(self) -> None:
        """All points are in the file."""
        self.writer.flush()

    def close(self) -> None:
        """The file is complete."""
        self.writer.close()
