"""The epochs of a training: from `fit`, from a log, or from what a file says of its network."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import callbacks
from ..ops import check

__all__ = ["Epoch", "best", "epochs_of", "given_epochs"]

NUMBERS = ("loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "lr")
OTHERS = ("epoch", "step", "images_per_second", "metrics")  # of logs
LOGS = {".csv": callbacks.CSVLog, ".jsonl": callbacks.JSONLog}


class Epoch(NamedTuple):
    """The results of one epoch; what is not known is None."""

    epoch: int
    loss: float | None = None
    accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    seconds: float | None = None
    lr: float | None = None
    metrics: Mapping[str, float] = {}


def epochs_of(rows: Any) -> list[Epoch]:
    """The history in a file's metadata; empty where there is none, or something else. Epochs have a loss."""
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        return []
    try:
        return with_loss(rows)
    except (KeyError, TypeError, ValueError, OverflowError):
        return []


def with_loss(rows: Iterable[Mapping[str, Any]]) -> list[Epoch]:
    """The epochs of these rows whose loss is known."""
    return [epoch for epoch in map(epoch_of, rows) if epoch.loss is not None]


def epoch_of(row: Mapping[str, Any]) -> Epoch:
    """An epoch from its fields; in logs the metrics stand beside them, and all may be text."""
    named = {name: value for name, value in row.items() if name not in (*NUMBERS, *OTHERS)}
    metrics = {**named, **(row.get("metrics") or {})}
    found = {name: number(value) for name, value in metrics.items()}
    known = {str(name): value for name, value in found.items() if value is not None}
    return Epoch(int(row["epoch"]), **{name: number(row.get(name)) for name in NUMBERS}, metrics=known)


def number(value: Any) -> float | None:
    """A finite number, perhaps from text; None for all else that stands for no number."""
    found = math.nan if value is None or value == "" else float(value)
    return found if math.isfinite(found) else None


def given_epochs(history: Any) -> list[Epoch]:
    """What the caller gave as history: the result of `fit`, or the path of a log."""
    if isinstance(history, str | bytes | os.PathLike):
        return logged(os.fsdecode(history))
    fields = [getattr(epoch, "_asdict", None) for epoch in history] if isinstance(history, Sequence) else [None]
    if not all(fields):
        raise TypeError(f"history must be what fit returned, or the path of a log, got {check.shown(history)}")
    return with_loss(row() for row in fields if row)


def logged(path: str) -> list[Epoch]:
    """The rows of a file of CSVLog or JSONLog."""
    kind = LOGS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise ValueError(f"history must be a log that ends with .csv or .jsonl, got {path}")
    os.stat(path)  # an OSError that names it
    try:
        rows = kind(path).read()
    except ValueError:
        raise ValueError(f"{path} is no log of a training, as {kind.__name__} writes it") from None
    return with_loss(rows)


def best(epochs: Sequence[Epoch]) -> Epoch:
    """The epoch with the highest validation accuracy, else the lowest validation loss, else the lowest loss."""
    for field, sign in (("validation_accuracy", -1), ("validation_loss", 1), ("loss", 1)):
        known = [epoch for epoch in epochs if getattr(epoch, field) is not None]
        if known:
            return min(known, key=lambda epoch: sign * getattr(epoch, field))
    return epochs[-1]
